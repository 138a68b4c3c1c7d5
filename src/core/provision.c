/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/provision.h>

#include "big_endian.h"

#include <string.h>

#define MAGIC "MSB1"
enum {
    MAGIC_LEN = 4,
    BOOT_AT = MAGIC_LEN,
    SEED_AT = BOOT_AT + 4,
    SUM_AT = SEED_AT + MEDSEC_BOOT_SEED_LEN,
    SUM_LEN = 8,
    ERASED = 0xff
};

_Static_assert(SUM_AT + SUM_LEN == MEDSEC_BOOT_RECORD_LEN, "what the header tells callers");

static medsec_status sum_of(uint8_t sum[MEDSEC_SHA256_LEN], const medsec_crypto *crypto,
                            const uint8_t record[SUM_AT])
{
    const medsec_bytes whole = {record, SUM_AT};
    return crypto->sha256(sum, &whole, 1);
}

medsec_status medsec_boot_record_write(uint8_t out[MEDSEC_BOOT_RECORD_LEN],
                                       const medsec_crypto *crypto,
                                       const medsec_boot_record *record)
{
    uint8_t sum[MEDSEC_SHA256_LEN];
    if (out == NULL || crypto == NULL || record == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    memcpy(out, MAGIC, MAGIC_LEN);
    medsec__store_be(out + BOOT_AT, record->boot, 4);
    memcpy(out + SEED_AT, record->seed, sizeof record->seed);
    medsec_status status = sum_of(sum, crypto, out);
    if (status != MEDSEC_OK) {
        crypto->wipe(out, MEDSEC_BOOT_RECORD_LEN);
        return status;
    }
    memcpy(out + SUM_AT, sum, SUM_LEN);
    return MEDSEC_OK;
}

medsec_status medsec_boot_record_read(medsec_boot_record *record, const medsec_crypto *crypto,
                                      const uint8_t in[MEDSEC_BOOT_RECORD_LEN])
{
    uint8_t sum[MEDSEC_SHA256_LEN];
    if (record == NULL || crypto == NULL || in == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (memcmp(in, MAGIC, MAGIC_LEN) != 0 || sum_of(sum, crypto, in) != MEDSEC_OK ||
        !crypto->equal(sum, in + SUM_AT, SUM_LEN)) {
        crypto->wipe(record, sizeof *record);
        return MEDSEC_ERR_CORRUPT;
    }
    record->boot = (uint32_t)medsec__load_be(in + BOOT_AT, 4);
    memcpy(record->seed, in + SEED_AT, sizeof record->seed);
    return MEDSEC_OK;
}

static bool can_work(const medsec_credential *credential)
{
    return credential->wire != MEDSEC_WIRE_MEDSEC1 || credential->has_private;
}

medsec_status medsec_provision_image(uint8_t out[MEDSEC_PROVISION_LEN], const medsec_crypto *crypto,
                                     const medsec_credential *credential,
                                     const medsec_boot_record *first)
{
    size_t len = 0;
    if (out == NULL || crypto == NULL || credential == NULL || first == NULL ||
        !can_work(credential)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    memset(out, ERASED, MEDSEC_PROVISION_LEN);
    medsec_status status =
        medsec_credential_block_write(out, MEDSEC_PROVISION_SECTOR_LEN, &len, crypto, credential);
    if (status == MEDSEC_OK) {
        status = medsec_boot_record_write(out + MEDSEC_PROVISION_SECTOR_LEN, crypto, first);
    }
    if (status != MEDSEC_OK) {
        crypto->wipe(out, MEDSEC_PROVISION_LEN);
    }
    return status;
}
