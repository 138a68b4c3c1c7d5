/* SPDX-License-Identifier: Apache-2.0 */
#include "host/store.h"
#include "registry_fixture.h"
#include "unit.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static medsec_status add(const registry_fixture *fixture, const char *id, unsigned number)
{
    medsec_credential credential = registry_fixture_medsec1(id, number);
    return medsec_registry_add(fixture->registry, &credential, 0);
}

static medsec_status rotate(const registry_fixture *fixture, const char *id, unsigned number)
{
    medsec_credential credential = registry_fixture_medsec1(id, number);
    return medsec_registry_rotate(fixture->registry, &credential);
}

static medsec_device_info info_of(const registry_fixture *fixture, const char *id)
{
    medsec_device_info info;
    assert_int_equal(medsec_registry_get(fixture->registry, id, &info), MEDSEC_OK);
    return info;
}

/* What `export` would give is the device's with this number, and is in use or pending. */
static void expect(const registry_fixture *fixture, const char *id, unsigned number,
                   uint32_t generation, uint32_t pending)
{
    medsec_credential want = registry_fixture_medsec1(id, number);
    medsec_credential got;
    uint8_t gateway[2][MEDSEC_X25519_LEN];
    size_t count;
    medsec_device_info info = info_of(fixture, id);
    assert_int_equal(info.generation, generation);
    assert_int_equal(info.rotating, pending != 0);
    assert_int_equal(info.pending_generation, pending);
    assert_int_equal(medsec_registry_get_credential(fixture->registry, id, &got), MEDSEC_OK);
    assert_int_equal(medsec_registry_gateway_public(fixture->registry, gateway, &count), MEDSEC_OK);
    memcpy(want.gateway_public, gateway[0], sizeof want.gateway_public);
    want.has_private = false;
    memset(want.device_private, 0, sizeof want.device_private);
    assert_memory_equal(&got, &want, sizeof got);
}

static void verify(registry_fixture *fixture, uint64_t rows)
{
    uint64_t got = 0;
    registry_fixture_reopen(fixture);
    if (medsec_registry_verify(fixture->registry, &got) != MEDSEC_OK) {
        fail_msg("%s", medsec_registry_error(fixture->registry));
    }
    assert_int_equal(got, rows);
}

static void test_add_and_get(void **state)
{
    registry_fixture *fixture = *state;
    medsec_credential other = registry_fixture_medsec1("b", 2);
    other.suite = MEDSEC_SUITE_CHACHAPOLY;
    assert_int_equal(add(fixture, "a", 1), MEDSEC_OK);
    assert_int_equal(medsec_registry_add(fixture->registry, &other, 0), MEDSEC_OK);
    registry_fixture_reopen(fixture);
    expect(fixture, "a", 1, 0, 0);
    medsec_device_info info = info_of(fixture, "a");
    assert_int_equal(info.wire, MEDSEC_WIRE_MEDSEC1);
    assert_int_equal(info.suite, MEDSEC_SUITE_A128CBC_HS256);
    assert_int_equal(info_of(fixture, "b").suite, MEDSEC_SUITE_CHACHAPOLY);
    verify(fixture, 3);
}

static void test_add_refuses(void **state)
{
    registry_fixture *fixture = *state;
    medsec_credential cases[4];
    for (size_t i = 0; i < 4; i++) {
        cases[i] = registry_fixture_medsec1("a", 1);
    }
    cases[0].suite = 0;
    cases[1].suite = 3;
    memset(cases[2].psk, 0, sizeof cases[2].psk);
    memset(cases[3].device_public, 0, sizeof cases[3].device_public);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(medsec_registry_add(fixture->registry, &cases[i], 0), MEDSEC_ERR_ARGUMENT);
    }
    assert_int_equal(add(fixture, "a", 1), MEDSEC_OK);
    assert_int_equal(add(fixture, "a", 2), MEDSEC_ERR_EXISTS);
    assert_int_equal(add(fixture, "b", 1), MEDSEC_ERR_EXISTS);
    medsec_credential seed = registry_fixture_credential("a", 1);
    assert_int_equal(medsec_registry_add(fixture->registry, &seed, 0), MEDSEC_ERR_EXISTS);
    /* A gateway's key is not needed here: the registry has its own. */
    medsec_credential bare = registry_fixture_medsec1("c", 3);
    memset(bare.gateway_public, 0, sizeof bare.gateway_public);
    assert_int_equal(medsec_registry_add(fixture->registry, &bare, 0), MEDSEC_OK);
}

static void test_rotate_then_promote(void **state)
{
    registry_fixture *fixture = *state;
    assert_int_equal(add(fixture, "a", 1), MEDSEC_OK);
    uint64_t added = info_of(fixture, "a").changed_ms;
    assert_int_equal(medsec_registry_promote(fixture->registry, "a", 1), MEDSEC_ERR_STATE);
    assert_int_equal(rotate(fixture, "a", 2), MEDSEC_OK);
    expect(fixture, "a", 2, 0, 1);
    verify(fixture, 3);
    assert_int_equal(medsec_registry_promote(fixture->registry, "a", 0), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_registry_promote(fixture->registry, "a", 2), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_registry_promote(fixture->registry, "a", 1), MEDSEC_OK);
    expect(fixture, "a", 2, 1, 0);
    verify(fixture, 4);
    assert_int_equal(medsec_registry_promote(fixture->registry, "a", 1), MEDSEC_ERR_STATE);
    assert_int_equal(rotate(fixture, "a", 3), MEDSEC_OK);
    expect(fixture, "a", 3, 1, 2);
    assert_int_equal(medsec_registry_promote(fixture->registry, "a", 2), MEDSEC_OK);
    expect(fixture, "a", 3, 2, 0);
    assert_true(info_of(fixture, "a").changed_ms >= added);
    verify(fixture, 6);
}

/* A gateway that saw the first pending key must not promote the second by its number. */
static void test_rotate_again_replaces_what_is_pending(void **state)
{
    registry_fixture *fixture = *state;
    assert_int_equal(add(fixture, "a", 1), MEDSEC_OK);
    assert_int_equal(rotate(fixture, "a", 2), MEDSEC_OK);
    assert_int_equal(rotate(fixture, "a", 3), MEDSEC_OK);
    expect(fixture, "a", 3, 0, 2);
    assert_int_equal(medsec_registry_promote(fixture->registry, "a", 1), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_registry_promote(fixture->registry, "a", 2), MEDSEC_OK);
    expect(fixture, "a", 3, 2, 0);
    /* The key that never came into use, and the one before, are free. */
    assert_int_equal(add(fixture, "b", 2), MEDSEC_OK);
    assert_int_equal(add(fixture, "c", 1), MEDSEC_OK);
    verify(fixture, 7);
}

static void test_rotate_with_the_same_key(void **state)
{
    registry_fixture *fixture = *state;
    medsec_credential credential = registry_fixture_medsec1("a", 1);
    assert_int_equal(medsec_registry_add(fixture->registry, &credential, 0), MEDSEC_OK);
    memset(credential.psk, 0x55, sizeof credential.psk);
    assert_int_equal(medsec_registry_rotate(fixture->registry, &credential), MEDSEC_OK);
    medsec_credential got;
    assert_int_equal(medsec_registry_get_credential(fixture->registry, "a", &got), MEDSEC_OK);
    assert_memory_equal(got.psk, credential.psk, sizeof got.psk);
    assert_memory_equal(got.device_public, credential.device_public, sizeof got.device_public);
    assert_int_equal(medsec_registry_promote(fixture->registry, "a", 1), MEDSEC_OK);
    assert_int_equal(medsec_registry_get_credential(fixture->registry, "a", &got), MEDSEC_OK);
    assert_memory_equal(got.psk, credential.psk, sizeof got.psk);
    verify(fixture, 4);
}

/* As `expect` has it for one: `numbers` are those in use and pending. */
static void expect_both(const registry_fixture *fixture, const char *id, const unsigned numbers[2],
                        size_t count)
{
    medsec_credential got[2];
    size_t found = 77;
    memset(got, 0xee, sizeof got);
    assert_int_equal(medsec_registry_get_credentials(fixture->registry, id, got, &found),
                     MEDSEC_OK);
    assert_int_equal(found, count);
    for (size_t i = 0; i < count; i++) {
        const medsec_credential want = registry_fixture_medsec1(id, numbers[i]);
        assert_string_equal(got[i].device, id);
        assert_string_equal(got[i].profile, want.profile);
        assert_int_equal(got[i].suite, want.suite);
        assert_false(got[i].has_private);
        assert_memory_equal(got[i].device_public, want.device_public, MEDSEC_X25519_LEN);
        assert_memory_equal(got[i].psk, want.psk, MEDSEC_PSK_LEN);
        assert_memory_equal(got[i].gateway_public, got[0].gateway_public, MEDSEC_X25519_LEN);
    }
    assert_true(count == 2 || sodium_is_zero((const unsigned char *)&got[1], sizeof got[1]));
}

static void test_both_credentials(void **state)
{
    registry_fixture *fixture = *state;
    medsec_credential got[2];
    size_t count = 77;
    assert_int_equal(add(fixture, "a", 1), MEDSEC_OK);
    expect_both(fixture, "a", (const unsigned[]){1, 0}, 1);
    assert_int_equal(rotate(fixture, "a", 2), MEDSEC_OK);
    expect_both(fixture, "a", (const unsigned[]){1, 2}, 2);
    assert_int_equal(medsec_registry_revoke(fixture->registry, "a"), MEDSEC_OK);
    expect_both(fixture, "a", (const unsigned[]){1, 2}, 2);
    assert_int_equal(add(fixture, "b", 3), MEDSEC_OK);
    assert_int_equal(rotate(fixture, "b", 4), MEDSEC_OK);
    assert_int_equal(medsec_registry_promote(fixture->registry, "b", 1), MEDSEC_OK);
    expect_both(fixture, "b", (const unsigned[]){4, 0}, 1);
    assert_int_equal(medsec_registry_decommission(fixture->registry, "b"), MEDSEC_OK);
    memset(got, 0xee, sizeof got);
    assert_int_equal(medsec_registry_get_credentials(fixture->registry, "b", got, &count),
                     MEDSEC_ERR_REVOKED);
    assert_int_equal(count, 77);
    assert_true(sodium_is_zero((const unsigned char *)got, sizeof got));
    assert_int_equal(medsec_registry_get_credentials(fixture->registry, "c", got, &count),
                     MEDSEC_ERR_NOT_FOUND);
    assert_int_equal(medsec_registry_get_credentials(fixture->registry, "a", NULL, &count),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_get_credentials(fixture->registry, "a", got, NULL),
                     MEDSEC_ERR_ARGUMENT);
}

static void test_keys_are_unique_also_pending_ones(void **state)
{
    registry_fixture *fixture = *state;
    assert_int_equal(add(fixture, "a", 1), MEDSEC_OK);
    assert_int_equal(add(fixture, "b", 2), MEDSEC_OK);
    assert_int_equal(rotate(fixture, "a", 2), MEDSEC_ERR_EXISTS);
    expect(fixture, "a", 1, 0, 0);
    assert_int_equal(rotate(fixture, "a", 3), MEDSEC_OK);
    assert_int_equal(rotate(fixture, "b", 3), MEDSEC_ERR_EXISTS);
    assert_int_equal(rotate(fixture, "b", 1), MEDSEC_ERR_EXISTS);
    assert_int_equal(add(fixture, "c", 3), MEDSEC_ERR_EXISTS);
    assert_int_equal(add(fixture, "c", 1), MEDSEC_ERR_EXISTS);
    assert_int_equal(medsec_registry_promote(fixture->registry, "a", 1), MEDSEC_OK);
    assert_int_equal(add(fixture, "c", 3), MEDSEC_ERR_EXISTS);
    assert_int_equal(add(fixture, "c", 1), MEDSEC_OK);
    verify(fixture, 6);
}

static void test_a_failed_rotation_in_a_batch_leaves_no_trace(void **state)
{
    registry_fixture *fixture = *state;
    assert_int_equal(add(fixture, "a", 1), MEDSEC_OK);
    assert_int_equal(add(fixture, "b", 2), MEDSEC_OK);
    assert_int_equal(medsec_registry_begin(fixture->registry), MEDSEC_OK);
    assert_int_equal(rotate(fixture, "a", 3), MEDSEC_OK);
    assert_int_equal(rotate(fixture, "b", 3), MEDSEC_ERR_EXISTS);
    assert_int_equal(medsec_registry_commit(fixture->registry), MEDSEC_OK);
    expect(fixture, "a", 3, 0, 1);
    expect(fixture, "b", 2, 0, 0);
    verify(fixture, 4);
}

static void test_rotate_and_promote_refuse(void **state)
{
    registry_fixture *fixture = *state;
    medsec_registry *registry = fixture->registry;
    medsec_credential seed = registry_fixture_credential("s", 1);
    medsec_credential credential = registry_fixture_medsec1("s", 2);
    assert_int_equal(medsec_registry_add(registry, &seed, 0), MEDSEC_OK);
    assert_int_equal(medsec_registry_rotate(registry, &credential), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_registry_rotate(registry, &seed), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_promote(registry, "s", 1), MEDSEC_ERR_STATE);
    assert_int_equal(rotate(fixture, "none", 3), MEDSEC_ERR_NOT_FOUND);
    assert_int_equal(medsec_registry_promote(registry, "none", 1), MEDSEC_ERR_NOT_FOUND);
    assert_int_equal(medsec_registry_rotate(registry, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_rotate(NULL, &credential), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_promote(registry, NULL, 1), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(add(fixture, "a", 4), MEDSEC_OK);
    credential = registry_fixture_medsec1("a", 5);
    credential.suite = MEDSEC_SUITE_CHACHAPOLY;
    assert_int_equal(medsec_registry_rotate(registry, &credential), MEDSEC_ERR_ARGUMENT);
    credential = registry_fixture_medsec1("a", 5);
    snprintf(credential.profile, sizeof credential.profile, "other");
    assert_int_equal(medsec_registry_rotate(registry, &credential), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(rotate(fixture, "a", 5), MEDSEC_OK);
    assert_int_equal(medsec_registry_revoke(registry, "a"), MEDSEC_OK);
    expect(fixture, "a", 5, 0, 1);
    assert_int_equal(rotate(fixture, "a", 6), MEDSEC_ERR_REVOKED);
    assert_int_equal(medsec_registry_promote(registry, "a", 1), MEDSEC_ERR_REVOKED);
    assert_int_equal(medsec_registry_decommission(registry, "a"), MEDSEC_OK);
    assert_int_equal(medsec_registry_promote(registry, "a", 1), MEDSEC_ERR_REVOKED);
    assert_false(info_of(fixture, "a").rotating);
    verify(fixture, 6);
    /* Its keys are free. */
    assert_int_equal(add(fixture, "b", 4), MEDSEC_OK);
    assert_int_equal(add(fixture, "c", 5), MEDSEC_OK);
}

static void refuse_in_file(const registry_fixture *fixture, const medsec_credential *credential)
{
    registry_fixture_refuse(fixture, credential->device_private, MEDSEC_X25519_LEN);
    registry_fixture_refuse(fixture, credential->device_public, MEDSEC_X25519_LEN);
    registry_fixture_refuse(fixture, credential->psk, MEDSEC_PSK_LEN);
}

static void refuse_private_key(const registry_fixture *fixture, const char *id)
{
    medsec_credential got;
    assert_int_equal(medsec_registry_get_credential(fixture->registry, id, &got), MEDSEC_OK);
    assert_false(got.has_private);
    assert_true(sodium_is_zero(got.device_private, sizeof got.device_private));
}

/* A leaked file shows no key, in hex or base64 neither; with the sealing key still no private one.
 */
static void test_no_secret_is_in_the_file(void **state)
{
    registry_fixture *fixture = *state;
    medsec_credential first = {.wire = MEDSEC_WIRE_MEDSEC1, .suite = MEDSEC_SUITE_CHACHAPOLY};
    snprintf(first.device, sizeof first.device, "a");
    snprintf(first.profile, sizeof first.profile, "pico-vitals");
    medsec_credential_generate(&first);
    medsec_credential second = first;
    medsec_credential_generate(&second);
    assert_int_equal(medsec_registry_add(fixture->registry, &first, 0), MEDSEC_OK);
    refuse_in_file(fixture, &first);
    refuse_private_key(fixture, "a");
    assert_int_equal(medsec_registry_rotate(fixture->registry, &second), MEDSEC_OK);
    refuse_in_file(fixture, &first);
    refuse_private_key(fixture, "a");
    refuse_in_file(fixture, &second);
    refuse_private_key(fixture, "a");
    assert_int_equal(medsec_registry_promote(fixture->registry, "a", 1), MEDSEC_OK);
    refuse_in_file(fixture, &second);
    refuse_private_key(fixture, "a");
    assert_int_equal(medsec_registry_decommission(fixture->registry, "a"), MEDSEC_OK);
    refuse_in_file(fixture, &second);
}

/* All that the sealing key opens in a device's row. */
static void test_no_private_key_is_sealed(void **state)
{
    registry_fixture *fixture = *state;
    const medsec_credential made[] = {registry_fixture_medsec1("a", 1),
                                      registry_fixture_medsec1("a", 2)};
    medsec__device device;
    uint8_t secret[MEDSEC__SECRET_MAX];
    assert_int_equal(medsec_registry_add(fixture->registry, &made[0], 0), MEDSEC_OK);
    assert_int_equal(medsec_registry_rotate(fixture->registry, &made[1]), MEDSEC_OK);
    assert_int_equal(medsec__device_get(fixture->registry, "a", &device), MEDSEC_OK);
    assert_int_equal(medsec__device_unseal(secret, fixture->registry->keys, &device), MEDSEC_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_non_null(memmem(secret, sizeof secret, made[i].psk, MEDSEC_PSK_LEN));
        assert_null(memmem(secret, sizeof secret, made[i].device_private + 8, 8));
    }
    uint8_t sealed[256];
    assert_int_equal(
        registry_fixture_blob(fixture, "SELECT sealed FROM device", sealed, sizeof sealed),
        MEDSEC__SEAL_EXTRA + sizeof secret);
}

static void test_promote_destroys_what_was_before(void **state)
{
    registry_fixture *fixture = *state;
    uint8_t sealed[168];
    assert_int_equal(add(fixture, "dev-1", 1), MEDSEC_OK);
    assert_int_equal(rotate(fixture, "dev-1", 2), MEDSEC_OK);
    assert_int_equal(
        registry_fixture_blob(fixture, "SELECT sealed FROM device", sealed, sizeof sealed),
        sizeof sealed);
    assert_int_equal(medsec_registry_promote(fixture->registry, "dev-1", 1), MEDSEC_OK);
    registry_fixture_refuse(fixture, sealed, sizeof sealed);
}

/* Every edit of a row, or of what another row lends to it, keeps it from opening. */
static void test_edited_row_does_not_open(void **state)
{
    registry_fixture *fixture = *state;
    static const char *const edits[] = {
        "UPDATE device SET suite=2 WHERE id='a'",
        "UPDATE device SET suite=0 WHERE id='a'",
        "UPDATE device SET suite=257 WHERE id='a'",
        "UPDATE device SET generation=7 WHERE id='a'",
        "UPDATE device SET generation=-1 WHERE id='a'",
        "UPDATE device SET generation=generation+4294967296 WHERE id='a'",
        "UPDATE device SET next=2 WHERE id='a'",
        "UPDATE device SET next=0 WHERE id='a'",
        "UPDATE device SET next=0, pending=NULL WHERE id='a'",
        "UPDATE device SET next=0, pending=NULL, sealed=substr(sealed, 1, 104) WHERE id='a'",
        "UPDATE device SET next=0, pending=NULL, generation=1 WHERE id='a'",
        "UPDATE device SET next=1, pending=randomblob(32) WHERE id='b'",
        "UPDATE device SET pending=randomblob(32) WHERE id='b'",
        "UPDATE device SET wire='seed' WHERE id='b'",
        "UPDATE device SET wire='seed', suite=0, sealed=substr(sealed, 1, 72) WHERE id='b'",
        "UPDATE device SET sealed=(SELECT sealed FROM device WHERE id='c') WHERE id='b'",
        "UPDATE device SET profile='other' WHERE id='b'",
        "UPDATE device SET sealed=substr(sealed, 1, 103) WHERE id='b'",
    };
    assert_int_equal(add(fixture, "a", 1), MEDSEC_OK);
    assert_int_equal(add(fixture, "b", 2), MEDSEC_OK);
    assert_int_equal(add(fixture, "c", 3), MEDSEC_OK);
    assert_int_equal(rotate(fixture, "a", 4), MEDSEC_OK);
    size_t len;
    medsec_registry_close(fixture->registry);
    char *good = scratch_read(fixture->path, &len);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        medsec_credential got;
        uint64_t rows;
        const char *id = strstr(edits[i], "id='a'") != NULL ? "a" : "b";
        registry_fixture_sql(fixture, edits[i]);
        fixture->registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_WRITE);
        if (medsec_registry_get_credential(fixture->registry, id, &got) != MEDSEC_ERR_CORRUPT ||
            medsec_registry_promote(fixture->registry, id, 1) == MEDSEC_OK ||
            medsec_registry_verify(fixture->registry, &rows) != MEDSEC_ERR_CORRUPT) {
            fail_msg("not found: %s", edits[i]);
        }
        medsec_registry_close(fixture->registry);
        scratch_write(fixture->path, good, len, 0600);
    }
    fixture->registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_WRITE);
    expect(fixture, "a", 4, 0, 1);
    free(good);
}

/* What is not bound into the seal: only the log tells, and a row that was never written. */
static void test_verify_finds_what_the_seal_does_not(void **state)
{
    registry_fixture *fixture = *state;
    static const char *const edits[] = {
        "UPDATE device SET pending=randomblob(32) WHERE id='a'",
        "UPDATE device SET fingerprint=randomblob(32) WHERE id='a'",
        "UPDATE device SET next=1, pending=randomblob(32) WHERE id='gone'",
        "UPDATE device SET next=1 WHERE id='gone'",
        "UPDATE device SET suite=2 WHERE id='gone'",
    };
    medsec_device_info info;
    size_t len;
    uint64_t rows;
    assert_int_equal(add(fixture, "a", 1), MEDSEC_OK);
    assert_int_equal(rotate(fixture, "a", 2), MEDSEC_OK);
    assert_int_equal(add(fixture, "gone", 3), MEDSEC_OK);
    assert_int_equal(medsec_registry_decommission(fixture->registry, "gone"), MEDSEC_OK);
    char *good = scratch_read(fixture->path, &len);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        registry_fixture_sql(fixture, edits[i]);
        registry_fixture_reopen(fixture);
        assert_int_equal(medsec_registry_verify(fixture->registry, &rows), MEDSEC_ERR_CORRUPT);
        bool torn = strstr(edits[i], "next=1") != NULL;
        assert_int_equal(medsec_registry_get(fixture->registry, "gone", &info),
                         torn ? MEDSEC_ERR_CORRUPT : MEDSEC_OK);
        medsec_registry_close(fixture->registry);
        scratch_write(fixture->path, good, len, 0600);
        fixture->registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_WRITE);
    }
    free(good);
}

/* The row from before a promotion, put back whole, opens: only the log tells. */
static void test_verify_finds_an_older_row(void **state)
{
    registry_fixture *fixture = *state;
    uint64_t rows;
    assert_int_equal(add(fixture, "a", 1), MEDSEC_OK);
    assert_int_equal(rotate(fixture, "a", 2), MEDSEC_OK);
    registry_fixture_sql(fixture, "CREATE TABLE kept AS SELECT * FROM device WHERE id='a'");
    assert_int_equal(medsec_registry_promote(fixture->registry, "a", 1), MEDSEC_OK);
    registry_fixture_sql(fixture, "DELETE FROM device WHERE id='a';"
                                  "INSERT INTO device SELECT * FROM kept; DROP TABLE kept");
    assert_int_equal(medsec_registry_verify(fixture->registry, &rows), MEDSEC_ERR_CORRUPT);
}

enum { TEXT_MAX = 512 };

static medsec_status collect(void *context, const medsec_audit_row *row)
{
    char *text = context;
    size_t len = strlen(text);
    snprintf(text + len, TEXT_MAX - len, "%s%s%s %s;", row->action, *row->device ? " " : "",
             row->device, row->detail);
    return MEDSEC_OK;
}

static void test_audit_names_generations(void **state)
{
    registry_fixture *fixture = *state;
    char text[TEXT_MAX] = "";
    assert_int_equal(add(fixture, "a", 1), MEDSEC_OK);
    assert_int_equal(rotate(fixture, "a", 2), MEDSEC_OK);
    assert_int_equal(rotate(fixture, "a", 3), MEDSEC_OK);
    assert_int_equal(medsec_registry_promote(fixture->registry, "a", 2), MEDSEC_OK);
    assert_int_equal(medsec_registry_audit(fixture->registry, collect, text), MEDSEC_OK);
    assert_string_equal(text,
                        "init ;add a medsec/1 A128CBC-HS256 pico-vitals;"
                        "rotate a generation 1;rotate a generation 2;promote a generation 2;");
}

#define FIXED(name) \
    cmocka_unit_test_setup_teardown(name, registry_fixture_setup, registry_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_add_and_get),
        FIXED(test_add_refuses),
        FIXED(test_rotate_then_promote),
        FIXED(test_rotate_again_replaces_what_is_pending),
        FIXED(test_rotate_with_the_same_key),
        FIXED(test_both_credentials),
        FIXED(test_keys_are_unique_also_pending_ones),
        FIXED(test_a_failed_rotation_in_a_batch_leaves_no_trace),
        FIXED(test_rotate_and_promote_refuse),
        FIXED(test_no_secret_is_in_the_file),
        FIXED(test_no_private_key_is_sealed),
        FIXED(test_promote_destroys_what_was_before),
        FIXED(test_edited_row_does_not_open),
        FIXED(test_verify_finds_what_the_seal_does_not),
        FIXED(test_verify_finds_an_older_row),
        FIXED(test_audit_names_generations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
