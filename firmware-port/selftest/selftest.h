/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_SELFTEST_H
#define FIRMWARE_SELFTEST_H

#include <medsec/crypto.h>

/*
 * The provider and the core against vectors, on any machine: the host, a big-endian one, the chip.
 * vectors.py makes the table at build time: vectors one after the other, each `kind u8 | flag u8 |
 * count of fields u8`, and each field `length u16 big-endian | bytes`.
 */
extern const uint8_t selftest_table[];
extern const size_t selftest_table_len;
extern const bool selftest_table_whole; /* false: the large sets were not there */

enum {
    SELFTEST_FIELDS_MAX = 64,
    SELFTEST_ROOM_LEN = 8192 /* bytes: the longest output of HKDF */
};

typedef struct selftest_vector {
    uint8_t flag; /* mostly: whether it is valid */
    uint8_t count;
    medsec_bytes field[SELFTEST_FIELDS_MAX];
} selftest_vector;

/* One vector each; true: all is as it should be. vectors.py says what the fields are. */
bool selftest_aes(const selftest_vector *v);
bool selftest_hmac(const selftest_vector *v);
bool selftest_hkdf(const selftest_vector *v);
bool selftest_x25519(const selftest_vector *v);
bool selftest_chachapoly(const selftest_vector *v);
bool selftest_cbc_hs256(const selftest_vector *v);
bool selftest_record(const selftest_vector *v);
bool selftest_cbor(const selftest_vector *v);
bool selftest_seed(const selftest_vector *v);
bool selftest_session(const selftest_vector *v);
bool selftest_division(const selftest_vector *v);

/* For their results. */
extern uint8_t selftest_room[SELFTEST_ROOM_LEN];

bool selftest_same(const void *found, size_t len, const medsec_bytes *expected);
uint64_t selftest_number(const medsec_bytes *field); /* big-endian */

/* The whole table. True: every vector passed, and there are some of each kind (without the large
 * sets: of each that needs none). */
bool selftest_run(void);

/* The machine's: a line, and the end. */
void selftest_say(const char *text);
_Noreturn void selftest_exit(bool good);

#endif
