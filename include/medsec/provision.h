/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PROVISION_H
#define MEDSEC_PROVISION_H

#include <medsec/credential.h>

/*
 * What a device must find in its flash before it can do anything: its credential, and the boot
 * record with which the first start begins. medsec-keygen writes both into one file (UF2) that is
 * dropped onto the device's USB drive.
 *
 *     offset 0      credential block (credential.h), the rest of the sector erased (0xff)
 *     offset 4096   boot record, the rest of two sectors erased
 */
#define MEDSEC_PROVISION_OFFSET 0x1f0000u /* where it begins in the device's flash, in bytes */
#define MEDSEC_PROVISION_SECTOR_LEN 4096u
#define MEDSEC_PROVISION_LEN (3u * MEDSEC_PROVISION_SECTOR_LEN)

#define MEDSEC_BOOT_SEED_LEN 32u
#define MEDSEC_BOOT_RECORD_LEN 48u /* bytes: "MSB1", boot, seed, first 8 bytes of SHA-256 */

typedef struct medsec_boot_record {
    uint32_t boot; /* of the next start; never used twice with the same credential */
    uint8_t seed[MEDSEC_BOOT_SEED_LEN]; /* of its generator; used once */
} medsec_boot_record;

MEDSEC_BEGIN_DECLS

/* ERR_PROVIDER. read: ERR_CORRUPT, and nothing of it is kept. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_boot_record_write(uint8_t out[MEDSEC_BOOT_RECORD_LEN],
                                                               const medsec_crypto *crypto,
                                                               const medsec_boot_record *record);
MEDSEC_API MEDSEC_CHECK medsec_status
medsec_boot_record_read(medsec_boot_record *record, const medsec_crypto *crypto,
                        const uint8_t in[MEDSEC_BOOT_RECORD_LEN]);

/* The whole image. The seed must come from a cryptographic generator, and be wiped; `boot` must be
 * beyond all that the device may have used: seconds of the calendar do that. ERR_ARGUMENT: not a
 * credential, or one of medsec/1 without its private key: a device can do nothing with that. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_provision_image(uint8_t out[MEDSEC_PROVISION_LEN],
                                                             const medsec_crypto *crypto,
                                                             const medsec_credential *credential,
                                                             const medsec_boot_record *first);

MEDSEC_END_DECLS

#endif
