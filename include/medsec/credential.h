/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CREDENTIAL_H
#define MEDSEC_CREDENTIAL_H

#include <medsec/crypto.h>
#include <medsec/wire.h>

/*
 * What a device needs to speak. Files of it are the host's (credential_file.h); a device keeps it
 * in flash as the block below. Keep it in locked memory where there is such, and wipe it when done.
 */
typedef struct medsec_credential {
    char device[MEDSEC_DEVICE_ID_MAX + 1];
    char profile[MEDSEC_PROFILE_NAME_MAX + 1];
    uint8_t wire; /* medsec_wire */
    /* seed */
    uint8_t key[MEDSEC_AES128_KEY_LEN]; /* printable ASCII */
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    /* medsec/1 */
    uint8_t suite; /* medsec_suite */
    bool has_private; /* false: the device made its key itself, and keeps it */
    uint8_t device_private[MEDSEC_X25519_LEN];
    uint8_t device_public[MEDSEC_X25519_LEN];
    uint8_t psk[MEDSEC_PSK_LEN];
    uint8_t gateway_public[MEDSEC_X25519_LEN];
} medsec_credential;

#define MEDSEC_PROFILE_DEFAULT "pico-vitals" /* of a credential that names none */
#define MEDSEC_CREDENTIAL_BLOCK_MAX 241u /* bytes of the longest block */

MEDSEC_BEGIN_DECLS

/*
 * The credential as one block of bytes for flash: "MSC1", wire, suite, has_private, lengths, id,
 * profile, keys, and the first 8 bytes of SHA-256 over all before it (docs/registry.md has the
 * table).
 * The sum finds a torn or worn block; it proves nothing about who wrote it.
 * write: ERR_BUFFER, ERR_ARGUMENT (not a credential). read: ERR_CORRUPT, and nothing of it is kept.
 * `*len` is the block's length: what is behind it (erased flash) is not looked at.
 */
MEDSEC_API MEDSEC_CHECK medsec_status
medsec_credential_block_write(uint8_t *out, size_t cap, size_t *len, const medsec_crypto *crypto,
                              const medsec_credential *credential);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_credential_block_read(medsec_credential *credential,
                                                                   const medsec_crypto *crypto,
                                                                   const uint8_t *block, size_t cap,
                                                                   size_t *len);

MEDSEC_END_DECLS

#endif
