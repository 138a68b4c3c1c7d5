/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/credential_file.h>

#include <openssl/sha.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SUM_LEN = 8 };

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

/* Accepted or not, by itself and with anything behind it: the one block for that credential. */
static void check(const uint8_t *block, size_t size)
{
    static const medsec_credential nothing;
    medsec_credential credential;
    uint8_t again[MEDSEC_CREDENTIAL_BLOCK_MAX];
    size_t len = 0;
    size_t written = 0;

    memset(&credential, 0xee, sizeof credential);
    if (medsec_credential_block_read(&credential, medsec_crypto_openssl(), block, size, &len) !=
        MEDSEC_OK) {
        require(memcmp(&credential, &nothing, sizeof nothing) == 0);
        return;
    }
    require(len <= size && len <= sizeof again);
    require(medsec_credential_block_write(again, sizeof again, &written, medsec_crypto_openssl(),
                                          &credential) == MEDSEC_OK);
    require(written == len && memcmp(again, block, len) == 0);
    for (size_t cut = 0; cut < len; cut++) {
        size_t used;
        require(medsec_credential_block_read(&credential, medsec_crypto_openssl(), block, cut,
                                             &used) == MEDSEC_ERR_CORRUPT);
    }
}

/*
 * Invariant: a block that is accepted is the only one for its credential, and every beginning of
 * it is refused. As no mutation finds a sum, the input is tried as it is, and with its sum made
 * right.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t block[2 * MEDSEC_CREDENTIAL_BLOCK_MAX];
    uint8_t sum[SHA256_DIGEST_LENGTH];
    check(data, size);
    if (size < SUM_LEN || size > sizeof block) {
        return 0;
    }
    memcpy(block, data, size);
    SHA256(block, size - SUM_LEN, sum);
    memcpy(block + size - SUM_LEN, sum, SUM_LEN);
    check(block, size);
    return 0;
}
