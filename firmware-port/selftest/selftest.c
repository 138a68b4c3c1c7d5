/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest.h"

#include <string.h>

uint8_t selftest_room[SELFTEST_ROOM_LEN];

/* In the order of vectors.py. */
static const struct {
    const char *name;
    bool (*run)(const selftest_vector *v);
} kinds[] = {
    {"AES-128-CBC", selftest_aes},
    {"HMAC-SHA-256", selftest_hmac},
    {"HKDF-SHA-256", selftest_hkdf},
    {"X25519", selftest_x25519},
    {"ChaCha20-Poly1305", selftest_chachapoly},
    {"A128CBC-HS256", selftest_cbc_hs256},
    {"records", selftest_record},
    {"CBOR", selftest_cbor},
    {"seed frames", selftest_seed},
    {"sessions", selftest_session},
    {"division", selftest_division},
};

enum { KINDS = sizeof kinds / sizeof kinds[0], LINE_LEN = 64 };

typedef struct counts {
    uint16_t passed[KINDS];
    uint16_t all[KINDS];
} counts;

static const uint8_t *read_bytes(medsec_bytes *field, const uint8_t *at)
{
    field->len = (size_t)(at[0] << 8 | at[1]);
    field->data = at + 2;
    return field->data + field->len;
}

static const uint8_t *run_next(counts *tally, const uint8_t *at)
{
    static selftest_vector v;
    const uint8_t kind = at[0];
    v.flag = at[1];
    v.count = at[2];
    at += 3;
    for (size_t i = 0; i < v.count; i++) {
        at = read_bytes(&v.field[i], at);
    }
    tally->all[kind]++;
    tally->passed[kind] = (uint16_t)(tally->passed[kind] + kinds[kind].run(&v));
    return at;
}

static char *put_text(char *out, const char *text)
{
    size_t len = strlen(text);
    memcpy(out, text, len);
    return out + len;
}

static char *put_number(char *out, unsigned number)
{
    char digits[10];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        *out++ = digits[--count];
    }
    return out;
}

static bool report(const counts *tally, size_t kind)
{
    char line[LINE_LEN];
    char *end = put_text(line, kinds[kind].name);
    end = put_text(end, ": ");
    end = put_number(end, tally->passed[kind]);
    end = put_text(end, " of ");
    end = put_number(end, tally->all[kind]);
    *put_text(end, " right\n") = '\0';
    selftest_say(line);
    return tally->passed[kind] == tally->all[kind] &&
           (tally->all[kind] > 0 || !selftest_table_whole);
}

bool selftest_same(const void *found, size_t len, const medsec_bytes *expected)
{
    return len == expected->len && memcmp(found, expected->data, len) == 0;
}

uint64_t selftest_number(const medsec_bytes *field)
{
    uint64_t number = 0;
    for (size_t i = 0; i < field->len; i++) {
        number = number << 8 | field->data[i];
    }
    return number;
}

bool selftest_run(void)
{
    static counts tally;
    const uint8_t *at = selftest_table;
    while (at < selftest_table + selftest_table_len) {
        at = run_next(&tally, at);
    }
    bool good = true;
    for (size_t i = 0; i < KINDS; i++) {
        good &= report(&tally, i);
    }
    selftest_say(good ? "self-test: good\n" : "self-test: FAILED\n");
    return good;
}
