/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_HOST_STORE_H
#define MEDSEC_HOST_STORE_H

#include <medsec/registry.h>

#include "seal.h"

#include <sqlite3.h>
#include <sys/types.h>
#include <time.h>

/* What the files of the registry share: the object, its statements, its changes. */

/* A device's secret. Seed: key, IV. medsec/1: public key, psk; and, while it rotates, the next. */
#define MEDSEC__SEED_SECRET_LEN (MEDSEC_AES128_KEY_LEN + MEDSEC_AES_BLOCK_LEN)
#define MEDSEC__MEDSEC1_SECRET_LEN (MEDSEC_X25519_LEN + MEDSEC_PSK_LEN)
#define MEDSEC__SECRET_MAX (2u * MEDSEC__MEDSEC1_SECRET_LEN)
#define MEDSEC__DETAIL_MAX 64u /* of a row of the audit log, with NUL */

/* Every statement there is; texts in store.c. */
typedef enum medsec__sql {
    MEDSEC__SQL_BEGIN_READ,
    MEDSEC__SQL_BEGIN_WRITE,
    MEDSEC__SQL_COMMIT,
    MEDSEC__SQL_ROLLBACK,
    MEDSEC__SQL_DATA_VERSION,
    MEDSEC__SQL_META_GET,
    MEDSEC__SQL_META_SET,
    MEDSEC__SQL_DEVICE_ADD,
    MEDSEC__SQL_DEVICE_UPDATE,
    MEDSEC__SQL_DEVICE_GET,
    MEDSEC__SQL_DEVICE_LIST,
    MEDSEC__SQL_DEVICE_COUNT,
    MEDSEC__SQL_SECRETS_LEN,
    MEDSEC__SQL_FINGERPRINT_FIND,
    MEDSEC__SQL_AUDIT_ADD,
    MEDSEC__SQL_AUDIT_LIST,
    MEDSEC__SQL_AUDIT_LAST,
    MEDSEC__SQL_AUDIT_HASH,
    MEDSEC__SQL_COUNT
} medsec__sql;

/* The end of the audit log. */
typedef struct medsec__head {
    uint64_t rows;
    uint8_t hash[MEDSEC__HASH_LEN];
} medsec__head;

struct medsec_registry {
    sqlite3 *db;
    sqlite3_stmt *statements[MEDSEC__SQL_COUNT];
    medsec__keys *keys;
    char *path;
    char *key_file; /* NULL: passphrase */
    medsec_registry_mode mode;
    bool old; /* the file was of an older format when it was opened */
    char actor[MEDSEC_ACTOR_MAX + 1];
    bool batch; /* between begin and commit */
    bool broken; /* the batch was undone by a failure */
    medsec__head head; /* valid while something is being changed */
    bool reopened; /* since medsec_registry_changed was asked last */
    int64_t version; /* of the data, as another connection's commit changes it */
    struct timespec modified; /* the file, when its version was last asked for */
    bool settled; /* it was modified well before that, so the next commit shows in the time */
    dev_t device; /* which file is open */
    ino_t inode;
    char error[256];
};

/* Notes a sentence for the operator and returns `status`. */
medsec_status medsec__fail(medsec_registry *registry, medsec_status status, const char *format, ...)
    MEDSEC_PRINTF(3, 4);

/* The status for an SQLite result, noted. */
medsec_status medsec__fail_sqlite(medsec_registry *registry, int result);

/* The status that goes with an SQLite result. */
medsec_status medsec__sqlite_status(int result);

/* Opens the file and checks that it is a registry. `registry->path` and `mode` are set. */
MEDSEC_CHECK medsec_status medsec__store_open(medsec_registry *registry);
void medsec__store_close(medsec_registry *registry);

/* Whether what is open is a registry. */
MEDSEC_CHECK medsec_status medsec__store_check(medsec_registry *registry);

/* Makes an empty one in the file at `path`, which is there and empty. */
MEDSEC_CHECK medsec_status medsec__store_create(medsec_registry *registry);

/* Brings the tables of an older format to this one, within a change; `*due` says whether there was
 * anything to do (another process may have been faster). */
MEDSEC_CHECK medsec_status medsec__store_upgrade(medsec_registry *registry, bool *due);

/* A kept statement, reset; NULL after a failure (noted). Bind, step, then medsec__done. */
sqlite3_stmt *medsec__statement(medsec_registry *registry, medsec__sql sql);

/* Steps to a row: OK; ERR_NOT_FOUND: no more; else noted. */
MEDSEC_CHECK medsec_status medsec__row(medsec_registry *registry, sqlite3_stmt *statement);

/* Steps a statement that gives no rows, and resets it. */
MEDSEC_CHECK medsec_status medsec__run(medsec_registry *registry, sqlite3_stmt *statement);

/* Ends a look: resets and lets go of what was bound. */
void medsec__done(sqlite3_stmt *statement);

/* The one number that a statement without parameters gives. */
MEDSEC_CHECK medsec_status medsec__number(medsec_registry *registry, medsec__sql sql,
                                          int64_t *number);

/* One fixed statement without parameters. */
MEDSEC_CHECK medsec_status medsec__exec(medsec_registry *registry, medsec__sql sql);

void medsec__bind_text(sqlite3_stmt *statement, int index, const char *text);
void medsec__bind_blob(sqlite3_stmt *statement, int index, const void *data, size_t len);

/* Texts and blobs of a row, which may hold anything. `len` must match: else ERR_CORRUPT. */
MEDSEC_CHECK medsec_status medsec__column_text(char *out, size_t cap, sqlite3_stmt *statement,
                                               int column);
MEDSEC_CHECK medsec_status medsec__column_blob(uint8_t *out, size_t len, sqlite3_stmt *statement,
                                               int column);

MEDSEC_CHECK medsec_status medsec__meta_get(medsec_registry *registry, const char *name,
                                            uint8_t *out, size_t len);
MEDSEC_CHECK medsec_status medsec__meta_set(medsec_registry *registry, const char *name,
                                            const uint8_t *data, size_t len);

/*
 * A change: begin takes the file for writing, unless a batch has it already; end keeps or undoes
 * it by `status`, which it returns, or the failure to keep it.
 */
MEDSEC_CHECK medsec_status medsec__change_begin(medsec_registry *registry);
MEDSEC_CHECK medsec_status medsec__change_end(medsec_registry *registry, medsec_status status);

/* One moment of the file for several looks. */
MEDSEC_CHECK medsec_status medsec__look_begin(medsec_registry *registry);
void medsec__look_end(medsec_registry *registry);

uint64_t medsec__now_ms(void);

/* True when another file is in the place of the one that is open, or none. */
bool medsec__is_replaced(const medsec_registry *registry);

/* Ready to be used: reopens a file that was replaced. ERR_ARGUMENT for NULL. */
MEDSEC_CHECK medsec_status medsec__ready(medsec_registry *registry);

/* A device's row. */
typedef struct medsec__device {
    medsec_device_info info;
    bool has_secret; /* false: decommissioned */
    uint8_t fingerprint[MEDSEC__HASH_LEN];
    uint8_t pending[MEDSEC__HASH_LEN]; /* fingerprint of the pending key, when rotating */
    uint8_t sealed[MEDSEC__SECRET_MAX + MEDSEC__SEAL_EXTRA];
} medsec__device;

/* From a row of DEVICE_GET or DEVICE_LIST. ERR_CORRUPT: no such row was ever written. */
MEDSEC_CHECK medsec_status medsec__device_read(medsec__device *device, sqlite3_stmt *statement);

/* Runs DEVICE_ADD or DEVICE_UPDATE. */
MEDSEC_CHECK medsec_status medsec__device_store(medsec_registry *registry, medsec__sql sql,
                                                const medsec__device *device);

/* By id, within whatever is open. ERR_NOT_FOUND, ERR_CORRUPT. */
MEDSEC_CHECK medsec_status medsec__device_get(medsec_registry *registry, const char *id,
                                              medsec__device *device);

/* Bytes of its secret, by wire and whether it rotates; at most MEDSEC__SECRET_MAX. */
size_t medsec__secret_len(const medsec_device_info *info);

/* Seals the secret, bound to device->info as it is, and makes the fingerprints. */
void medsec__device_seal(medsec__device *device, const medsec__keys *keys, const uint8_t *secret);

/* ERR_CORRUPT: altered. */
MEDSEC_CHECK medsec_status medsec__device_unseal(uint8_t *secret, const medsec__keys *keys,
                                                 const medsec__device *device);

/* Between a credential and MEDSEC__MEDSEC1_SECRET_LEN bytes of a secret. */
void medsec__secret_pack(uint8_t *secret, const medsec_credential *credential);
void medsec__secret_unpack(medsec_credential *credential, const uint8_t *secret);

/* Hash of all of a row: what the audit log keeps of it. */
void medsec__device_digest(uint8_t digest[MEDSEC__HASH_LEN], const medsec__keys *keys,
                           const medsec__device *device);

/* ERR_EXISTS: a device other than `id` has the key of this fingerprint, in use or pending. */
MEDSEC_CHECK medsec_status medsec__device_check_key(medsec_registry *registry, const char *id,
                                                    const uint8_t fingerprint[MEDSEC__HASH_LEN]);

/* medsec_registry_add within a change, under another action. */
MEDSEC_CHECK medsec_status medsec__device_add(medsec_registry *registry,
                                              const medsec_credential *credential, unsigned flags,
                                              const char *action);

/* One change of one device: `edit` alters the row, and may write what the log adds to `action`. */
typedef medsec_status medsec__edit(medsec_registry *registry, medsec__device *device,
                                   const void *context, char detail[MEDSEC__DETAIL_MAX]);
MEDSEC_CHECK medsec_status medsec__device_change(medsec_registry *registry, const char *id,
                                                 const char *action, medsec__edit *edit,
                                                 const void *context);

/* The gateway's key pairs, the one in use first. */
typedef struct medsec__gateway_keys {
    size_t count;
    medsec_keypair pair[2];
} medsec__gateway_keys;

/* ERR_NOT_FOUND: an older registry; ERR_CORRUPT: altered. Noted. Wipe them. */
MEDSEC_CHECK medsec_status medsec__gateway_load(medsec_registry *registry,
                                                medsec__gateway_keys *keys);

/* The public key in use. */
MEDSEC_CHECK medsec_status medsec__gateway_public(medsec_registry *registry,
                                                  uint8_t public_key[MEDSEC_X25519_LEN]);

/* Makes the first pair and notes it in the log under `action`, within a change. */
MEDSEC_CHECK medsec_status medsec__gateway_create(medsec_registry *registry, const char *action);

/* Hash of what the file has of them, for the audit log. ERR_NOT_FOUND, ERR_CORRUPT. */
MEDSEC_CHECK medsec_status medsec__gateway_digest(medsec_registry *registry,
                                                  uint8_t digest[MEDSEC__HASH_LEN]);

/* Adds to the log within a change. `digest` is of what `id`, or the gateway for "", has now; NULL:
 * that did not change. */
MEDSEC_CHECK medsec_status medsec__audit_append(medsec_registry *registry, const char *action,
                                                const char *id, const char *detail,
                                                const uint8_t *digest);

/* For whoever looks from outside. */
void medsec__audit_end(medsec_audit_end *end, const medsec__head *head);

/* Head of the log, authenticated. ERR_CORRUPT. */
MEDSEC_CHECK medsec_status medsec__head_load(medsec_registry *registry);
MEDSEC_CHECK medsec_status medsec__head_save(medsec_registry *registry);

#endif
