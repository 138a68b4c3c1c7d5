/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_REGISTRY_H
#define MEDSEC_REGISTRY_H

#include <medsec/aes_cbc.h>
#include <medsec/credential_file.h>
#include <medsec/profile_file.h>

#include <stdbool.h>

/*
 * The registry: which devices exist and what their secrets are, in one SQLite file that several
 * processes may use. Secrets are sealed (XChaCha20-Poly1305) under a key that is not in the
 * file; what describes a device is bound into the seal, so that an edited row does not open. Every
 * change is a row of an audit log, chained by a keyed hash. A registry object belongs to one
 * thread.
 */
typedef struct medsec_registry medsec_registry;

typedef enum medsec_device_state {
    MEDSEC_DEVICE_ACTIVE = 0,
    MEDSEC_DEVICE_REVOKED = 1, /* refused; the secret is kept, so that attempts are recognised */
    MEDSEC_DEVICE_DECOMMISSIONED = 2 /* secret destroyed; the id stays taken */
} medsec_device_state;

/* What may be shown of a device. */
typedef struct medsec_device_info {
    char id[MEDSEC_DEVICE_ID_MAX + 1];
    char profile[MEDSEC_PROFILE_NAME_MAX + 1];
    uint8_t wire; /* medsec_wire */
    uint8_t suite; /* medsec_suite */
    medsec_device_state state;
    uint32_t generation; /* of the secrets in use: the number of the rotation that made them */
    bool rotating; /* others are pending: either is accepted until those were used */
    uint32_t pending_generation; /* of them, when rotating */
    uint64_t created_ms; /* UTC, since 1970 */
    uint64_t changed_ms;
} medsec_device_info;

/* How the sealing key is had: one of the two. */
typedef struct medsec_registry_unlock {
    const char *key_file; /* 0600; created by medsec_registry_create when it is not there */
    const char *passphrase; /* or: Argon2id of this (RFC 9106) */
    size_t passphrase_len;
} medsec_registry_unlock;

typedef enum medsec_registry_mode {
    MEDSEC_REGISTRY_READ,
    MEDSEC_REGISTRY_WRITE
} medsec_registry_mode;

#define MEDSEC_REGISTRY_BUSY_MS 5000u /* how long a call waits for another process's change */
/* The same for promote, which a gateway tries again: it must not miss a revocation meanwhile. */
#define MEDSEC_REGISTRY_PROMOTE_BUSY_MS 50u
#define MEDSEC_PASSPHRASE_MIN 12u /* characters */
#define MEDSEC_KEY_USE_MAX 32u /* characters of what a derived key is for, at least 1 */
#define MEDSEC_ACTOR_MAX 64u /* characters of who made a change */
#define MEDSEC_IMPORT_LINE_MAX 1024u /* characters of a line in a key file */

MEDSEC_BEGIN_DECLS

/* Makes a new registry (mode 0600). ERR_EXISTS; ERR_PERMISSION: the key file is readable by others;
 * ERR_ARGUMENT: no or both ways to unlock, passphrase too short; ERR_IO. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_create(const char *path,
                                                             const medsec_registry_unlock *unlock,
                                                             const char *actor);

/*
 * Opens one. `actor` goes into the audit log with every change (MODE_WRITE; else NULL is fine).
 * ERR_NOT_FOUND, ERR_PERMISSION, ERR_CORRUPT: no registry; ERR_CRYPTO: the wrong key or passphrase.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_open(medsec_registry **registry,
                                                           const char *path,
                                                           const medsec_registry_unlock *unlock,
                                                           medsec_registry_mode mode,
                                                           const char *actor);
MEDSEC_API void medsec_registry_close(medsec_registry *registry);

/* The end of an audit log: note it elsewhere to detect a roll-back. */
#define MEDSEC_AUDIT_HASH_LEN 64u /* characters, hex */
typedef struct medsec_audit_end {
    uint64_t rows;
    char hash[MEDSEC_AUDIT_HASH_LEN + 1];
} medsec_audit_end;

/*
 * A copy of one moment, made while others use the registry and verified (medsec_registry_verify).
 * The file appears whole, on disk, mode 0600, or not at all; a crash may leave a `.new-` file
 * beside it. It holds secrets as sealed as they are; the key is not in it. ERR_EXISTS: it never
 * overwrites; ERR_CORRUPT; ERR_BUSY; ERR_STATE: a batch is open; ERR_IO.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_backup(medsec_registry *registry,
                                                             const char *path,
                                                             medsec_audit_end *end);

#define MEDSEC_RESTORE_OLDER 1u /* although changes that are here are not in the copy */
#define MEDSEC_KEPT_MAX 4096u /* bytes of a path, with NUL */

typedef struct medsec_restored {
    medsec_audit_end now;
    medsec_audit_end before; /* rows 0: no registry was there, or it could not be read */
    char kept[MEDSEC_KEPT_MAX]; /* where what was replaced is now; "": nothing was there */
    char why[256]; /* a sentence for the operator after a failure */
} medsec_restored;

/*
 * Puts a copy in a registry's place, once it is verified and no change is lost: the log of what is
 * there must be the beginning of the copy's. Who has the registry open sees the new one
 * (medsec_registry_changed), and no change of theirs falls between the two. What was there is kept
 * beside it under another name; owner and mode stay. All or nothing, also when the machine stops.
 * ERR_STATE: changes would be lost, or what is there cannot be read so that nobody can tell;
 * ERR_NOT_FOUND: no copy; ERR_CRYPTO: not this key's; ERR_CORRUPT: damaged; ERR_ARGUMENT: the two
 * are one file; ERR_PERMISSION; ERR_BUSY; ERR_IO.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_restore(const char *path,
                                                              const medsec_registry_unlock *unlock,
                                                              const char *copy, unsigned flags,
                                                              medsec_restored *result);

/* A key for another use of whoever has the registry's: `use` names it. The same
 * for the same registry and use, whatever is in it. ERR_ARGUMENT. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_derive_key(const medsec_registry *registry,
                                                                 uint8_t key[32], const char *use);

/* A sentence about the last failure, for the operator; no secret in it. Never NULL. */
MEDSEC_API const char *medsec_registry_error(const medsec_registry *registry);

/* Many changes as one: all or none, and fast. ERR_BUSY. An open batch that is closed is undone. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_begin(medsec_registry *registry);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_commit(medsec_registry *registry);

#define MEDSEC_ADD_ALLOW_SAMPLE_KEY 1u /* take the seed's published sample keys all the same */

/*
 * Adds a device. ERR_EXISTS: that id is or was there, or another device has that key;
 * ERR_SAMPLE_KEY; ERR_DEVICE_ID; ERR_ARGUMENT: key or iv not printable, a suite that is none. A
 * device's private key is not kept, whatever the credential holds.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_add(medsec_registry *registry,
                                                          const medsec_credential *credential,
                                                          unsigned flags);

/* ERR_NOT_FOUND. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_get(medsec_registry *registry, const char *id,
                                                          medsec_device_info *info);

/* The secret, for export; on medsec/1 without the device's private key, with the pending psk and
 * public key in place of those in use when there are such, and with the gateway's key in use.
 * ERR_NOT_FOUND; ERR_REVOKED: decommissioned; ERR_CORRUPT: does not open. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_get_credential(medsec_registry *registry,
                                                                     const char *id,
                                                                     medsec_credential *credential);

/* The same with both secrets of a device that rotates: in use, then pending; *count is 1 or 2. What
 * is not given is zero. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_get_credentials(
    medsec_registry *registry, const char *id, medsec_credential credentials[2], size_t *count);

/* In order of id. Anything but OK from `each` stops and is returned. */
typedef medsec_status medsec_device_fn(void *context, const medsec_device_info *info);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_list(medsec_registry *registry,
                                                           medsec_device_fn *each, void *context);

/* ERR_NOT_FOUND; ERR_REVOKED: it is so already. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_revoke(medsec_registry *registry,
                                                             const char *id);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_decommission(medsec_registry *registry,
                                                                   const char *id);

/*
 * Rotation in two phases, medsec/1 only. rotate: the credential's psk and public key (the same as
 * before, or another) become pending beside those in use, instead of what was pending. promote: the
 * pending ones are the only ones from now on, and the old ones are destroyed; a gateway does that
 * when a device first uses them. ERR_NOT_FOUND; ERR_REVOKED; ERR_STATE: a seed device, or (promote)
 * nothing of that generation is pending; ERR_EXISTS: another device has that key; ERR_ARGUMENT:
 * no medsec/1 credential, or another suite or profile than the device has.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_rotate(medsec_registry *registry,
                                                             const medsec_credential *credential);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_promote(medsec_registry *registry,
                                                              const char *id, uint32_t generation);

/*
 * The gateway's key pair, which every gateway of this registry uses and every device pins. It is
 * made with the registry (in an older one, when it is first opened with MODE_WRITE). After rotate
 * both the new and the one before are accepted, so that devices can be given new credentials one by
 * one; retire ends that. public: the one in use, then the one before it; *count is 1 or 2.
 * ERR_NOT_FOUND: an older registry has none yet; ERR_CORRUPT: altered.
 * rotate: ERR_STATE: the one before is not retired. retire: ERR_STATE: there is none.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_gateway_public(
    medsec_registry *registry, uint8_t public_key[2][MEDSEC_X25519_LEN], size_t *count);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_gateway_rotate(medsec_registry *registry);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_gateway_retire(medsec_registry *registry);

/*
 * One line of the seed's DEVICES_KEYS.txt: {"id":"..","key":"..","iv":".."}. ERR_NOT_FOUND: a blank
 * or comment line. ERR_SYNTAX; ERR_DEVICE_ID; ERR_ARGUMENT: key or iv not 16 characters; ERR_LIMIT.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_import_line(medsec_credential *credential,
                                                         const char *line, size_t len);

typedef struct medsec_import_result {
    size_t added;
    size_t blank; /* blank and comment lines */
    size_t refused;
} medsec_import_result;

/* Called for each line that was refused. */
typedef void medsec_import_fn(void *context, size_t line, const char *id, medsec_status reason);

/*
 * Imports such a text as one change: good lines are added, bad ones reported and counted.
 * An error is only what stopped it all (ERR_IO, ERR_BUSY); then nothing was added.
 */
MEDSEC_API MEDSEC_CHECK medsec_status
medsec_registry_import(medsec_registry *registry, const char *text, size_t len, unsigned flags,
                       medsec_import_fn *refused, void *context, medsec_import_result *result);

/* One row of the audit log. */
typedef struct medsec_audit_row {
    uint64_t number; /* 1, 2, 3 ... */
    uint64_t time_ms;
    const char *actor;
    const char *action; /* init, add, import, revoke, decommission, export, setup-key, rotate,
                           promote, gateway-key, gateway-key-retire */
    const char *device; /* "" when it is about none: init, gateway-key... */
    const char *detail; /* wire, suite and profile of what was added, generation of a rotation */
    const char *hash; /* of the chain up to here, hex: note it elsewhere to detect a roll-back */
} medsec_audit_row;

typedef medsec_status medsec_audit_fn(void *context, const medsec_audit_row *row);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_audit(medsec_registry *registry,
                                                            medsec_audit_fn *each, void *context);

/* Note in the log that a secret left the registry: a device's credential, or its setup key. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_note_export(medsec_registry *registry,
                                                                  const char *id);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_note_setup_key(medsec_registry *registry,
                                                                     const char *id);

/*
 * Recomputes the chain and compares every device's row, and the gateway's keys, with what the log
 * says of them. ERR_CORRUPT:
 * medsec_registry_error names the first row that is not as it was written. *rows is the number
 * verified.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_registry_verify(medsec_registry *registry,
                                                             uint64_t *rows);

/* True when another connection changed the file since the last call, or it was replaced or cannot
 * be read. Cheap. */
MEDSEC_API bool medsec_registry_changed(medsec_registry *registry);

/*
 * A directory: all devices of one moment, secrets unsealed into locked memory, read-only and
 * shared by threads. Counted references; the last one wipes it. `profiles` must outlive it.
 */
typedef struct medsec_directory medsec_directory;

typedef struct medsec_directory_entry {
    char id[MEDSEC_DEVICE_ID_MAX + 1];
    uint8_t state; /* medsec_device_state */
    uint8_t wire; /* medsec_wire */
    uint8_t suite; /* medsec_suite */
    uint32_t generation[2]; /* of what is in use, and pending; no two rotations have the same */
    const medsec_profile *profile;
    /* In the locked block. seed: */
    const uint8_t *key; /* MEDSEC_AES128_KEY_LEN bytes */
    const uint8_t *iv; /* MEDSEC_AES_BLOCK_LEN bytes */
    /* medsec/1: in use, and pending (NULL when nothing is); each key with its psk */
    const uint8_t *public_key[2]; /* MEDSEC_X25519_LEN bytes; the two may be equal */
    const uint8_t *psk[2]; /* MEDSEC_PSK_LEN bytes */
} medsec_directory_entry;

/* Rows that do not open or whose profile is unknown are left out and counted in *skipped, and so
 * are gateway keys that do not open. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_directory_load(medsec_directory **directory,
                                                            medsec_registry *registry,
                                                            const medsec_profile_set *profiles,
                                                            size_t *skipped);
MEDSEC_API medsec_directory *medsec_directory_ref(medsec_directory *directory);
MEDSEC_API void medsec_directory_unref(medsec_directory *directory);
MEDSEC_API size_t medsec_directory_count(const medsec_directory *directory);
/* The number in the audit log of the last change that it has seen. */
MEDSEC_API uint64_t medsec_directory_last_change(const medsec_directory *directory);

/* False when the system did not let the secrets be locked (RLIMIT_MEMLOCK; asked for are 32 bytes a
 * seed device, 64 a medsec/1 device, 128 while it rotates, and 64 a gateway key): all works, yet
 * they may reach the swap space. Worth a warning. */
MEDSEC_API bool medsec_directory_locked(const medsec_directory *directory);

/* By id; NULL when there is none (decommissioned devices are not in it). */
MEDSEC_API const medsec_directory_entry *medsec_directory_find(const medsec_directory *directory,
                                                               const char *id);

/* The gateway's key pairs, in the locked block: the one in use, then the one before it. None (and
 * one more skipped) when they do not open; none in an older registry. */
MEDSEC_API const medsec_keypair *medsec_directory_gateway_keys(const medsec_directory *directory,
                                                               size_t *count);

/* The medsec/1 device that has this public key, in use or pending; NULL: nobody. The place is found
 * by a keyed hash whose key is random, and compared in constant time. */
MEDSEC_API const medsec_directory_entry *medsec_directory_find_public(
    const medsec_directory *directory, const uint8_t public_key[MEDSEC_X25519_LEN]);

/*
 * True when it is a seed device whose key turns this first block of a stream into the beginning of
 * a reading. `aes` is the caller's open decrypting context, whose key is overwritten.
 */
MEDSEC_API bool medsec_directory_opens(const medsec_directory_entry *entry, medsec_aes_cbc *aes,
                                       const uint8_t block[MEDSEC_AES_BLOCK_LEN]);

/*
 * Who has the key that opens this first block of a seed stream? `hint` (may be NULL) is tried
 * first. `aes` is the caller's open decrypting context, whose key is overwritten. NULL: nobody.
 */
MEDSEC_API const medsec_directory_entry *medsec_directory_identify(
    const medsec_directory *directory, medsec_aes_cbc *aes,
    const uint8_t block[MEDSEC_AES_BLOCK_LEN], const char *hint);

MEDSEC_END_DECLS

#endif
