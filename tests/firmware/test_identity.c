/* SPDX-License-Identifier: Apache-2.0 */
#include "identity.h"

#include "boot_log.h"
#include "flash_map.h"
#include "flash_model.h"
#include "settings.h"
#include "unit.h"
#include "v1_gateway.h"

#include <string.h>

static flash_model flash;
static board table;
static medsec_credential credential;

static const medsec_crypto *crypto(void)
{
    return medsec_crypto_openssl();
}

static int setup(void **state)
{
    (void)state;
    v1_keys keys;
    flash_model_open(&flash);
    flash_model_board(&flash, &table);
    assert_int_equal(v1_keys_make(&keys, 1, MEDSEC_SUITE_A128CBC_HS256), MEDSEC_OK);
    v1_credential(&credential, &keys);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flash_model_close(&flash);
    return 0;
}

/* A device that has worked: credential, a boot record, settings. */
static void provision(void)
{
    static const uint8_t noise[MEDSEC_BOOT_SEED_LEN];
    const medsec_setup_settings settings = {
        .server = "gateway", .port = 9998, .ssid = "ward 3", .password = "correct horse"};
    medsec_boot_record record = {.boot = 7, .seed = "first seed"};
    size_t len;
    flash_model_renew(&flash);
    assert_int_equal(medsec_credential_block_write(flash.bytes + FLASH_CREDENTIAL,
                                                   BOARD_FLASH_PAGE_LEN, &len, crypto(),
                                                   &credential),
                     MEDSEC_OK);
    memset(flash.bytes + FLASH_CREDENTIAL + len, 0xff, BOARD_FLASH_PAGE_LEN - len);
    assert_int_equal(medsec_boot_record_write(flash.bytes + FLASH_BOOT, crypto(), &record),
                     MEDSEC_OK);
    assert_int_equal(boot_log_next(&record, &table, crypto(), noise), MEDSEC_OK);
    assert_true(settings_save(&table, crypto(), &settings));
    flash_model_power(&flash, 0, TEAR_NOTHING);
}

static bool load(void)
{
    medsec_credential found;
    bool loaded = identity_load(&found, &table, crypto());
    if (loaded) {
        assert_memory_equal(&found, &credential, sizeof found);
    }
    return loaded;
}

static void test_load_of_a_provisioned_device(void **state)
{
    (void)state;
    provision();
    assert_true(load());
    assert_int_equal(flash.steps, 0);
}

static void test_load_of_erased_flash(void **state)
{
    (void)state;
    assert_false(load());
    assert_int_equal(flash.steps, 0);
}

/* A newer program may be able to read it. */
static void test_load_keeps_what_it_cannot_read(void **state)
{
    (void)state;
    provision();
    flash.bytes[FLASH_CREDENTIAL]++;
    assert_false(load());
    assert_int_equal(flash.steps, 0);
    flash.bytes[FLASH_CREDENTIAL]--;
    assert_true(load());
}

static void test_wipe_leaves_nothing(void **state)
{
    (void)state;
    provision();
    assert_true(identity_wipe(&table));
    assert_true(flash_model_is_empty(&flash));
    assert_false(load());
}

/* Either it was not begun, or the next start brings it to its end. */
static bool wipe_is_cut(unsigned at, flash_tear tear)
{
    provision();
    flash_model_power(&flash, at, tear);
    bool wiped = identity_wipe(&table);
    bool cut = flash.dead;
    assert_int_equal(wiped, !cut);
    flash_model_power(&flash, 0, TEAR_NOTHING);
    if (load()) {
        assert_int_equal(at, 1);
        assert_int_equal(tear, TEAR_NOTHING);
    } else {
        assert_true(flash_model_is_empty(&flash));
    }
    return cut;
}

static void test_wipe_cut_at_each_step(void **state)
{
    (void)state;
    for (flash_tear tear = TEAR_NOTHING; tear < TEARS; tear++) {
        unsigned at = 1;
        while (wipe_is_cut(at, tear)) {
            at++;
        }
        assert_in_range(at, 40, 100);
    }
}

/* And cut again while it carries on. */
static void test_load_cut_while_it_carries_on(void **state)
{
    (void)state;
    for (unsigned at = 1; at < 60; at++) {
        provision();
        flash_model_power(&flash, 3, TEAR_BITS);
        assert_false(identity_wipe(&table));
        flash_model_power(&flash, at, TEAR_HALF);
        assert_false(load());
        flash_model_power(&flash, 0, TEAR_NOTHING);
        assert_false(load());
        assert_true(flash_model_is_empty(&flash));
    }
}

static void test_wipe_of_a_worn_flash(void **state)
{
    (void)state;
    provision();
    flash.worn = true;
    assert_false(identity_wipe(&table));
}

static bool erase_no_settings(void *context, uint32_t offset)
{
    return offset != FLASH_SETTINGS && flash_model_erase(context, offset);
}

static void test_wipe_tells_what_stays(void **state)
{
    (void)state;
    provision();
    table.flash_erase = erase_no_settings;
    assert_false(identity_wipe(&table));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_load_of_a_provisioned_device, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_of_erased_flash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_keeps_what_it_cannot_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wipe_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wipe_cut_at_each_step, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_cut_while_it_carries_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wipe_of_a_worn_flash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wipe_tells_what_stays, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
