/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include "flash_map.h"
#include "flash_model.h"
#include "unit.h"

#include <string.h>

static const medsec_setup_settings first = {
    .server = "gateway.example", .port = 9998, .ssid = "ward 3", .password = "correct horse"};
static const medsec_setup_settings second = {
    .server = "192.0.2.7", .port = 65535, .ssid = "\xc3\xa9tage", .password = "battery staple"};

static flash_model flash;
static board table;

static const medsec_crypto *crypto(void)
{
    return medsec_crypto_openssl();
}

static int setup(void **state)
{
    (void)state;
    flash_model_open(&flash);
    flash_model_board(&flash, &table);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flash_model_close(&flash);
    return 0;
}

static bool are(const medsec_setup_settings *settings, const medsec_setup_settings *wanted)
{
    return strcmp(settings->server, wanted->server) == 0 && settings->port == wanted->port &&
           strcmp(settings->ssid, wanted->ssid) == 0 &&
           strcmp(settings->password, wanted->password) == 0;
}

static void expect(const medsec_setup_settings *wanted, bool wanted_fresh)
{
    medsec_setup_settings settings;
    bool fresh;
    assert_true(settings_load(&settings, &fresh, &table, crypto()));
    assert_true(are(&settings, wanted));
    assert_int_equal(fresh, wanted_fresh);
}

static void expect_none(void)
{
    static const medsec_setup_settings nothing;
    medsec_setup_settings settings;
    bool fresh;
    assert_false(settings_load(&settings, &fresh, &table, crypto()));
    assert_memory_equal(&settings, &nothing, sizeof settings);
    assert_false(fresh);
}

static void save(const medsec_setup_settings *settings)
{
    assert_true(settings_save(&table, crypto(), settings));
}

static bool flash_holds_password(const medsec_setup_settings *settings)
{
    return flash_model_holds(&flash, settings->password, strlen(settings->password));
}

static void test_load_of_erased_flash(void **state)
{
    (void)state;
    expect_none();
    assert_int_equal(flash.steps, 0);
}

static void test_save_then_load(void **state)
{
    (void)state;
    save(&first);
    expect(&first, true);
}

static void test_save_takes_the_longest_texts(void **state)
{
    (void)state;
    medsec_setup_settings longest = {.port = 1};
    memset(longest.server, 's', MEDSEC_SETUP_SERVER_MAX);
    memset(longest.ssid, 'n', MEDSEC_SETUP_SSID_MAX);
    memset(longest.password, 'p', MEDSEC_SETUP_PASSWORD_MAX);
    save(&longest);
    expect(&longest, true);
}

static void test_save_replaces_and_wipes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        save(&first);
        assert_false(flash_holds_password(&second)); /* at once, not with the next load */
        expect(&first, true);
        save(&second);
        assert_false(flash_holds_password(&first));
        expect(&second, true);
    }
}

static void test_taken_lasts_until_the_next_save(void **state)
{
    (void)state;
    settings_taken(&table, crypto());
    assert_int_equal(flash.steps, 0);
    save(&first);
    settings_taken(&table, crypto());
    expect(&first, false);
    unsigned steps = flash.steps;
    settings_taken(&table, crypto());
    assert_int_equal(flash.steps, steps);
    expect(&first, false);
    save(&second);
    expect(&second, true);
}

static void test_load_refuses_every_flipped_bit(void **state)
{
    (void)state;
    save(&first);
    uint8_t *page = flash.bytes + FLASH_SETTINGS;
    size_t refused = 0;
    while (page[refused] != 0xff || page[refused + 1] != 0xff) {
        page[refused] ^= 0x10;
        expect_none();
        page[refused] ^= 0x10;
        refused++;
    }
    assert_in_range(refused, 170, 180);
    expect(&first, true);
}

static void test_save_to_a_worn_flash(void **state)
{
    (void)state;
    flash.worn = true;
    assert_false(settings_save(&table, crypto(), &first));
    flash.worn = false;
    save(&first);
    flash.worn = true;
    assert_false(settings_save(&table, crypto(), &second));
    expect(&first, true);
    flash.worn = false;
    flash.lies = true;
    assert_false(settings_save(&table, crypto(), &second));
    expect(&first, true);
}

/* The other slot is broken: it takes nothing, and holds something. */
static void test_load_wipes_what_is_not_in_force(void **state)
{
    (void)state;
    save(&first);
    memcpy(flash.bytes + FLASH_SETTINGS + BOARD_FLASH_SECTOR_LEN + 100, second.password,
           strlen(second.password));
    expect(&first, true);
    assert_false(flash_holds_password(&second));
}

static void test_wipe_leaves_nothing(void **state)
{
    (void)state;
    save(&first);
    save(&second);
    settings_taken(&table, crypto());
    assert_true(settings_wipe(&table));
    assert_true(flash_model_is_empty(&flash));
    expect_none();
}

static void test_wipe_tells_what_stays(void **state)
{
    (void)state;
    bool *const faults[] = {&flash.worn, &flash.lies, &flash.keeps};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        flash_model_renew(&flash);
        save(&first);
        *faults[i] = true;
        assert_false(settings_wipe(&table));
    }
}

/* One save, cut at one step. False: it was over before. */
static bool save_is_cut(const medsec_setup_settings *old, unsigned at, flash_tear tear)
{
    flash_model_renew(&flash);
    if (old != NULL) {
        save(&first); /* so that the other slot was used, too */
        save(old);
        settings_taken(&table, crypto());
    }
    flash_model_power(&flash, at, tear);
    bool saved = settings_save(&table, crypto(), &second);
    bool cut = flash.dead;
    flash_model_power(&flash, 0, TEAR_NOTHING);
    medsec_setup_settings settings;
    bool fresh;
    bool found = settings_load(&settings, &fresh, &table, crypto());
    if (found && are(&settings, &second)) {
        assert_true(fresh);
        assert_true(old == NULL || !flash_holds_password(old));
    } else {
        assert_false(saved);
        assert_int_equal(found, old != NULL);
        assert_true(old == NULL || (are(&settings, old) && !fresh));
        assert_true(old == NULL || !flash_holds_password(&second));
    }
    save(&first);
    expect(&first, true);
    assert_false(flash_holds_password(&second));
    return cut;
}

static void test_save_cut_at_each_step(void **state)
{
    (void)state;
    static const medsec_setup_settings old = {
        .server = "old.example", .port = 1, .ssid = "old", .password = "old password"};
    for (flash_tear tear = TEAR_NOTHING; tear < TEARS; tear++) {
        unsigned steps = 1;
        while (save_is_cut(&old, steps, tear)) {
            steps++;
        }
        assert_in_range(steps, 10, 40);
        for (steps = 1; save_is_cut(NULL, steps, tear); steps++) {
        }
        assert_in_range(steps, 2, 40);
    }
}

static void test_taken_cut(void **state)
{
    (void)state;
    for (flash_tear tear = TEAR_NOTHING; tear < TEARS; tear++) {
        flash_model_renew(&flash);
        save(&first);
        flash_model_power(&flash, 1, tear);
        settings_taken(&table, crypto());
        flash_model_power(&flash, 0, TEAR_NOTHING);
        medsec_setup_settings settings;
        bool fresh;
        assert_true(settings_load(&settings, &fresh, &table, crypto()));
        assert_true(are(&settings, &first));
        settings_taken(&table, crypto());
        expect(&first, false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_load_of_erased_flash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_save_then_load, setup, teardown),
        cmocka_unit_test_setup_teardown(test_save_takes_the_longest_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_save_replaces_and_wipes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_taken_lasts_until_the_next_save, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_refuses_every_flipped_bit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_save_to_a_worn_flash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_wipes_what_is_not_in_force, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wipe_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wipe_tells_what_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_save_cut_at_each_step, setup, teardown),
        cmocka_unit_test_setup_teardown(test_taken_cut, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
