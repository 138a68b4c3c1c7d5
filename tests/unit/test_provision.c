/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "guard.h"
#include "registry_fixture.h"

#include <medsec/provision.h>
#include <sodium.h>
#include <string.h>

enum { RECORD_LEN = MEDSEC_BOOT_RECORD_LEN, SUM_LEN = 8 };

static const medsec_crypto *crypto;
static const medsec_boot_record usual = {.boot = 0x01020304,
                                         .seed = "32 bytes that come from a dice"};

static void write_record(uint8_t out[RECORD_LEN], const medsec_boot_record *record)
{
    assert_int_equal(medsec_boot_record_write(out, crypto, record), MEDSEC_OK);
}

/* From memory that ends where the record does. */
static medsec_status read_record(medsec_boot_record *record, const uint8_t in[RECORD_LEN])
{
    static uint8_t *end;
    if (end == NULL) {
        end = guard_end(RECORD_LEN);
    }
    memcpy(end - RECORD_LEN, in, RECORD_LEN);
    memset(record, 0xee, sizeof *record);
    return medsec_boot_record_read(record, crypto, end - RECORD_LEN);
}

static void refuse(const uint8_t in[RECORD_LEN])
{
    medsec_boot_record record;
    assert_int_equal(read_record(&record, in), MEDSEC_ERR_CORRUPT);
    assert_true(sodium_is_zero((const unsigned char *)&record, sizeof record));
}

static void test_boot_record_has_the_documented_bytes(void **state)
{
    (void)state;
    uint8_t out[RECORD_LEN];
    uint8_t hash[32];
    medsec_boot_record again;
    write_record(out, &usual);
    assert_memory_equal(out, "MSB1\1\2\3\4", 8);
    assert_memory_equal(out + 8, usual.seed, sizeof usual.seed);
    crypto_hash_sha256(hash, out, RECORD_LEN - SUM_LEN);
    assert_memory_equal(out + RECORD_LEN - SUM_LEN, hash, SUM_LEN);
    assert_int_equal(read_record(&again, out), MEDSEC_OK);
    assert_int_equal(again.boot, usual.boot);
    assert_memory_equal(again.seed, usual.seed, sizeof usual.seed);
}

/* Erased, wiped, worn in one bit, and torn: programming goes from ones to zeros. */
static void test_boot_record_that_is_none(void **state)
{
    (void)state;
    uint8_t out[RECORD_LEN];
    uint8_t bad[RECORD_LEN];
    memset(bad, 0xff, sizeof bad);
    refuse(bad);
    memset(bad, 0, sizeof bad);
    refuse(bad);
    write_record(out, &usual);
    for (size_t bit = 0; bit < 8 * sizeof out; bit++) {
        memcpy(bad, out, sizeof bad);
        bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refuse(bad);
    }
    uint8_t hash[32];
    memcpy(bad, out, sizeof bad);
    bad[3] = '2'; /* of another format, with a good sum */
    crypto_hash_sha256(hash, bad, RECORD_LEN - SUM_LEN);
    memcpy(bad + RECORD_LEN - SUM_LEN, hash, SUM_LEN);
    refuse(bad);
    for (size_t len = 0; len < sizeof out; len++) {
        memset(bad, 0xff, sizeof bad);
        memcpy(bad, out, len);
        refuse(bad);
        memset(bad, 0, sizeof bad);
        memcpy(bad, out, len);
        refuse(bad);
    }
}

static medsec_status no_sha256(uint8_t out[MEDSEC_SHA256_LEN], const medsec_bytes *parts,
                               size_t count)
{
    (void)out;
    (void)parts;
    (void)count;
    return MEDSEC_ERR_PROVIDER;
}

static void test_provider_that_fails(void **state)
{
    (void)state;
    static uint8_t image[MEDSEC_PROVISION_LEN];
    uint8_t out[RECORD_LEN];
    medsec_boot_record record;
    medsec_crypto broken = *crypto;
    const medsec_credential credential = registry_fixture_medsec1("dev-1", 7);
    broken.sha256 = no_sha256;
    write_record(out, &usual);
    assert_int_equal(medsec_boot_record_read(&record, &broken, out), MEDSEC_ERR_CORRUPT);
    assert_true(sodium_is_zero((const unsigned char *)&record, sizeof record));
    assert_int_equal(medsec_boot_record_write(out, &broken, &usual), MEDSEC_ERR_PROVIDER);
    assert_true(sodium_is_zero(out, sizeof out));
    assert_int_equal(medsec_provision_image(image, &broken, &credential, &usual),
                     MEDSEC_ERR_PROVIDER);
    assert_true(sodium_is_zero(image, sizeof image));
}

static void expect_image(const medsec_credential *credential)
{
    static uint8_t erased[MEDSEC_PROVISION_LEN];
    medsec_credential again;
    medsec_boot_record first;
    size_t len = 0;
    uint8_t *end = guard_end(MEDSEC_PROVISION_LEN);
    uint8_t *image = end - MEDSEC_PROVISION_LEN;
    memset(erased, 0xff, sizeof erased);
    assert_int_equal(medsec_provision_image(image, crypto, credential, &usual), MEDSEC_OK);
    assert_int_equal(
        medsec_credential_block_read(&again, crypto, image, MEDSEC_PROVISION_SECTOR_LEN, &len),
        MEDSEC_OK);
    assert_memory_equal(&again, credential, sizeof again);
    assert_memory_equal(image + len, erased, MEDSEC_PROVISION_SECTOR_LEN - len);
    assert_int_equal(read_record(&first, image + MEDSEC_PROVISION_SECTOR_LEN), MEDSEC_OK);
    assert_int_equal(first.boot, usual.boot);
    assert_memory_equal(image + MEDSEC_PROVISION_SECTOR_LEN + RECORD_LEN, erased,
                        2 * MEDSEC_PROVISION_SECTOR_LEN - RECORD_LEN);
    guard_free(end, MEDSEC_PROVISION_LEN);
}

static void test_image_holds_credential_and_boot_record(void **state)
{
    (void)state;
    medsec_credential credential = registry_fixture_medsec1("dev-1", 7);
    expect_image(&credential);
    memset(credential.device, 'd', MEDSEC_DEVICE_ID_MAX);
    expect_image(&credential);
    credential = registry_fixture_credential("dev-1", 7);
    expect_image(&credential);
}

static void test_image_refuses_what_no_device_can_work_with(void **state)
{
    (void)state;
    static uint8_t image[MEDSEC_PROVISION_LEN];
    medsec_credential credential = registry_fixture_medsec1("dev-1", 7);
    memset(image, 0xee, sizeof image);
    credential.has_private = false;
    assert_int_equal(medsec_provision_image(image, crypto, &credential, &usual),
                     MEDSEC_ERR_ARGUMENT);
    credential = registry_fixture_medsec1("dev-1", 7);
    assert_int_equal(medsec_provision_image(NULL, crypto, &credential, &usual),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_provision_image(image, NULL, &credential, &usual), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_provision_image(image, crypto, NULL, &usual), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_provision_image(image, crypto, &credential, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(image[0], 0xee);
    memset(credential.psk, 0, sizeof credential.psk);
    assert_int_equal(medsec_provision_image(image, crypto, &credential, &usual),
                     MEDSEC_ERR_ARGUMENT);
    assert_true(sodium_is_zero(image, sizeof image));
}

static void test_null_arguments(void **state)
{
    (void)state;
    uint8_t out[RECORD_LEN] = {0};
    medsec_boot_record record = usual;
    assert_int_equal(medsec_boot_record_write(NULL, crypto, &record), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_boot_record_write(out, NULL, &record), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_boot_record_write(out, crypto, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_boot_record_read(NULL, crypto, out), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_boot_record_read(&record, NULL, out), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_boot_record_read(&record, crypto, NULL), MEDSEC_ERR_ARGUMENT);
}

int main(void)
{
    crypto = medsec_crypto_openssl();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boot_record_has_the_documented_bytes),
        cmocka_unit_test(test_boot_record_that_is_none),
        cmocka_unit_test(test_provider_that_fails),
        cmocka_unit_test(test_image_holds_credential_and_boot_record),
        cmocka_unit_test(test_image_refuses_what_no_device_can_work_with),
        cmocka_unit_test(test_null_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
