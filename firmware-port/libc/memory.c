/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

/* By words where both sides lie on them: no processor that this is for can load one that does not.
 * Compiled so that no loop is made a call of the function that it is in. */
typedef uint32_t __attribute__((may_alias)) word;

enum { ALIGNED = sizeof(word) - 1 };

/* May be used where `to` overlaps what lies before it in `from`. */
static void copy_forward(uint8_t *out, const uint8_t *in, size_t len)
{
    if ((((uintptr_t)out ^ (uintptr_t)in) & ALIGNED) == 0) {
        for (; len > 0 && ((uintptr_t)out & ALIGNED) != 0; len--) {
            *out++ = *in++;
        }
        for (; len >= sizeof(word); len -= sizeof(word)) {
            *(word *)(void *)out = *(const word *)(const void *)in;
            out += sizeof(word);
            in += sizeof(word);
        }
    }
    for (; len > 0; len--) {
        *out++ = *in++;
    }
}

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
    copy_forward(to, from, len);
    return to;
}

void *memmove(void *to, const void *from, size_t len)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if ((uintptr_t)out - (uintptr_t)in >= len) { /* `to` is not within `from` */
        copy_forward(out, in, len);
        return to;
    }
    while (len > 0) {
        len--;
        out[len] = in[len];
    }
    return to;
}

void *memset(void *to, int byte, size_t len)
{
    uint8_t *out = to;
    const word four = (word)(uint8_t)byte * 0x01010101u;
    for (; len > 0 && ((uintptr_t)out & ALIGNED) != 0; len--) {
        *out++ = (uint8_t)byte;
    }
    for (; len >= sizeof(word); len -= sizeof(word)) {
        *(word *)(void *)out = four;
        out += sizeof(word);
    }
    for (; len > 0; len--) {
        *out++ = (uint8_t)byte;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    for (size_t i = 0; i < len; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t len = 0;
    while (text[len] != '\0') {
        len++;
    }
    return len;
}
