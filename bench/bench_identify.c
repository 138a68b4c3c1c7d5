/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a gateway looks for the device behind a first block, against the size of its registry:
 * nobody has the key (every one is tried), the last one has it, and it is where it was last seen.
 * At the end as many medsec/1 devices beside them, which are found by public key and must not slow
 * the others.
 */
#include <medsec/medsec.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 21, DEVICES_MAX = 100000 };

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench_identify: %s\n", what);
        exit(1);
    }
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Registers the devices from..to of a wire; gives the credential of the last. */
static void add_devices(medsec_registry *registry, medsec_wire wire, size_t from, size_t to,
                        medsec_credential *credential)
{
    must(medsec_registry_begin(registry) == MEDSEC_OK, "begin");
    for (size_t i = from; i < to; i++) {
        memset(credential, 0, sizeof *credential);
        snprintf(credential->device, sizeof credential->device, "%s-%06zu",
                 wire == MEDSEC_WIRE_SEED ? "device" : "medsec1", i);
        strcpy(credential->profile, "pico-vitals");
        credential->wire = (uint8_t)wire;
        credential->suite = wire == MEDSEC_WIRE_SEED ? 0 : MEDSEC_SUITE_A128CBC_HS256;
        medsec_credential_generate(credential);
        must(medsec_registry_add(registry, credential, 0) == MEDSEC_OK, "add");
    }
    must(medsec_registry_commit(registry) == MEDSEC_OK, "commit");
}

static void first_block(uint8_t block[MEDSEC_AES_BLOCK_LEN], const medsec_credential *credential)
{
    medsec_aes_cbc aes;
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    memcpy(iv, credential->iv, sizeof iv);
    must(medsec_aes_cbc_open(&aes, medsec_crypto_openssl(), MEDSEC_ENCRYPT, credential->key) ==
                 MEDSEC_OK &&
             medsec_aes_cbc_run(&aes, block, (const uint8_t *)"{\"Temp\":\"36.600\"", 16, iv) ==
                 MEDSEC_OK,
         "block");
    medsec_aes_cbc_close(&aes);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double measure(const medsec_directory *directory, const medsec_credential *credential,
                      const char *hint, bool known)
{
    double spent[ROUNDS];
    uint8_t block[MEDSEC_AES_BLOCK_LEN];
    medsec_aes_cbc aes;
    first_block(block, credential);
    must(medsec_aes_cbc_open(&aes, medsec_crypto_openssl(), MEDSEC_DECRYPT, credential->key) ==
             MEDSEC_OK,
         "cipher");
    for (size_t i = 0; i < ROUNDS; i++) {
        double start = now_ms();
        const medsec_directory_entry *entry =
            medsec_directory_identify(directory, &aes, block, hint);
        spent[i] = now_ms() - start;
        must((entry != NULL) == known, "identified wrongly");
    }
    medsec_aes_cbc_close(&aes);
    qsort(spent, ROUNDS, sizeof *spent, ascending);
    return spent[ROUNDS / 2];
}

/* Microseconds of one look-up, over many. */
static double find_us(const medsec_directory *directory, const uint8_t *key, bool known)
{
    enum { LOOKS = 100000 };
    size_t found = 0;
    double start = now_ms();
    for (size_t i = 0; i < LOOKS; i++) {
        found += medsec_directory_find_public(directory, key) != NULL;
    }
    double spent = now_ms() - start;
    must(found == (known ? LOOKS : 0), "found wrongly");
    return spent * 1e3 / LOOKS;
}

static void report_public(const medsec_directory *directory, const medsec_credential *last)
{
    medsec_credential stranger = {.wire = MEDSEC_WIRE_MEDSEC1};
    medsec_credential_generate(&stranger);
    printf("{\"bench\":\"find_public\",\"devices\":%zu,\"unknown_us\":%.3f,\"known_us\":%.3f}\n",
           medsec_directory_count(directory), find_us(directory, stranger.device_public, false),
           find_us(directory, last->device_public, true));
}

static void report(medsec_registry *registry, const medsec_credential *last,
                   const medsec_credential *medsec1)
{
    medsec_profile_set *profiles = medsec_profile_set_create();
    medsec_directory *directory = NULL;
    medsec_credential stranger = {.wire = MEDSEC_WIRE_SEED};
    size_t skipped = 0;
    double start = now_ms();
    must(medsec_directory_load(&directory, registry, profiles, &skipped) == MEDSEC_OK &&
             skipped == 0,
         "load");
    double loaded = now_ms() - start;
    medsec_credential_generate(&stranger);
    printf("{\"bench\":\"identify\",\"devices\":%zu,\"unknown_ms\":%.3f,\"last_ms\":%.3f,"
           "\"hint_ms\":%.4f,\"load_ms\":%.0f,\"target_ms\":50}\n",
           medsec_directory_count(directory), measure(directory, &stranger, NULL, false),
           measure(directory, last, NULL, true), measure(directory, last, last->device, true),
           loaded);
    if (medsec1 != NULL) {
        report_public(directory, medsec1);
    }
    fflush(stdout);
    medsec_directory_unref(directory);
    medsec_profile_set_destroy(profiles);
}

int main(void)
{
    char folder[] = "/tmp/medsec-bench-XXXXXX";
    char path[64];
    char key_file[64];
    medsec_registry *registry = NULL;
    medsec_credential last;
    medsec_credential medsec1;
    size_t count = 0;
    must(mkdtemp(folder) != NULL, "no temporary folder");
    snprintf(path, sizeof path, "%s/medsec.db", folder);
    snprintf(key_file, sizeof key_file, "%s/medsec.key", folder);
    const medsec_registry_unlock unlock = {.key_file = key_file};
    must(medsec_registry_create(path, &unlock, "bench") == MEDSEC_OK &&
             medsec_registry_open(&registry, path, &unlock, MEDSEC_REGISTRY_WRITE, "bench") ==
                 MEDSEC_OK,
         "registry");
    for (size_t size = 1000; size <= DEVICES_MAX; size *= 10) {
        add_devices(registry, MEDSEC_WIRE_SEED, count, size, &last);
        count = size;
        report(registry, &last, NULL);
    }
    add_devices(registry, MEDSEC_WIRE_MEDSEC1, 0, count, &medsec1);
    report(registry, &last, &medsec1);
    medsec_registry_close(registry);
    medsec_credential_wipe(&last);
    medsec_credential_wipe(&medsec1);
    unlink(path);
    unlink(key_file);
    must(rmdir(folder) == 0, "the registry left a file behind");
    return 0;
}
