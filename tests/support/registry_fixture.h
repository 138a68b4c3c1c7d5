/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TEST_REGISTRY_FIXTURE_H
#define MEDSEC_TEST_REGISTRY_FIXTURE_H

#include "scratch.h"

#include <medsec/registry.h>

/* A new registry in a folder of its own, open for writing as "tester". */
typedef struct registry_fixture {
    scratch files;
    char path[256];
    char key_file[256];
    medsec_registry *registry;
} registry_fixture;

/* For cmocka: *state is the fixture. */
int registry_fixture_setup(void **state);
int registry_fixture_teardown(void **state);

/* The registry of format 1 in tests/vectors, not open: fixture->registry is NULL. */
int registry_fixture_setup_format_1(void **state);

medsec_registry *registry_fixture_open(const registry_fixture *fixture, medsec_registry_mode mode);

/* Closes and opens again, so that nothing is remembered but the file. */
void registry_fixture_reopen(registry_fixture *fixture);

/* Runs SQL on the file, as somebody with a hex editor and much patience would. */
void registry_fixture_sql(const registry_fixture *fixture, const char *sql);

/* The one blob that a query gives; its length, at most `cap`. */
size_t registry_fixture_blob(const registry_fixture *fixture, const char *sql, uint8_t *out,
                             size_t cap);

/* Fails when eight bytes of this in a row are anywhere in the file. */
void registry_fixture_refuse(const registry_fixture *fixture, const void *bytes, size_t len);

/* A credential whose key and IV are derived from `number`, none of them a sample key. */
medsec_credential registry_fixture_credential(const char *id, unsigned number);

/* The same for medsec/1: private key and psk from `number`; the gateway's key is nobody's. */
medsec_credential registry_fixture_medsec1(const char *id, unsigned number);

#endif
