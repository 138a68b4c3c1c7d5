/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_SECRETS_H
#define MEDSEC_TESTS_SECRETS_H

#include <stddef.h>
#include <stdint.h>

/*
 * What code leaves of secrets on the stack: it runs on a stack of its own, which is searched
 * afterwards. Not with a sanitizer, which puts variables elsewhere (sanitizer.h).
 */

enum { SECRETS_PART_LEN = 16 };

void secrets_clear(void);

/* Notes 16 bytes each, which must not be found. */
void secrets_add(const uint8_t part[SECRETS_PART_LEN]);
void secrets_add_key(const uint8_t key[2 * SECRETS_PART_LEN]);
size_t secrets_count(void);

/* How many of them a function leaves on its stack. */
size_t secrets_left_by(void (*run)(void));

/*
 * For medsec_crypto.wipe. Much that is left is overwritten by chance: this counts how often each
 * was in what was wiped on purpose.
 */
void secrets_wipe(void *bytes, size_t len);
unsigned secrets_wiped(size_t which);
void secrets_wiped_clear(void);

#endif
