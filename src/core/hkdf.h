/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_HKDF_H
#define MEDSEC_CORE_HKDF_H

#include <medsec/crypto.h>

/* HKDF-Expand with HMAC-SHA-256 (RFC 5869 section 2.3). ERR_LIMIT: more than 255 * 32 bytes. */
medsec_status medsec__hkdf_expand(const medsec_crypto *crypto, uint8_t *out, size_t len,
                                  const uint8_t key[MEDSEC_SHA256_LEN], const uint8_t *info,
                                  size_t info_len);

/* HKDF-Extract (section 2.2). */
medsec_status medsec__hkdf_extract(const medsec_crypto *crypto, uint8_t out[MEDSEC_SHA256_LEN],
                                   const uint8_t *salt, size_t salt_len, const uint8_t *input,
                                   size_t len);

/* Both: HKDF (section 2). */
MEDSEC_CHECK medsec_status medsec__hkdf(const medsec_crypto *crypto, uint8_t *out, size_t len,
                                        medsec_bytes salt, medsec_bytes input, medsec_bytes info);

#endif
