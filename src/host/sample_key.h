/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_HOST_SAMPLE_KEY_H
#define MEDSEC_HOST_SAMPLE_KEY_H

#include <medsec/limits.h>

#include <stdbool.h>
#include <stdint.h>

/*
 * True for a key that anybody would try first, the seed's published ones among them: one character
 * sixteen times, or sixteen steps through the digits, the hex digits or the letters, up or down,
 * from any of them on, round at the end (1234567890123456).
 */
bool medsec__key_is_sample(const uint8_t key[MEDSEC_AES128_KEY_LEN]);

#endif
