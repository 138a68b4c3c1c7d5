/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_HEX_H
#define MEDSEC_HEX_H

#include <medsec/export.h>
#include <medsec/status.h>

#include <stddef.h>
#include <stdint.h>

/* Base 16 (RFC 4648 section 8): written in lower case, read in both. */

MEDSEC_BEGIN_DECLS

/* Writes 2 * len digits, no NUL. */
MEDSEC_API void medsec_hex_encode(char *out, const uint8_t *in, size_t len);

/* Reads `len` digits into len / 2 bytes. ERR_SYNTAX: an odd length or another character. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_hex_decode(uint8_t *out, const char *in, size_t len);

/* The value of one digit, or -1. */
MEDSEC_API int medsec_hex_digit(char c);

MEDSEC_END_DECLS

#endif
