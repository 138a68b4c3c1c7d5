/* SPDX-License-Identifier: Apache-2.0 */
#include "boot_log.h"

#include "flash_map.h"
#include "flash_model.h"
#include "unit.h"

#include <string.h>

enum { FIRST_BOOT = 1000, STARTS = 100 };

static uint8_t noise[MEDSEC_BOOT_SEED_LEN] = "noise";
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

/* As medsec-keygen's file does. */
static void provision(uint32_t boot)
{
    medsec_boot_record record = {.boot = boot, .seed = "first seed"};
    flash_model_renew(&flash);
    assert_int_equal(medsec_boot_record_write(flash.bytes + FLASH_BOOT, crypto(), &record),
                     MEDSEC_OK);
}

static medsec_status start(medsec_boot_record *mine)
{
    return boot_log_next(mine, &table, crypto(), noise);
}

static void expect_start(medsec_boot_record *mine, uint32_t boot)
{
    assert_int_equal(start(mine), MEDSEC_OK);
    assert_int_equal(mine->boot, boot);
}

static void expect_refused(medsec_status status)
{
    static const medsec_boot_record nothing;
    medsec_boot_record mine;
    assert_int_equal(start(&mine), status);
    assert_memory_equal(&mine, &nothing, sizeof mine);
}

static unsigned records_in_flash(void)
{
    unsigned count = 0;
    for (uint32_t at = FLASH_BOOT; at < FLASH_SETTINGS; at += BOARD_FLASH_PAGE_LEN) {
        medsec_boot_record record;
        count += medsec_boot_record_read(&record, crypto(), flash.bytes + at) == MEDSEC_OK;
    }
    return count;
}

static void test_next_of_a_device_that_is_not_provisioned(void **state)
{
    (void)state;
    expect_refused(MEDSEC_ERR_UNKNOWN_DEVICE);
    assert_int_equal(flash.steps, 0);
}

static void test_next_never_repeats(void **state)
{
    (void)state;
    medsec_boot_record mine[STARTS];
    provision(FIRST_BOOT);
    for (unsigned i = 0; i < STARTS; i++) {
        expect_start(&mine[i], FIRST_BOOT + i);
        assert_int_equal(records_in_flash(), 1);
        for (unsigned j = 0; j < i; j++) {
            assert_memory_not_equal(mine[i].seed, mine[j].seed, MEDSEC_BOOT_SEED_LEN);
        }
    }
    assert_in_range(flash.erased, STARTS / 16 - 2, STARTS / 16);
}

/* Whoever reads the flash afterwards has neither this seed nor the one that it was made from. */
static void test_next_leaves_no_seed(void **state)
{
    (void)state;
    medsec_boot_record mine;
    medsec_boot_record stored;
    provision(FIRST_BOOT);
    expect_start(&mine, FIRST_BOOT);
    assert_false(flash_model_holds(&flash, "first seed", 10));
    assert_false(flash_model_holds(&flash, mine.seed, 8));
    assert_int_equal(
        medsec_boot_record_read(&stored, crypto(), flash.bytes + FLASH_BOOT + BOARD_FLASH_PAGE_LEN),
        MEDSEC_OK);
    expect_start(&mine, FIRST_BOOT + 1);
    assert_false(flash_model_holds(&flash, stored.seed, 8));
}

/* By hand: HMAC of what docs and header say. */
static void test_next_derives_as_documented(void **state)
{
    (void)state;
    medsec_boot_record mine;
    uint8_t wanted[MEDSEC_SHA256_LEN];
    const medsec_boot_record first = {.boot = FIRST_BOOT, .seed = "first seed"};
    const medsec_bytes parts[] = {{(const uint8_t *)"medsec this start", 17},
                                  {noise, sizeof noise}};
    provision(FIRST_BOOT);
    expect_start(&mine, FIRST_BOOT);
    assert_int_equal(crypto()->hmac_sha256(wanted, first.seed, sizeof first.seed, parts, 2),
                     MEDSEC_OK);
    assert_memory_equal(mine.seed, wanted, sizeof wanted);
}

static void test_next_mixes_the_noise_in(void **state)
{
    (void)state;
    static const uint8_t other[MEDSEC_BOOT_SEED_LEN] = "other noise";
    medsec_boot_record mine[2];
    medsec_boot_record next[2];
    for (unsigned i = 0; i < 2; i++) {
        provision(FIRST_BOOT);
        assert_int_equal(boot_log_next(&mine[i], &table, crypto(), i == 0 ? noise : other),
                         MEDSEC_OK);
        expect_start(&next[i], FIRST_BOOT + 1);
    }
    assert_memory_not_equal(mine[0].seed, mine[1].seed, MEDSEC_BOOT_SEED_LEN);
    assert_memory_not_equal(next[0].seed, next[1].seed, MEDSEC_BOOT_SEED_LEN);
}

static void test_next_does_not_take_damaged_records(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MEDSEC_BOOT_RECORD_LEN; i++) {
        provision(FIRST_BOOT);
        flash.bytes[FLASH_BOOT + i] ^= 1;
        expect_refused(MEDSEC_ERR_UNKNOWN_DEVICE);
    }
}

static void test_next_ends_with_the_numbers(void **state)
{
    (void)state;
    medsec_boot_record mine;
    provision(UINT32_MAX - 1);
    expect_start(&mine, UINT32_MAX - 1);
    expect_refused(MEDSEC_ERR_LIMIT);
}

static void test_next_on_a_worn_flash(void **state)
{
    (void)state;
    medsec_boot_record mine;
    for (unsigned used = 0; used < 40; used++) {
        provision(FIRST_BOOT);
        for (unsigned i = 0; i < used; i++) {
            expect_start(&mine, FIRST_BOOT + i);
        }
        flash.worn = true;
        expect_refused(MEDSEC_ERR_IO);
        flash.worn = false;
        flash.lies = true;
        expect_refused(MEDSEC_ERR_IO);
    }
}

/* The old record cannot be zeroed: it might be taken again. */
static bool program_but_no_zeros(void *context, uint32_t offset, const uint8_t *data, size_t len)
{
    return data[0] != 0 && flash_model_program(context, offset, data, len);
}

static void test_next_when_the_old_record_stays(void **state)
{
    (void)state;
    provision(FIRST_BOOT);
    table.flash_program = program_but_no_zeros;
    expect_refused(MEDSEC_ERR_IO);
    expect_refused(MEDSEC_ERR_IO);
}

/* The new record is not there, but that was not said: the old one must stay. */
static bool program_only_zeros(void *context, uint32_t offset, const uint8_t *data, size_t len)
{
    return data[0] != 0 || flash_model_program(context, offset, data, len);
}

static void test_next_when_the_new_record_is_not_there(void **state)
{
    (void)state;
    medsec_boot_record mine;
    provision(FIRST_BOOT);
    table.flash_program = program_only_zeros;
    expect_refused(MEDSEC_ERR_IO);
    table.flash_program = flash_model_program;
    expect_start(&mine, FIRST_BOOT);
}

/* Two starts one after the other, of which the first is cut; then one that is not. What was given
 * to be used is never given again. False: the first was over before the cut. */
static bool start_is_cut(unsigned used, unsigned at, flash_tear tear)
{
    medsec_boot_record mine = {.boot = FIRST_BOOT - 1};
    medsec_boot_record cut;
    medsec_boot_record last;
    provision(FIRST_BOOT);
    for (unsigned i = 0; i < used; i++) {
        expect_start(&mine, FIRST_BOOT + i);
    }
    flash_model_power(&flash, at, tear);
    medsec_status status = start(&cut);
    bool was_cut = flash.dead;
    assert_int_equal(status, was_cut ? MEDSEC_ERR_IO : MEDSEC_OK);
    uint32_t highest = was_cut ? mine.boot : cut.boot;
    flash_model_power(&flash, 0, TEAR_NOTHING);
    noise[0]++; /* so that what was torn is not what comes in its place */
    assert_int_equal(start(&last), MEDSEC_OK);
    assert_in_range(last.boot, highest + 1, highest + 2);
    assert_memory_not_equal(last.seed, mine.seed, MEDSEC_BOOT_SEED_LEN);
    assert_memory_not_equal(last.seed, cut.seed, MEDSEC_BOOT_SEED_LEN);
    assert_int_equal(records_in_flash(), 1);
    expect_start(&mine, last.boot + 1);
    return was_cut;
}

static void test_next_cut_at_each_step(void **state)
{
    (void)state;
    for (flash_tear tear = TEAR_NOTHING; tear < TEARS; tear++) {
        for (unsigned used = 0; used < 34; used++) {
            unsigned at = 1;
            while (start_is_cut(used, at, tear)) {
                at++;
            }
            assert_in_range(at, 3, 2 + 17 + 1);
        }
    }
}

/* The power fails at each start but the last. */
static void test_next_cut_again_and_again(void **state)
{
    (void)state;
    medsec_boot_record mine;
    uint32_t boot = FIRST_BOOT;
    provision(FIRST_BOOT);
    for (unsigned i = 0; i < 300; i++) {
        flash_model_power(&flash, 1 + i % 3, (flash_tear)(i / 3 % TEARS));
        if (start(&mine) == MEDSEC_OK) {
            assert_true(mine.boot >= boot);
            boot = mine.boot + 1;
        }
    }
    flash_model_power(&flash, 0, TEAR_NOTHING);
    assert_int_equal(start(&mine), MEDSEC_OK);
    assert_true(mine.boot >= boot);
}

static void test_wipe_leaves_nothing(void **state)
{
    (void)state;
    medsec_boot_record mine;
    provision(FIRST_BOOT);
    for (unsigned i = 0; i < 20; i++) {
        expect_start(&mine, FIRST_BOOT + i);
    }
    assert_true(boot_log_wipe(&table));
    assert_true(flash_model_is_empty(&flash));
    expect_refused(MEDSEC_ERR_UNKNOWN_DEVICE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_next_of_a_device_that_is_not_provisioned, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_next_never_repeats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_leaves_no_seed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_derives_as_documented, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_mixes_the_noise_in, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_does_not_take_damaged_records, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_ends_with_the_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_on_a_worn_flash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_when_the_old_record_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_when_the_new_record_is_not_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_next_cut_at_each_step, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_cut_again_and_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wipe_leaves_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
