/* SPDX-License-Identifier: Apache-2.0 */
#include "registry_fixture.h"

#include "unit.h"

#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

medsec_registry *registry_fixture_open(const registry_fixture *fixture, medsec_registry_mode mode)
{
    const medsec_registry_unlock unlock = {.key_file = fixture->key_file};
    medsec_registry *registry = NULL;
    assert_int_equal(medsec_registry_open(&registry, fixture->path, &unlock, mode, "tester"),
                     MEDSEC_OK);
    return registry;
}

void registry_fixture_reopen(registry_fixture *fixture)
{
    medsec_registry_close(fixture->registry);
    fixture->registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_WRITE);
}

static registry_fixture *make(void)
{
    registry_fixture *fixture = calloc(1, sizeof *fixture);
    scratch_open(&fixture->files);
    snprintf(fixture->path, sizeof fixture->path, "%s/medsec.db", fixture->files.folder);
    snprintf(fixture->key_file, sizeof fixture->key_file, "%s/medsec.key", fixture->files.folder);
    return fixture;
}

#define FORMAT_1 MEDSEC_SOURCE_DIR "/tests/vectors/registry_format_1"

int registry_fixture_setup_format_1(void **state)
{
    registry_fixture *fixture = make();
    size_t len;
    char *text = scratch_read(FORMAT_1 ".key", &len);
    scratch_write(fixture->key_file, text, len, 0600);
    free(text);
    text = scratch_read(FORMAT_1 ".sql", &len);
    char *sql = realloc(text, len + 1);
    sql[len] = '\0';
    scratch_write(fixture->path, "", 0, 0600);
    registry_fixture_sql(fixture, sql);
    free(sql);
    *state = fixture;
    return 0;
}

int registry_fixture_setup(void **state)
{
    registry_fixture *fixture = make();
    const medsec_registry_unlock unlock = {.key_file = fixture->key_file};
    assert_int_equal(medsec_registry_create(fixture->path, &unlock, "tester"), MEDSEC_OK);
    fixture->registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_WRITE);
    *state = fixture;
    return 0;
}

int registry_fixture_teardown(void **state)
{
    registry_fixture *fixture = *state;
    medsec_registry_close(fixture->registry);
    scratch_close(&fixture->files);
    free(fixture);
    return 0;
}

void registry_fixture_sql(const registry_fixture *fixture, const char *sql)
{
    sqlite3 *db = NULL;
    char *error = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK) {
        fail_msg("%s: %s", sql, error);
    }
    sqlite3_close(db);
}

size_t registry_fixture_blob(const registry_fixture *fixture, const char *sql, uint8_t *out,
                             size_t cap)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    size_t len = (size_t)sqlite3_column_bytes(statement, 0);
    assert_true(len <= cap);
    memcpy(out, sqlite3_column_blob(statement, 0), len);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return len;
}

void registry_fixture_refuse(const registry_fixture *fixture, const void *bytes, size_t len)
{
    size_t file_len;
    char *file = scratch_read(fixture->path, &file_len);
    for (size_t i = 0; i + 8 <= len; i += 8) {
        assert_null(memmem(file, file_len, (const char *)bytes + i, 8));
    }
    free(file);
}

medsec_credential registry_fixture_credential(const char *id, unsigned number)
{
    medsec_credential credential = {.wire = MEDSEC_WIRE_SEED};
    char text[17];
    snprintf(credential.device, sizeof credential.device, "%s", id);
    snprintf(credential.profile, sizeof credential.profile, "pico-vitals");
    snprintf(text, sizeof text, "key-%08u-key", number % 100000000u);
    memcpy(credential.key, text, sizeof credential.key);
    snprintf(text, sizeof text, "iv--%08u--iv", number % 100000000u);
    memcpy(credential.iv, text, sizeof credential.iv);
    return credential;
}

medsec_credential registry_fixture_medsec1(const char *id, unsigned number)
{
    medsec_credential credential = {
        .wire = MEDSEC_WIRE_MEDSEC1, .suite = MEDSEC_SUITE_A128CBC_HS256, .has_private = true};
    snprintf(credential.device, sizeof credential.device, "%s", id);
    snprintf(credential.profile, sizeof credential.profile, "pico-vitals");
    memset(credential.device_private, 0x40, sizeof credential.device_private);
    memset(credential.psk, 0xc3, sizeof credential.psk);
    memset(credential.gateway_public, 0x96, sizeof credential.gateway_public);
    memcpy(credential.device_private + 8, &number, sizeof number);
    memcpy(credential.psk + 8, &number, sizeof number);
    assert_int_equal(crypto_scalarmult_base(credential.device_public, credential.device_private),
                     0);
    return credential;
}
