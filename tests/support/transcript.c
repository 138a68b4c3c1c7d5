/* SPDX-License-Identifier: Apache-2.0 */
#include "transcript.h"

#include "unit.h"

#include <string.h>

static void load_key(uint8_t key[MEDSEC_X25519_LEN], const cJSON *row, const char *name)
{
    assert_int_equal(vectors_bytes(vectors_text(row, name), key, MEDSEC_X25519_LEN),
                     MEDSEC_X25519_LEN);
}

static void load_pair(medsec_keypair *pair, const cJSON *row, const char *name)
{
    load_key(pair->private_key, row, name);
    assert_int_equal(medsec_crypto_openssl()->x25519_public(pair->public_key, pair->private_key),
                     MEDSEC_OK);
}

static double number(const cJSON *row, const char *name)
{
    return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(row, name));
}

static void load(transcript *t, const cJSON *row)
{
    const cJSON *record = NULL;
    t->suite = (medsec_suite)number(row, "suite");
    t->boot = (uint32_t)number(row, "boot");
    t->utc_ms = (uint64_t)number(row, "utc_ms");
    load_pair(&t->device, row, "device");
    load_pair(&t->gateway, row, "gateway");
    load_key(t->device_ephemeral, row, "device_ephemeral");
    load_key(t->gateway_ephemeral, row, "gateway_ephemeral");
    load_key(t->psk, row, "psk");
    t->count = 0;
    cJSON_ArrayForEach(record, cJSON_GetObjectItemCaseSensitive(row, "records"))
    {
        assert_true(t->count < TRANSCRIPT_STEPS);
        transcript_step *s = &t->steps[t->count++];
        s->of_device = strcmp(vectors_text(record, "from"), "device") == 0;
        s->len = vectors_bytes(vectors_text(record, "record"), s->record, MEDSEC_RECORD_LEN_MAX);
        s->message_len =
            vectors_bytes(vectors_text(record, "message"), s->message, MEDSEC_RECORD_LEN_MAX);
    }
}

unsigned transcripts(void (*test)(const transcript *t), const char *name)
{
    static transcript t;
    unsigned count = 0;
    FILE *file = fopen(MEDSEC_SOURCE_DIR "/tests/vectors/transcripts.jsonl", "r");
    assert_non_null(file);
    for (cJSON *row; (row = vectors_next(file)) != NULL; cJSON_Delete(row)) {
        if (name == NULL || strcmp(vectors_text(row, "name"), name) == 0) {
            load(&t, row);
            test(&t);
            count++;
        }
    }
    fclose(file);
    return count;
}
