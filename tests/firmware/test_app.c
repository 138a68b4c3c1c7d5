/* SPDX-License-Identifier: Apache-2.0 */
#include "app.h"

#include "fake_wifi.h"
#include "flash_map.h"
#include "flash_model.h"
#include "page.h"
#include "settings.h"
#include "unit.h"
#include "v1_gateway.h"
#include "virtual_board.h"

#include <medsec/provision.h>
#include <string.h>

enum { SECOND_MS = 1000, BOOT = 1000 };

/* In the place of the real one. */
const uint8_t page_response[] = "HTTP/1.1 200 OK\r\n\r\nthe page";
const size_t page_response_len = sizeof page_response - 1;

static const medsec_setup_settings settings = {
    .server = "gateway.example", .port = 9998, .ssid = "ward 3", .password = "correct horse"};

static virtual_board v;
static flash_model flash;
static app firmware;
static medsec_credential credential;

static const medsec_crypto *crypto(void)
{
    return medsec_crypto_openssl();
}

/* What medsec-keygen's file puts there. */
static void provision(void)
{
    static uint8_t image[MEDSEC_PROVISION_LEN];
    medsec_boot_record record = {.boot = BOOT, .seed = "first seed"};
    assert_int_equal(medsec_provision_image(image, crypto(), &credential, &record), MEDSEC_OK);
    memcpy(flash.bytes + FLASH_DATA, image, sizeof image);
}

static int prepare(void **state)
{
    (void)state;
    v1_keys keys;
    flash_model_open(&flash);
    virtual_board_open(&v);
    v.flash = &flash;
    v.table.flash = flash.bytes;
    fake_wifi_reset();
    assert_int_equal(v1_keys_make(&keys, 1, MEDSEC_SUITE_A128CBC_HS256), MEDSEC_OK);
    v1_credential(&credential, &keys);
    provision();
    return 0;
}

static int finish(void **state)
{
    (void)state;
    flash_model_close(&flash);
    return 0;
}

static void start(void)
{
    virtual_board_restart(&v);
    fake_wifi_reset();
    app_start(&firmware, &v.table);
}

/* Turns for so long; false: it was reset. */
static bool run(uint64_t ms)
{
    uint64_t end_us = v.now_us + ms * 1000;
    while (v.now_us < end_us) {
        uint64_t before_us = v.now_us;
        unsigned resets = v.resets;
        if (!app_turn(&firmware)) {
            static const app nothing;
            assert_int_equal(v.resets, resets + 1);
            assert_memory_equal(&firmware, &nothing, sizeof nothing); /* it outlives a reset */
            assert_null(v.tick);
            return false;
        }
        assert_int_equal(v.resets, resets);
        assert_true(v.now_us - before_us <= 60000); /* somebody may move the switch */
    }
    return true;
}

/* What somebody counts who looks at it for a minute; 0: as in setup mode. */
static unsigned count_blinks(void)
{
    unsigned blinks = 0;
    uint64_t dark_us = 0;
    bool counts = false;
    bool on = v.led;
    for (uint64_t end_us = v.now_us + 60000000; v.now_us < end_us;) {
        assert_true(run(1));
        if (v.led && !on) {
            uint64_t gap_us = v.now_us - dark_us;
            if (counts && gap_us > 1500000) {
                return blinks;
            }
            counts = counts || gap_us > 1500000;
            blinks = counts ? blinks + 1 : 0;
        }
        dark_us = v.led ? v.now_us : dark_us;
        on = v.led;
    }
    return 0;
}

static void save(void)
{
    assert_true(settings_save(&v.table, crypto(), &settings));
}

static void expect_mode(app_mode mode)
{
    assert_int_equal(firmware.mode, mode);
    if (mode == APP_HALTED) {
        assert_int_equal(fake_network.starts, 0);
    } else {
        assert_int_equal(fake_network.starts, 1);
        assert_int_equal(fake_network.options.mode,
                         mode == APP_WORK ? WIFI_STATION : WIFI_ACCESS_POINT);
    }
}

static void test_start_of_an_empty_device(void **state)
{
    (void)state;
    memset(flash.bytes + FLASH_DATA, 0xff, FLASH_END - FLASH_DATA);
    start();
    expect_mode(APP_HALTED);
    assert_int_equal(count_blinks(), LED_NOT_PROVISIONED);
    assert_true(run(60 * SECOND_MS)); /* the watchdog does not bite either */
}

static void test_start_without_a_boot_record(void **state)
{
    (void)state;
    memset(flash.bytes + FLASH_BOOT, 0xff, FLASH_SETTINGS - FLASH_BOOT);
    start();
    expect_mode(APP_HALTED);
    assert_int_equal(count_blinks(), LED_NOT_PROVISIONED);
}

/* Rather nothing than a boot number that was used already. */
static void test_start_with_a_worn_flash(void **state)
{
    (void)state;
    save();
    flash.worn = true;
    start();
    expect_mode(APP_HALTED);
    assert_int_equal(count_blinks(), LED_FAILED);
}

static void test_start_with_a_credential_for_others(void **state)
{
    (void)state;
    strcpy(credential.profile, "another");
    provision();
    save();
    start();
    assert_int_equal(firmware.mode, APP_HALTED);
    assert_int_equal(count_blinks(), LED_NOT_PROVISIONED);
}

static void test_start_that_was_never_configured(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        v.work = i == 1;
        start();
        expect_mode(APP_SETUP);
        assert_true(run(SECOND_MS));
        v.work = !v.work;
        assert_true(run(SECOND_MS));
    }
    fake_wifi_push(WIFI_UP, 0);
    assert_int_equal(count_blinks(), 0);
}

static void test_start_goes_where_the_switch_is(void **state)
{
    (void)state;
    save();
    v.work = true;
    start();
    expect_mode(APP_WORK);
    assert_true(run(SECOND_MS));
    v.work = false;
    assert_false(run(SECOND_MS));
    start();
    expect_mode(APP_SETUP);
    assert_true(run(SECOND_MS));
    v.work = true;
    assert_false(run(SECOND_MS));
    start();
    expect_mode(APP_WORK);
}

/* The switch stays at configuration, and the battery is changed. */
static void test_start_with_fresh_settings(void **state)
{
    (void)state;
    save();
    v.work = false;
    for (unsigned i = 0; i < 3; i++) {
        start();
        expect_mode(APP_WORK);
        assert_true(run(10 * SECOND_MS));
    }
    v.work = true;
    assert_true(run(SECOND_MS));
    v.work = false;
    assert_false(run(SECOND_MS));
    start();
    expect_mode(APP_SETUP);
}

static void test_start_takes_the_next_boot_number(void **state)
{
    (void)state;
    save();
    v.work = true;
    for (uint32_t i = 0; i < 3; i++) {
        start();
        expect_mode(APP_WORK);
        assert_int_equal(firmware.in.work.wire.device.boot, BOOT + i);
        assert_true(run(SECOND_MS));
    }
}

/* Two devices with one image of the flash, and noise: no key is made twice. */
static void test_start_mixes_the_noise_in(void **state)
{
    (void)state;
    uint8_t bytes[2][16];
    for (unsigned i = 0; i < 2; i++) {
        provision();
        v.random_state = i;
        start();
        drbg_random(&firmware.drbg, bytes[i], sizeof bytes[i]);
    }
    assert_memory_not_equal(bytes[0], bytes[1], sizeof bytes[0]);
}

static void test_bouncing_switch_does_nothing(void **state)
{
    (void)state;
    save();
    v.work = true;
    start();
    for (unsigned i = 0; i < 100; i++) {
        v.work = i % 2 == 0;
        assert_true(run(10));
    }
    v.work = true;
    assert_true(run(SECOND_MS));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, prepare, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_start_of_an_empty_device),        CASE(test_start_without_a_boot_record),
        CASE(test_start_with_a_worn_flash),         CASE(test_start_with_a_credential_for_others),
        CASE(test_start_that_was_never_configured), CASE(test_start_goes_where_the_switch_is),
        CASE(test_start_with_fresh_settings),       CASE(test_start_takes_the_next_boot_number),
        CASE(test_start_mixes_the_noise_in),        CASE(test_bouncing_switch_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
