/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/credential_file.h>
#include <medsec/topic.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

/*
 * Invariant: what is refused leaves nothing behind; what is accepted has a valid id, and is the
 * same after a file and after a block.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const medsec_credential nothing;
    medsec_credential credential;
    medsec_credential again;
    char json[MEDSEC_CREDENTIAL_JSON_MAX];
    uint8_t block[MEDSEC_CREDENTIAL_BLOCK_MAX];
    size_t len = 0;
    size_t used = 0;

    memset(&credential, 0xee, sizeof credential);
    if (medsec_credential_parse(&credential, (const char *)data, size) != MEDSEC_OK) {
        require(memcmp(&credential, &nothing, sizeof nothing) == 0);
        return 0;
    }
    require(medsec_device_id_check(credential.device, strlen(credential.device)) == MEDSEC_OK);
    require(medsec_credential_write(json, sizeof json, &len, &credential) == MEDSEC_OK);
    require(medsec_credential_parse(&again, json, len) == MEDSEC_OK);
    require(memcmp(&again, &credential, sizeof again) == 0);
    require(medsec_credential_block_write(block, sizeof block, &len, medsec_crypto_openssl(),
                                          &credential) == MEDSEC_OK);
    require(medsec_credential_block_read(&again, medsec_crypto_openssl(), block, len, &used) ==
            MEDSEC_OK);
    require(used == len && memcmp(&again, &credential, sizeof again) == 0);
    return 0;
}
