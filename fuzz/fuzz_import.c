/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/registry.h>
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

/* Invariant: what is accepted is a valid id with a printable key and IV, and survives a file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    medsec_credential credential;
    medsec_credential again;
    char json[MEDSEC_CREDENTIAL_JSON_MAX];
    size_t len = 0;

    if (medsec_import_line(&credential, (const char *)data, size) != MEDSEC_OK) {
        return 0;
    }
    require(size <= MEDSEC_IMPORT_LINE_MAX);
    require(medsec_device_id_check(credential.device, strlen(credential.device)) == MEDSEC_OK);
    for (size_t i = 0; i < MEDSEC_AES128_KEY_LEN; i++) {
        require(credential.key[i] >= ' ' && credential.key[i] <= '~');
        require(credential.iv[i] >= ' ' && credential.iv[i] <= '~');
    }
    require(medsec_credential_write(json, sizeof(json), &len, &credential) == MEDSEC_OK);
    require(medsec_credential_parse(&again, json, len) == MEDSEC_OK);
    require(memcmp(&again, &credential, sizeof(again)) == 0);
    return 0;
}
