/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a registry, registers a device, and finds it by the first block of what it would send. */
#include <medsec/medsec.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void need(medsec_status status)
{
    if (status != MEDSEC_OK) {
        fprintf(stderr, "%s\n", medsec_strerror(status));
        exit(1);
    }
}

/* Sixteen bytes as the device encrypts them. */
static void send_first_block(uint8_t block[MEDSEC_AES_BLOCK_LEN],
                             const medsec_credential *credential)
{
    medsec_aes_cbc aes;
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    memcpy(iv, credential->iv, sizeof iv);
    need(medsec_aes_cbc_open(&aes, medsec_crypto_openssl(), MEDSEC_ENCRYPT, credential->key));
    need(medsec_aes_cbc_run(&aes, block, (const uint8_t *)"{\"Temp\":\"36.600\"",
                            MEDSEC_AES_BLOCK_LEN, iv));
    medsec_aes_cbc_close(&aes);
}

/* What a gateway does with that block. */
static void look_up(medsec_registry *registry, const uint8_t block[MEDSEC_AES_BLOCK_LEN])
{
    static const uint8_t any_key[MEDSEC_AES128_KEY_LEN] = {0};
    medsec_profile_set *profiles = medsec_profile_set_create();
    medsec_directory *directory;
    medsec_aes_cbc aes;
    size_t skipped;
    need(medsec_directory_load(&directory, registry, profiles, &skipped));
    need(medsec_aes_cbc_open(&aes, medsec_crypto_openssl(), MEDSEC_DECRYPT, any_key));
    const medsec_directory_entry *found = medsec_directory_identify(directory, &aes, block, NULL);
    printf("%zu device, this is %s\n", medsec_directory_count(directory),
           found == NULL ? "a stranger" : found->id);
    medsec_aes_cbc_close(&aes);
    medsec_directory_unref(directory);
    medsec_profile_set_destroy(profiles);
}

int main(void)
{
    char folder[] = "/tmp/medsec-example-XXXXXX";
    if (mkdtemp(folder) == NULL || chdir(folder) != 0) {
        perror(folder);
        return 1;
    }
    const medsec_registry_unlock unlock = {.key_file = "medsec.key"};
    medsec_credential credential = {
        .device = "bed-7", .profile = MEDSEC_PROFILE_DEFAULT, .wire = MEDSEC_WIRE_SEED};
    medsec_registry *registry;
    uint8_t block[MEDSEC_AES_BLOCK_LEN];

    need(medsec_registry_create("medsec.db", &unlock, "example"));
    need(medsec_registry_open(&registry, "medsec.db", &unlock, MEDSEC_REGISTRY_WRITE, "example"));
    medsec_credential_generate(&credential);
    need(medsec_registry_add(registry, &credential, 0));
    send_first_block(block, &credential);
    look_up(registry, block);

    need(medsec_registry_revoke(registry, "bed-7"));
    uint64_t rows;
    need(medsec_registry_verify(registry, &rows));
    printf("the audit log has %llu rows, all as they were written\n", (unsigned long long)rows);

    medsec_credential_wipe(&credential);
    medsec_registry_close(registry);
    unlink("medsec.db");
    unlink("medsec.key");
    rmdir(folder);
    return 0;
}
