/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

/* The device's own <string.h>, under other names beside this machine's. */
void *own_memcpy(void *restrict to, const void *restrict from, size_t len);
void *own_memmove(void *to, const void *from, size_t len);
void *own_memset(void *to, int byte, size_t len);
int own_memcmp(const void *a, const void *b, size_t len);
size_t own_strlen(const char *text);

#define memcpy own_memcpy
#define memmove own_memmove
#define memset own_memset
#define memcmp own_memcmp
#define strlen own_strlen
#include "../../firmware-port/libc/memory.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen

enum { PLACES = 9, LENGTHS = 40, ROOM = 64 };

static _Alignas(8) uint8_t from[ROOM];
static _Alignas(8) uint8_t to[ROOM];
static _Alignas(8) uint8_t expected[ROOM];

static void fill(void)
{
    for (size_t i = 0; i < ROOM; i++) {
        from[i] = (uint8_t)(i + 1);
        to[i] = expected[i] = (uint8_t)(200 - i);
    }
}

#define FOR_ALL(x, y, len)                  \
    for (size_t x = 0; x < PLACES; x++)     \
        for (size_t y = 0; y < PLACES; y++) \
            for (size_t len = 0; len < LENGTHS; len++)

static void test_memcpy_every_place_and_length(void **state)
{
    (void)state;
    FOR_ALL(x, y, len)
    {
        fill();
        memcpy(expected + x, from + y, len);
        assert_ptr_equal(own_memcpy(to + x, from + y, len), to + x);
        assert_memory_equal(to, expected, ROOM);
    }
}

static void test_memmove_every_overlap(void **state)
{
    (void)state;
    FOR_ALL(x, y, len)
    {
        fill();
        memmove(expected + x, expected + y, len);
        assert_ptr_equal(own_memmove(to + x, to + y, len), to + x);
        assert_memory_equal(to, expected, ROOM);
    }
}

static void test_memset_every_place_and_length(void **state)
{
    (void)state;
    FOR_ALL(x, byte, len)
    {
        fill();
        memset(expected + x, (int)byte * 31, len);
        assert_ptr_equal(own_memset(to + x, (int)byte * 31 + 256, len), to + x);
        assert_memory_equal(to, expected, ROOM);
    }
}

static void test_memcmp_every_difference(void **state)
{
    (void)state;
    fill();
    memcpy(to, from, ROOM);
    assert_int_equal(own_memcmp(to, from, ROOM), 0);
    for (size_t i = 0; i < ROOM; i++) {
        to[i] = 0xff;
        assert_true(own_memcmp(to, from, ROOM) > 0);
        assert_true(own_memcmp(from, to, ROOM) < 0);
        assert_int_equal(own_memcmp(from, to, i), 0);
        to[i] = from[i];
    }
}

static void test_strlen_counts(void **state)
{
    (void)state;
    assert_int_equal(own_strlen(""), 0);
    assert_int_equal(own_strlen("four"), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memcpy_every_place_and_length),
        cmocka_unit_test(test_memmove_every_overlap),
        cmocka_unit_test(test_memset_every_place_and_length),
        cmocka_unit_test(test_memcmp_every_difference),
        cmocka_unit_test(test_strlen_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
