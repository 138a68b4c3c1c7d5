/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include "flat_json.h"

#include <medsec/topic.h>

#include <string.h>

typedef struct line_text {
    char id[MEDSEC_DEVICE_ID_MAX + 1];
    char key[MEDSEC_AES128_KEY_LEN + 1];
    char iv[MEDSEC_AES_BLOCK_LEN + 1];
} line_text;

static bool is_blank(const char *line, size_t len)
{
    size_t i = 0;
    while (i < len && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r')) {
        i++;
    }
    return i == len || line[i] == '#' || (line[i] == '/' && i + 1 < len && line[i + 1] == '/');
}

static medsec_status parse_text(line_text *text, const char *line, size_t len)
{
    medsec__member members[] = {
        {.name = "id", .value = text->id, .cap = sizeof text->id},
        {.name = "key", .value = text->key, .cap = sizeof text->key},
        {.name = "iv", .value = text->iv, .cap = sizeof text->iv},
    };
    medsec_status status = medsec__flat_json_parse(members, 3, line, len);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (!members[0].given || !members[1].given || !members[2].given) {
        return MEDSEC_ERR_SYNTAX;
    }
    status =
        medsec_device_id_check(text->id, members[0].len < sizeof text->id ? members[0].len : 0);
    if (status != MEDSEC_OK) {
        return status;
    }
    bool sized = members[1].len == MEDSEC_AES128_KEY_LEN && members[2].len == MEDSEC_AES_BLOCK_LEN;
    return sized ? MEDSEC_OK : MEDSEC_ERR_ARGUMENT;
}

/* `id` (of MEDSEC_DEVICE_ID_MAX + 1) is what the line gave, also when it is refused. */
static medsec_status parse_line(medsec_credential *credential, char *id, const char *line,
                                size_t len)
{
    medsec_credential_wipe(credential);
    id[0] = '\0';
    if (is_blank(line, len)) {
        return MEDSEC_ERR_NOT_FOUND;
    }
    if (len > MEDSEC_IMPORT_LINE_MAX) {
        return MEDSEC_ERR_LIMIT;
    }
    line_text text = {0};
    medsec_status status = parse_text(&text, line, len);
    memcpy(id, text.id, sizeof text.id);
    if (status == MEDSEC_OK) {
        memcpy(credential->device, text.id, sizeof text.id);
        memcpy(credential->profile, MEDSEC_PROFILE_DEFAULT, sizeof MEDSEC_PROFILE_DEFAULT);
        credential->wire = MEDSEC_WIRE_SEED;
        memcpy(credential->key, text.key, sizeof credential->key);
        memcpy(credential->iv, text.iv, sizeof credential->iv);
    }
    sodium_memzero(&text, sizeof text);
    return status;
}

medsec_status medsec_import_line(medsec_credential *credential, const char *line, size_t len)
{
    char id[MEDSEC_DEVICE_ID_MAX + 1];
    if (credential == NULL || (line == NULL && len > 0)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    return parse_line(credential, id, line, len);
}

typedef struct import {
    medsec_registry *registry;
    unsigned flags;
    medsec_import_fn *refused;
    void *context;
    medsec_import_result result;
} import;

/* What concerns this line alone, and not the registry. */
static bool is_refusal(medsec_status status)
{
    return status == MEDSEC_ERR_SYNTAX || status == MEDSEC_ERR_DUPLICATE ||
           status == MEDSEC_ERR_DEVICE_ID || status == MEDSEC_ERR_ARGUMENT ||
           status == MEDSEC_ERR_LIMIT || status == MEDSEC_ERR_EXISTS ||
           status == MEDSEC_ERR_SAMPLE_KEY;
}

static medsec_status import_one(import *work, size_t number, const char *line, size_t len)
{
    medsec_credential credential;
    char id[MEDSEC_DEVICE_ID_MAX + 1];
    medsec_status status = parse_line(&credential, id, line, len);
    if (status == MEDSEC_ERR_NOT_FOUND) {
        work->result.blank++;
        return MEDSEC_OK;
    }
    if (status != MEDSEC_OK) {
        (void)medsec__fail(work->registry, status, "%s",
                           status == MEDSEC_ERR_ARGUMENT ? "key and IV must have 16 characters"
                                                         : medsec_strerror(status));
    } else {
        status = medsec__device_add(work->registry, &credential, work->flags, "import");
    }
    medsec_credential_wipe(&credential);
    if (status == MEDSEC_OK) {
        work->result.added++;
        return MEDSEC_OK;
    }
    if (!is_refusal(status)) {
        return status;
    }
    work->result.refused++;
    if (work->refused != NULL) {
        work->refused(work->context, number, id, status);
    }
    return MEDSEC_OK;
}

static medsec_status import_all(import *work, const char *text, size_t len)
{
    const char *end = text + len;
    for (size_t number = 1; text < end; number++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t line_len = (size_t)((stop == NULL ? end : stop) - text);
        medsec_status status = import_one(work, number, text, line_len);
        if (status != MEDSEC_OK) {
            return status;
        }
        text += line_len + (stop == NULL ? 0 : 1);
    }
    return MEDSEC_OK;
}

medsec_status medsec_registry_import(medsec_registry *registry, const char *text, size_t len,
                                     unsigned flags, medsec_import_fn *refused, void *context,
                                     medsec_import_result *result)
{
import work = {.registry = registry, .flags = flags, .refused = refused, .context = context };
    if (result == NULL || (text == NULL && len > 0)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_status status = medsec__change_begin(registry);
    if (status != MEDSEC_OK) {
        return status;
    }
    status = medsec__change_end(registry, len == 0 ? MEDSEC_OK : import_all(&work, text, len));
    if (status == MEDSEC_OK) {
        *result = work.result;
    }
    return status;
}
