/* SPDX-License-Identifier: Apache-2.0 */
#include "registry_fixture.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(medsec_registry *registry, const char *id, unsigned number)
{
    medsec_credential credential = registry_fixture_credential(id, number);
    assert_int_equal(medsec_registry_add(registry, &credential, 0), MEDSEC_OK);
}

/* Seven rows: init, four times add, revoke, decommission. */
static int setup(void **state)
{
    registry_fixture_setup(state);
    const registry_fixture *fixture = *state;
    add(fixture->registry, "a", 1);
    add(fixture->registry, "b", 2);
    add(fixture->registry, "c", 3);
    add(fixture->registry, "d", 4);
    assert_int_equal(medsec_registry_revoke(fixture->registry, "b"), MEDSEC_OK);
    assert_int_equal(medsec_registry_decommission(fixture->registry, "c"), MEDSEC_OK);
    return 0;
}

static medsec_status verify(const registry_fixture *fixture, uint64_t *rows)
{
    medsec_registry *registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_READ);
    medsec_status status = medsec_registry_verify(registry, rows);
    assert_int_equal(medsec_registry_error(registry)[0] == '\0', status == MEDSEC_OK);
    medsec_registry_close(registry);
    return status;
}

static void test_verify_accepts_what_was_written(void **state)
{
    uint64_t rows;
    assert_int_equal(verify(*state, &rows), MEDSEC_OK);
    assert_int_equal(rows, 7);
}

static void test_verify_finds_every_edit(void **state)
{
    registry_fixture *fixture = *state;
    static const char *const edits[] = {
        /* of the log */
        "UPDATE audit SET actor='somebody' WHERE number=3",
        "UPDATE audit SET time=time+1 WHERE number=1",
        "UPDATE audit SET action='import' WHERE number=2",
        "UPDATE audit SET device='bb' WHERE number=3",
        "UPDATE audit SET detail='seed other' WHERE number=3",
        "UPDATE audit SET digest=randomblob(32) WHERE number=3",
        "UPDATE audit SET digest=NULL WHERE number=7",
        "UPDATE audit SET hash=randomblob(32) WHERE number=3",
        "UPDATE audit SET hash=x'00' WHERE number=7",
        "UPDATE audit SET actor=CAST(x'61006200' AS TEXT) WHERE number=3",
        "UPDATE audit SET number=9 WHERE number=7",
        "DELETE FROM audit WHERE number=3",
        "DELETE FROM audit WHERE number=1",
        "DELETE FROM audit WHERE number=7",
        "DELETE FROM audit WHERE number>3",
        "DELETE FROM audit",
        "INSERT INTO audit SELECT 8, time, actor, action, device, detail, digest, hash"
        " FROM audit WHERE number=7",
        "UPDATE audit SET number=100 WHERE number=3; UPDATE audit SET number=3 WHERE number=4;"
        "UPDATE audit SET number=4 WHERE number=100",
        /* of its head */
        "DELETE FROM meta WHERE name='head'",
        "UPDATE meta SET value=zeroblob(72) WHERE name='head'",
        "UPDATE meta SET value=zeroblob(3) WHERE name='head'",
        /* of the devices */
        "DELETE FROM device WHERE id='a'",
        "DELETE FROM device WHERE id='c'",
        "DELETE FROM device",
        "UPDATE device SET state=0 WHERE id='b'",
        "UPDATE device SET state=1 WHERE id='a'",
        "UPDATE device SET state=2, sealed=NULL, fingerprint=NULL WHERE id='a'",
        "UPDATE device SET profile='other' WHERE id='a'",
        "UPDATE device SET wire='medsec/1' WHERE id='a'",
        "UPDATE device SET created=created-1 WHERE id='a'",
        "UPDATE device SET changed=changed+1 WHERE id='c'",
        "UPDATE device SET id='e' WHERE id='a'",
        "UPDATE device SET id='e' WHERE id='c'",
        "UPDATE device SET fingerprint=randomblob(32) WHERE id='a'",
        "UPDATE device SET sealed=randomblob(72) WHERE id='a'",
        "UPDATE device SET sealed=(SELECT sealed FROM device WHERE id='d') WHERE id='a'",
        "INSERT INTO device SELECT 'e', wire, profile, state, created, changed, NULL, NULL, suite,"
        " generation, next, pending FROM device WHERE id='c'",
        "INSERT INTO device SELECT 'e', wire, profile, state, created, changed, randomblob(32),"
        " sealed, suite, generation, next, pending FROM device WHERE id='a'",
        "UPDATE device SET suite=1 WHERE id='a'",
        "UPDATE device SET generation=1 WHERE id='a'",
        "UPDATE device SET next=1 WHERE id='a'",
        "UPDATE device SET pending=randomblob(32) WHERE id='a'",
        "ALTER TABLE device ADD COLUMN more INTEGER",
        /* of the gateway's key */
        "DELETE FROM meta WHERE name='gateway'",
        "UPDATE meta SET value=randomblob(104) WHERE name='gateway'",
        "UPDATE meta SET value=zeroblob(7) WHERE name='gateway'",
        "UPDATE meta SET value=CAST(value || zeroblob(64) AS BLOB) WHERE name='gateway'",
        "UPDATE device SET id='x' WHERE id='a'; UPDATE device SET id='a' WHERE id='d';"
        "UPDATE device SET id='d' WHERE id='x'",
    };
    size_t len;
    medsec_registry_close(fixture->registry);
    fixture->registry = NULL;
    char *good = scratch_read(fixture->path, &len);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        uint64_t rows;
        registry_fixture_sql(fixture, edits[i]);
        if (verify(fixture, &rows) != MEDSEC_ERR_CORRUPT) {
            fail_msg("not found: %s", edits[i]);
        }
        scratch_write(fixture->path, good, len, 0600);
        assert_int_equal(verify(fixture, &rows), MEDSEC_OK);
    }
    free(good);
}

/* A revoked device's older row, put back whole, still opens: only the log tells. */
static void test_verify_finds_an_older_row(void **state)
{
    registry_fixture *fixture = *state;
    medsec_credential credential;
    uint64_t rows;
    registry_fixture_sql(fixture, "CREATE TABLE kept AS SELECT * FROM device WHERE id='a'");
    assert_int_equal(medsec_registry_revoke(fixture->registry, "a"), MEDSEC_OK);
    registry_fixture_sql(fixture, "DELETE FROM device WHERE id='a';"
                                  "INSERT INTO device SELECT * FROM kept; DROP TABLE kept");
    assert_int_equal(medsec_registry_get_credential(fixture->registry, "a", &credential),
                     MEDSEC_OK);
    assert_int_equal(verify(fixture, &rows), MEDSEC_ERR_CORRUPT);
}

/* A log row and what it did, both taken back: only the head tells. */
static void test_verify_finds_a_cut_log(void **state)
{
    registry_fixture *fixture = *state;
    uint64_t rows;
    assert_int_equal(medsec_registry_note_export(fixture->registry, "a"), MEDSEC_OK);
    registry_fixture_sql(fixture, "DELETE FROM audit WHERE number=8");
    assert_int_equal(verify(fixture, &rows), MEDSEC_ERR_CORRUPT);
    assert_int_equal(rows, 7);
}

/* An index that hides a row would hide it from a verifier that trusts the index. */
static void test_verify_finds_a_lying_index(void **state)
{
    registry_fixture *fixture = *state;
    uint64_t rows;
    registry_fixture_sql(
        fixture,
        "PRAGMA writable_schema=ON;"
        "UPDATE sqlite_schema SET rootpage=(SELECT rootpage FROM sqlite_schema WHERE name='meta')"
        " WHERE name='sqlite_autoindex_device_2'");
    assert_int_equal(verify(fixture, &rows), MEDSEC_ERR_CORRUPT);
}

static void test_edited_row_does_not_open(void **state)
{
    registry_fixture *fixture = *state;
    medsec_credential credential;
    static const char *const edits[] = {
        "UPDATE device SET state=0 WHERE id='b'",
        "UPDATE device SET profile='other' WHERE id='b'",
        "UPDATE device SET changed=changed-1 WHERE id='b'",
        "UPDATE device SET sealed=(SELECT sealed FROM device WHERE id='a') WHERE id='b'",
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        registry_fixture_sql(fixture, edits[i]);
        assert_int_equal(medsec_registry_get_credential(fixture->registry, "b", &credential),
                         MEDSEC_ERR_CORRUPT);
    }
    assert_int_equal(medsec_registry_decommission(fixture->registry, "b"), MEDSEC_OK);
}

static void test_change_refuses_an_altered_head(void **state)
{
    registry_fixture *fixture = *state;
    medsec_credential credential = registry_fixture_credential("e", 5);
    registry_fixture_sql(fixture, "UPDATE meta SET value=randomblob(72) WHERE name='head'");
    assert_int_equal(medsec_registry_add(fixture->registry, &credential, 0), MEDSEC_ERR_CORRUPT);
}

typedef struct log_text {
    char text[512];
    char last[65];
    uint64_t stop; /* at this row */
} log_text;

static medsec_status collect(void *context, const medsec_audit_row *row)
{
    log_text *log = context;
    size_t len = strlen(log->text);
    snprintf(log->text + len, sizeof log->text - len, "%llu %s %s%s%s %s;",
             (unsigned long long)row->number, row->actor, row->action, *row->device ? " " : "",
             row->device, row->detail);
    assert_int_equal(strlen(row->hash), 64);
    assert_string_not_equal(log->last, row->hash);
    memcpy(log->last, row->hash, sizeof log->last);
    assert_true(row->time_ms > 1700000000000u);
    return row->number == log->stop ? MEDSEC_ERR_CLOSED : MEDSEC_OK;
}

static void test_audit_says_who_did_what(void **state)
{
    registry_fixture *fixture = *state;
    log_text log = {0};
    assert_int_equal(medsec_registry_audit(fixture->registry, collect, &log), MEDSEC_OK);
    assert_string_equal(log.text, "1 tester init ;2 tester add a seed pico-vitals;"
                                  "3 tester add b seed pico-vitals;"
                                  "4 tester add c seed pico-vitals;"
                                  "5 tester add d seed pico-vitals;"
                                  "6 tester revoke b ;7 tester decommission c ;");
    assert_int_equal(medsec_registry_note_export(fixture->registry, "none"), MEDSEC_ERR_NOT_FOUND);
    assert_int_equal(medsec_registry_note_export(fixture->registry, "a"), MEDSEC_OK);
    assert_int_equal(medsec_registry_note_setup_key(fixture->registry, "none"),
                     MEDSEC_ERR_NOT_FOUND);
    assert_int_equal(medsec_registry_note_setup_key(fixture->registry, "a"), MEDSEC_OK);
    log = (log_text){.stop = 8};
    assert_int_equal(medsec_registry_audit(fixture->registry, collect, &log), MEDSEC_ERR_CLOSED);
    assert_non_null(strstr(log.text, "8 tester export a ;"));
    assert_null(strstr(log.text, "9 tester"));
    log = (log_text){0};
    assert_int_equal(medsec_registry_audit(fixture->registry, collect, &log), MEDSEC_OK);
    assert_non_null(strstr(log.text, "9 tester setup-key a ;"));
    uint64_t rows;
    assert_int_equal(verify(fixture, &rows), MEDSEC_OK);
    assert_int_equal(rows, 9);
}

#define FIXED(name) cmocka_unit_test_setup_teardown(name, setup, registry_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_verify_accepts_what_was_written), FIXED(test_verify_finds_every_edit),
        FIXED(test_verify_finds_an_older_row),       FIXED(test_verify_finds_a_cut_log),
        FIXED(test_verify_finds_a_lying_index),      FIXED(test_edited_row_does_not_open),
        FIXED(test_change_refuses_an_altered_head),  FIXED(test_audit_says_who_did_what),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
