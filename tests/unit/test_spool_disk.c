/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher/spool_disk.h"
#include "scratch.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAYLOAD 60000u

/* The files alone, without the thread: one group after another. */
typedef struct fixture {
    scratch files;
    medsec_spool_options options;
    medsec__spool_disk disk;
} fixture;

static void open_disk(fixture *f)
{
    f->options.folder = scratch_path(&f->files, "spool");
    assert_int_equal(medsec__spool_disk_open(&f->disk, &f->options), MEDSEC_OK);
}

static void reopen(fixture *f)
{
    medsec__spool_disk_close(&f->disk);
    open_disk(f);
}

static int setup(void **state)
{
    static const uint8_t key[MEDSEC_SPOOL_KEY_LEN] = "a key of thirty-two bytes or so";
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    scratch_open(&f->files);
    f->options = (medsec_spool_options){.key = key, .bytes = 1u << 20, .age_s = 1600};
    open_disk(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    medsec__spool_disk_close(&f->disk);
    scratch_close(&f->files);
    free(f);
    return 0;
}

static void add(fixture *f, uint64_t sequence, size_t len, bool droppable)
{
    static char payload[PAYLOAD];
    const medsec_message m = {.topic = "t",
                              .topic_len = 1,
                              .payload = payload,
                              .payload_len = len,
                              .droppable = droppable};
    assert_true(medsec__spool_disk_add(&f->disk, sequence, &m));
}

static medsec_status commit_one(fixture *f, uint64_t sequence, size_t len, bool force)
{
    bool dropped;
    medsec__spool_disk_begin(&f->disk);
    add(f, sequence, len, false);
    return medsec__spool_disk_commit(&f->disk, force, &dropped);
}

static void assert_next(fixture *f, uint64_t sequence)
{
    medsec__spool_record record;
    assert_int_equal(medsec__spool_disk_peek(&f->disk, &record), MEDSEC_OK);
    assert_int_equal(record.sequence, sequence);
    medsec__spool_disk_take(&f->disk, &record);
}

static void assert_no_next(fixture *f)
{
    medsec__spool_record record;
    assert_int_equal(medsec__spool_disk_peek(&f->disk, &record), MEDSEC_ERR_NOT_FOUND);
}

static uint64_t bytes(const fixture *f)
{
    return f->disk.streams[MEDSEC__SPOOL_KEPT].bytes +
           f->disk.streams[MEDSEC__SPOOL_DROPPABLE].bytes;
}

static void test_commit_beyond_the_room_needs_force(void **state)
{
    fixture *f = *state;
    uint64_t sequence = 1;
    while (commit_one(f, sequence, PAYLOAD, false) == MEDSEC_OK) {
        sequence++;
        assert_true(sequence < 100);
    }
    assert_in_range(bytes(f), (1u << 20) - 2 * PAYLOAD, 1u << 20);
    assert_int_equal(commit_one(f, sequence, PAYLOAD, false), MEDSEC_ERR_BUSY);
    assert_int_equal(commit_one(f, sequence, PAYLOAD, true), MEDSEC_OK);
    for (uint64_t i = 1; i <= sequence; i++) {
        assert_next(f, i);
    }
    assert_no_next(f);
}

static void test_commit_in_between_is_read_in_between(void **state)
{
    fixture *f = *state;
    medsec__spool_record record;
    const uint64_t late = 100 + MEDSEC__SPOOL_RESERVE;
    assert_int_equal(commit_one(f, 5, 10, false), MEDSEC_OK);
    assert_int_equal(commit_one(f, late, 10, false), MEDSEC_OK);
    assert_next(f, 5);
    assert_int_equal(medsec__spool_disk_peek(&f->disk, &record), MEDSEC_OK);
    assert_int_equal(record.sequence, late);
    assert_int_equal(commit_one(f, 100, 10, false), MEDSEC_OK);
    assert_int_equal(commit_one(f, 101, 10, false), MEDSEC_OK);
    assert_int_equal(commit_one(f, late + 1, 10, false), MEDSEC_OK);
    assert_next(f, 100);
    assert_next(f, 101);
    assert_next(f, late);
    assert_next(f, late + 1);
    assert_no_next(f);
    reopen(f);
    const uint64_t all[] = {5, 100, 101, late, late + 1};
    for (size_t i = 0; i < 5; i++) {
        assert_next(f, all[i]);
    }
    assert_int_equal(f->disk.highest, late + 1);
}

static void test_kinds_are_read_as_one(void **state)
{
    fixture *f = *state;
    bool dropped;
    medsec__spool_disk_begin(&f->disk);
    for (uint64_t i = 1; i <= 9; i++) {
        add(f, i, 10, i % 3 == 0);
    }
    assert_int_equal(medsec__spool_disk_commit(&f->disk, false, &dropped), MEDSEC_OK);
    assert_false(dropped);
    assert_int_equal(f->disk.messages, 9);
    for (uint64_t i = 1; i <= 9; i++) {
        assert_next(f, i);
    }
    medsec__spool_disk_seek(&f->disk, 4);
    assert_next(f, 4);
}

static void test_group_has_a_limit(void **state)
{
    fixture *f = *state;
    const medsec_message m = {.topic = "t", .topic_len = 1};
    medsec__spool_disk_begin(&f->disk);
    for (uint64_t i = 1; i <= MEDSEC__SPOOL_GROUP_MAX; i++) {
        assert_true(medsec__spool_disk_add(&f->disk, i, &m));
    }
    assert_false(medsec__spool_disk_add(&f->disk, MEDSEC__SPOOL_GROUP_MAX + 1, &m));
    medsec__spool_disk_begin(&f->disk);
    for (uint64_t i = 1; i <= 17; i++) {
        add(f, i, PAYLOAD, false);
    }
    static char payload[PAYLOAD];
    const medsec_message large = {.payload = payload, .payload_len = PAYLOAD};
    assert_false(medsec__spool_disk_add(&f->disk, 18, &large));
}

static void test_trim_keeps_what_is_not_delivered(void **state)
{
    fixture *f = *state;
    for (uint64_t i = 1; i <= 12; i++) {
        assert_int_equal(commit_one(f, i, PAYLOAD, false), MEDSEC_OK);
        assert_next(f, i);
    }
    medsec__spool_disk_trim(&f->disk, 6, true);
    reopen(f);
    for (uint64_t i = 6; i <= 12; i++) {
        assert_next(f, i);
    }
    medsec__spool_disk_trim(&f->disk, 13, true);
    assert_int_equal(bytes(f), 0);
    assert_int_equal(f->disk.messages, 0);
    reopen(f);
    assert_no_next(f);
    assert_int_equal(f->disk.highest, 12); /* its numbers are not used again */
}

static void test_settle_counts_each_once(void **state)
{
    fixture *f = *state;
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(commit_one(f, i, 10, false), MEDSEC_OK);
    }
    medsec__spool_disk_settle(&f->disk, MEDSEC__SPOOL_KEPT, 1);
    assert_int_equal(f->disk.messages, 2);
    medsec__spool_disk_settle(&f->disk, MEDSEC__SPOOL_DROPPABLE, 2); /* there is none */
    medsec__spool_disk_settle(&f->disk, MEDSEC__SPOOL_KEPT, 4);
    assert_int_equal(f->disk.messages, 2);
}

/* Plays the clock of the day on which it is opened, and the time since. */
static void wind(fixture *f, uint64_t begun_ms)
{
    f->disk.begun_ms = begun_ms;
}

static void test_age_is_counted_while_the_gateway_is_down(void **state)
{
    fixture *f = *state;
    const uint64_t now = f->disk.begun_ms;
    assert_int_equal(commit_one(f, 1, 10, false), MEDSEC_OK);
    reopen(f);
    wind(f, now + 1500000);
    medsec__spool_disk_expire(&f->disk);
    assert_int_equal(f->disk.expired, 0);
    assert_in_range(medsec__spool_disk_age_ms(&f->disk), 1499000, 1599000);
    wind(f, now + 1700000);
    medsec__spool_disk_expire(&f->disk);
    assert_int_equal(f->disk.expired, 1);
    assert_no_next(f);
}

static void test_age_of_a_clock_that_was_not_set_says_nothing(void **state)
{
    fixture *f = *state;
    const uint64_t now = f->disk.begun_ms;
    wind(f, 1000);
    assert_int_equal(commit_one(f, 1, 10, false), MEDSEC_OK);
    reopen(f);
    assert_true(f->disk.begun_ms >= now);
    medsec__spool_disk_expire(&f->disk);
    assert_int_equal(f->disk.expired, 0);
    assert_next(f, 1);
}

static void test_segment_does_not_grow_for_long(void **state)
{
    fixture *f = *state;
    const uint64_t now = f->disk.begun_ms;
    assert_int_equal(commit_one(f, 1, 10, false), MEDSEC_OK);
    assert_int_equal(commit_one(f, 2, 10, false), MEDSEC_OK);
    assert_ptr_equal(f->disk.streams[0].oldest, f->disk.streams[0].newest);
    wind(f, now + 110000); /* a sixteenth of the age has passed */
    assert_int_equal(commit_one(f, 3, 10, false), MEDSEC_OK);
    assert_ptr_not_equal(f->disk.streams[0].oldest, f->disk.streams[0].newest);
}

/* A byte of the segment that begins with this number. */
static void flip(const fixture *f, uint64_t first, size_t at)
{
    char name[64];
    size_t len;
    snprintf(name, sizeof name, "spool/%s", medsec__spool_segment_name(0, first).text);
    const char *path = scratch_path(&f->files, name);
    char *data = scratch_read(path, &len);
    assert_in_range(at, 0, len - 1);
    data[at] ^= 1;
    scratch_write(path, data, len, 0600);
    free(data);
}

static bool is_there(const fixture *f, const char *name)
{
    struct stat info;
    return stat(scratch_path(&f->files, name), &info) == 0;
}

/* It is no torn write: that is the beginning of a good one. */
static void test_damaged_first_block_is_set_aside(void **state)
{
    fixture *f = *state;
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(commit_one(f, i, 10, false), MEDSEC_OK);
    }
    medsec__spool_disk_close(&f->disk);
    flip(f, 1, MEDSEC__SPOOL_HEADER_LEN);
    open_disk(f);
    assert_no_next(f);
    assert_int_equal(f->disk.damaged, 1);
    assert_true(is_there(f, "spool/damaged-k0000000000000001"));
    reopen(f);
    assert_int_equal(f->disk.damaged, 0);
}

static void test_damage_behind_a_good_block_is_counted(void **state)
{
    fixture *f = *state;
    assert_int_equal(commit_one(f, 1, 10, false), MEDSEC_OK);
    const size_t second = (size_t)f->disk.streams[0].oldest->end;
    assert_int_equal(commit_one(f, 2, 10, false), MEDSEC_OK);
    medsec__spool_disk_close(&f->disk);
    flip(f, 1, second);
    open_disk(f);
    assert_int_equal(f->disk.damaged, 1);
    assert_next(f, 1);
    assert_no_next(f);
}

static void test_torn_first_block_is_no_damage(void **state)
{
    fixture *f = *state;
    const size_t rest[] = {1, MEDSEC__SPOOL_BLOCK_HEADER_LEN - 1, MEDSEC__SPOOL_BLOCK_HEADER_LEN,
                           MEDSEC__SPOOL_BLOCK_HEADER_LEN + 1};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        assert_int_equal(commit_one(f, 1, 10, false), MEDSEC_OK);
        medsec__spool_disk_close(&f->disk);
        assert_int_equal(truncate(scratch_path(&f->files, "spool/k0000000000000001"),
                                  (off_t)(MEDSEC__SPOOL_HEADER_LEN + rest[i])),
                         0);
        open_disk(f);
        assert_no_next(f);
        assert_int_equal(f->disk.damaged, 0);
        assert_false(is_there(f, "spool/k0000000000000001"));
        assert_false(is_there(f, "spool/damaged-k0000000000000001"));
    }
}

/* Of the first block of a segment; nothing vouches for it before the block is opened. */
static void change_last(const fixture *f, uint64_t first, uint64_t from, uint64_t to)
{
    char path[64];
    uint8_t number[8];
    snprintf(path, sizeof path, "spool/%s", medsec__spool_segment_name(0, first).text);
    FILE *file = fopen(scratch_path(&f->files, path), "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, MEDSEC__SPOOL_HEADER_LEN + 16, SEEK_SET), 0);
    assert_int_equal(fread(number, 1, sizeof number, file), sizeof number);
    assert_int_equal(number[7], from);
    for (size_t i = 0; i < sizeof number; i++) {
        number[i] = (uint8_t)(to >> (56 - 8 * i));
    }
    assert_int_equal(fseek(file, MEDSEC__SPOOL_HEADER_LEN + 16, SEEK_SET), 0);
    assert_int_equal(fwrite(number, 1, sizeof number, file), sizeof number);
    assert_int_equal(fclose(file), 0);
}

/* A flipped bit in one segment loses no more than that: what is in the next one is delivered. */
static void test_damaged_header_hides_nothing_behind_it(void **state)
{
    static const uint64_t lies[] = {3, 100, UINT64_C(1) << 40, UINT64_MAX};
    fixture *f = *state;
    uint64_t sequence = 1;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        const uint64_t now = f->disk.begun_ms;
        const uint64_t lie = lies[i] < 1000 ? sequence + lies[i] : lies[i];
        assert_int_equal(commit_one(f, sequence, 10, false), MEDSEC_OK);
        wind(f, now + 110000); /* another segment */
        assert_int_equal(commit_one(f, sequence + 1, 10, false), MEDSEC_OK);
        assert_int_equal(commit_one(f, sequence + 2, 10, false), MEDSEC_OK);
        change_last(f, sequence, sequence, lie);
        reopen(f);
        assert_in_range(f->disk.highest, sequence + 2, sequence + 200);
        assert_next(f, sequence + 1);
        assert_next(f, sequence + 2);
        assert_no_next(f);
        sequence += 3;
        medsec__spool_disk_trim(&f->disk, sequence, true);
    }
}

static void test_pipe_with_a_segment_s_name_holds_nobody_up(void **state)
{
    fixture *f = *state;
    assert_int_equal(commit_one(f, 1, 10, false), MEDSEC_OK);
    assert_int_equal(mkfifo(scratch_path(&f->files, "spool/k0000000000000007"), 0600), 0);
    reopen(f);
    assert_next(f, 1);
    assert_no_next(f);
}

/* What is in it is sealed, and could be removed. */
static void test_folder_that_others_may_write_to_is_refused(void **state)
{
    static const mode_t modes[] = {0720, 0702};
    fixture *f = *state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        medsec__spool_disk_close(&f->disk);
        assert_int_equal(chmod(f->options.folder, modes[i]), 0);
        assert_int_equal(medsec__spool_disk_open(&f->disk, &f->options), MEDSEC_ERR_PERMISSION);
    }
    assert_int_equal(chmod(f->options.folder, 0755), 0);
    reopen(f);
}

#define FIXED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_commit_beyond_the_room_needs_force),
        FIXED(test_commit_in_between_is_read_in_between),
        FIXED(test_kinds_are_read_as_one),
        FIXED(test_group_has_a_limit),
        FIXED(test_trim_keeps_what_is_not_delivered),
        FIXED(test_settle_counts_each_once),
        FIXED(test_age_is_counted_while_the_gateway_is_down),
        FIXED(test_age_of_a_clock_that_was_not_set_says_nothing),
        FIXED(test_segment_does_not_grow_for_long),
        FIXED(test_damaged_first_block_is_set_aside),
        FIXED(test_damage_behind_a_good_block_is_counted),
        FIXED(test_torn_first_block_is_no_damage),
        FIXED(test_damaged_header_hides_nothing_behind_it),
        FIXED(test_folder_that_others_may_write_to_is_refused),
        FIXED(test_pipe_with_a_segment_s_name_holds_nobody_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
