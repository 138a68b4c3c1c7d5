/* SPDX-License-Identifier: Apache-2.0 */
#include "audit.h"

#include <medsec/hex.h>

#include <string.h>

/* In the file: rows u64 || hash of the last || MAC. */
#define HEAD_LEN (8u + 2u * MEDSEC__HASH_LEN)

static void head_mac(uint8_t mac[MEDSEC__HASH_LEN], const medsec__keys *keys,
                     const medsec__head *head)
{
    medsec__hash hash;
    medsec__hash_begin(&hash, keys->head);
    medsec__hash_number(&hash, head->rows);
    medsec__hash_bytes(&hash, head->hash, sizeof head->hash);
    medsec__hash_end(&hash, mac);
}

medsec_status medsec__head_load(medsec_registry *registry)
{
    uint8_t record[HEAD_LEN];
    uint8_t mac[MEDSEC__HASH_LEN];
    medsec_status status = medsec__meta_get(registry, "head", record, sizeof record);
    if (status != MEDSEC_OK && status != MEDSEC_ERR_NOT_FOUND && status != MEDSEC_ERR_CORRUPT) {
        return status;
    }
    if (status == MEDSEC_OK) {
        registry->head.rows = medsec__get_u64(record);
        memcpy(registry->head.hash, record + 8, MEDSEC__HASH_LEN);
        head_mac(mac, registry->keys, &registry->head);
    }
    if (status != MEDSEC_OK || sodium_memcmp(mac, record + 8 + MEDSEC__HASH_LEN, sizeof mac) != 0) {
        return medsec__fail(registry, MEDSEC_ERR_CORRUPT, "the head of the audit log was altered");
    }
    return MEDSEC_OK;
}

medsec_status medsec__head_save(medsec_registry *registry)
{
    uint8_t record[HEAD_LEN];
    medsec__put_u64(record, registry->head.rows);
    memcpy(record + 8, registry->head.hash, MEDSEC__HASH_LEN);
    head_mac(record + 8 + MEDSEC__HASH_LEN, registry->keys, &registry->head);
    return medsec__meta_set(registry, "head", record, sizeof record);
}

void medsec__audit_end(medsec_audit_end *end, const medsec__head *head)
{
    end->rows = head->rows;
    medsec_hex_encode(end->hash, head->hash, sizeof head->hash);
    end->hash[MEDSEC_AUDIT_HASH_LEN] = '\0';
}

void medsec__audit_hash(uint8_t out[MEDSEC__HASH_LEN], const medsec__keys *keys,
                        const uint8_t previous[MEDSEC__HASH_LEN], const medsec__audit_entry *entry)
{
    medsec__hash hash;
    medsec__hash_begin(&hash, keys->chain);
    medsec__hash_bytes(&hash, previous, MEDSEC__HASH_LEN);
    medsec__hash_number(&hash, entry->number);
    medsec__hash_number(&hash, entry->time_ms);
    medsec__hash_text(&hash, entry->actor);
    medsec__hash_text(&hash, entry->action);
    medsec__hash_text(&hash, entry->device);
    medsec__hash_text(&hash, entry->detail);
    medsec__hash_bytes(&hash, entry->digest, entry->has_digest ? MEDSEC__HASH_LEN : 0);
    medsec__hash_end(&hash, out);
}

static medsec_status insert(medsec_registry *registry, const medsec__audit_entry *entry)
{
    sqlite3_stmt *statement = medsec__statement(registry, MEDSEC__SQL_AUDIT_ADD);
    if (statement == NULL) {
        return MEDSEC_ERR_CORRUPT;
    }
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)entry->number);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)entry->time_ms);
    medsec__bind_text(statement, 3, entry->actor);
    medsec__bind_text(statement, 4, entry->action);
    medsec__bind_text(statement, 5, entry->device);
    medsec__bind_text(statement, 6, entry->detail);
    if (entry->has_digest) {
        medsec__bind_blob(statement, 7, entry->digest, sizeof entry->digest);
    }
    medsec__bind_blob(statement, 8, entry->hash, sizeof entry->hash);
    return medsec__run(registry, statement);
}

medsec_status medsec__audit_append(medsec_registry *registry, const char *action, const char *id,
                                   const char *detail, const uint8_t *digest)
{
    medsec__audit_entry entry = {.number = registry->head.rows + 1,
                                 .time_ms = medsec__now_ms(),
                                 .actor = registry->actor,
                                 .action = action,
                                 .device = id,
                                 .detail = detail,
                                 .has_digest = digest != NULL};
    if (digest != NULL) {
        memcpy(entry.digest, digest, sizeof entry.digest);
    }
    medsec__audit_hash(entry.hash, registry->keys, registry->head.hash, &entry);
    medsec_status status = insert(registry, &entry);
    if (status == MEDSEC_OK) {
        registry->head.rows = entry.number;
        memcpy(registry->head.hash, entry.hash, sizeof entry.hash);
    }
    return status;
}

/* Texts point into the row: valid until the next step. */
static medsec_status read_text(const char **text, sqlite3_stmt *statement, int column)
{
    *text = (const char *)sqlite3_column_text(statement, column);
    if (*text == NULL || strlen(*text) != (size_t)sqlite3_column_bytes(statement, column)) {
        return MEDSEC_ERR_CORRUPT;
    }
    return MEDSEC_OK;
}

medsec_status medsec__audit_read(medsec__audit_entry *entry, sqlite3_stmt *statement)
{
    entry->number = (uint64_t)sqlite3_column_int64(statement, 0);
    entry->time_ms = (uint64_t)sqlite3_column_int64(statement, 1);
    entry->has_digest = sqlite3_column_type(statement, 6) != SQLITE_NULL;
    if (read_text(&entry->actor, statement, 2) != MEDSEC_OK ||
        read_text(&entry->action, statement, 3) != MEDSEC_OK ||
        read_text(&entry->device, statement, 4) != MEDSEC_OK ||
        read_text(&entry->detail, statement, 5) != MEDSEC_OK) {
        return MEDSEC_ERR_CORRUPT;
    }
    if (entry->has_digest &&
        medsec__column_blob(entry->digest, sizeof entry->digest, statement, 6) != MEDSEC_OK) {
        return MEDSEC_ERR_CORRUPT;
    }
    return medsec__column_blob(entry->hash, sizeof entry->hash, statement, 7);
}

static medsec_status report(medsec_registry *registry, sqlite3_stmt *statement,
                            medsec_audit_fn *each, void *context)
{
    medsec__audit_entry entry;
    if (medsec__audit_read(&entry, statement) != MEDSEC_OK) {
        return medsec__fail(registry, MEDSEC_ERR_CORRUPT, "a row of the audit log was altered");
    }
    char hash[2 * MEDSEC__HASH_LEN + 1] = {0};
    medsec_hex_encode(hash, entry.hash, sizeof entry.hash);
    const medsec_audit_row row = {.number = entry.number,
                                  .time_ms = entry.time_ms,
                                  .actor = entry.actor,
                                  .action = entry.action,
                                  .device = entry.device,
                                  .detail = entry.detail,
                                  .hash = hash};
    return each(context, &row);
}

medsec_status medsec_registry_audit(medsec_registry *registry, medsec_audit_fn *each, void *context)
{
    medsec_status status = medsec__ready(registry);
    if (status != MEDSEC_OK || each == NULL) {
        return status == MEDSEC_OK ? MEDSEC_ERR_ARGUMENT : status;
    }
    sqlite3_stmt *statement = medsec__statement(registry, MEDSEC__SQL_AUDIT_LIST);
    if (statement == NULL) {
        return MEDSEC_ERR_CORRUPT;
    }
    while ((status = medsec__row(registry, statement)) == MEDSEC_OK) {
        status = report(registry, statement, each, context);
        if (status != MEDSEC_OK) {
            medsec__done(statement);
            return status;
        }
    }
    medsec__done(statement);
    return status == MEDSEC_ERR_NOT_FOUND ? MEDSEC_OK : status;
}

static medsec_status note(medsec_registry *registry, const char *id, const char *action)
{
    medsec__device device;
    medsec_status status = medsec__change_begin(registry);
    if (status != MEDSEC_OK) {
        return status;
    }
    status = medsec__device_get(registry, id, &device);
    if (status == MEDSEC_OK) {
        status = medsec__audit_append(registry, action, id, "", NULL);
    }
    return medsec__change_end(registry, status);
}

medsec_status medsec_registry_note_export(medsec_registry *registry, const char *id)
{
    return note(registry, id, "export");
}

medsec_status medsec_registry_note_setup_key(medsec_registry *registry, const char *id)
{
    return note(registry, id, "setup-key");
}
