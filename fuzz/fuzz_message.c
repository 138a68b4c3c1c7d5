/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages, from both ends: whatever bytes are taken are the one encoding of what they say; and
 * whatever can be said comes back as it was, in a buffer of its exact size as in a larger one.
 */
#include <medsec/message.h>

#include <stdlib.h>
#include <string.h>

enum { ROOM = 1 << 15, ROWS_MAX = MEDSEC_BATCH_MAX };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const medsec_vital vitals[MEDSEC_VITALS_MAX] = {{.key = "a"}};
static const medsec_profile profiles[] = {
    {.id = 1, .count = 7, .vitals = vitals},
    {.id = 2, .count = 1, .vitals = vitals},
    {.id = 65535, .count = MEDSEC_VITALS_MAX, .vitals = vitals},
};
enum { PROFILES = sizeof profiles / sizeof profiles[0] };

typedef struct batch {
    medsec_readings_head head;
    size_t rows;
    medsec_sample sample[ROWS_MAX];
} batch;

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

/* Input as numbers of many magnitudes; zeros when it is used up. */
typedef struct source {
    const uint8_t *data;
    size_t len;
} source;

static uint8_t take(source *in)
{
    if (in->len == 0) {
        return 0;
    }
    in->len--;
    return *in->data++;
}

static uint64_t take_number(source *in)
{
    uint64_t number = 0;
    for (unsigned len = take(in) % 9; len > 0; len--) {
        number = number << 8 | take(in);
    }
    return number;
}

static medsec_status encode(uint8_t *out, size_t cap, size_t *len, const medsec_profile *profile,
                            const batch *in)
{
    medsec_readings_writer writer;
    medsec_status status = medsec_readings_begin(&writer, out, cap, profile, &in->head, in->rows);
    for (size_t i = 0; i < in->rows && status == MEDSEC_OK; i++) {
        status = medsec_readings_add(&writer, &in->sample[i]);
    }
    return status == MEDSEC_OK ? medsec_readings_end(&writer, len) : status;
}

static medsec_status decode(batch *out, const medsec_profile *profile, const uint8_t *message,
                            size_t len)
{
    medsec_readings_reader reader;
    medsec_status status = medsec_readings_open(&reader, profile, message, len);
    if (status != MEDSEC_OK) {
        check(status == MEDSEC_ERR_MESSAGE);
        return status;
    }
    uint32_t sequence = 0;
    out->head = reader.head;
    out->rows = 0;
    check(reader.rows >= 1 && reader.rows <= ROWS_MAX);
    while (medsec_readings_next(&reader, &out->sample[out->rows], &sequence)) {
        check(sequence == out->head.first_sequence + out->rows);
        out->rows++;
        if (out->rows == ROWS_MAX) {
            break;
        }
    }
    check(out->rows == reader.rows && reader.at == reader.len);
    return MEDSEC_OK;
}

static void check_bytes(const uint8_t *message, size_t len)
{
    static uint8_t again[ROOM];
    static batch found;
    size_t again_len = 0;
    medsec_control control;
    bool taken = false;
    if (medsec_control_decode(&control, message, len) == MEDSEC_OK) {
        taken = true;
        check(medsec_control_encode(again, MEDSEC_CONTROL_LEN_MAX, &again_len, &control) ==
              MEDSEC_OK);
        check(again_len == len && memcmp(again, message, len) == 0);
    }
    for (size_t i = 0; i < PROFILES; i++) {
        if (decode(&found, &profiles[i], message, len) == MEDSEC_OK) {
            check(!taken); /* at most one of all */
            taken = true;
            check(encode(again, sizeof again, &again_len, &profiles[i], &found) == MEDSEC_OK);
            check(again_len == len && memcmp(again, message, len) == 0);
        }
    }
    medsec_kind kind;
    check(!taken || medsec_message_kind(&kind, message, len) == MEDSEC_OK);
}

static void make_control(medsec_control *out, source *in)
{
    memset(out, 0, sizeof *out);
    out->kind = (medsec_kind)(MEDSEC_KIND_ACK + take(in) % 4);
    uint32_t first = (uint32_t)take_number(in);
    uint32_t second = (uint32_t)take_number(in);
    switch (out->kind) {
    case MEDSEC_KIND_ACK:
        out->body.ack = (medsec_ack){first, second};
        break;
    case MEDSEC_KIND_CONFIG_ACK:
        out->body.config_ack = (medsec_config_ack){first, second};
        break;
    case MEDSEC_KIND_CLOSE:
        out->body.close_reason = first;
        break;
    default:
        out->body.config.version = first;
        out->body.config.given = second & 7;
        out->body.config.sample_interval_ms = (second & 1) == 0 ? 0 : (uint32_t)take_number(in);
        out->body.config.batch_max = (second & 2) == 0 ? 0 : (uint32_t)take_number(in);
        out->body.config.report_interval_ms = (second & 4) == 0 ? 0 : (uint32_t)take_number(in);
    }
}

static bool same_control(const medsec_control *a, const medsec_control *b)
{
    switch (a->kind == b->kind ? a->kind : 0) {
    case MEDSEC_KIND_ACK:
        return memcmp(&a->body.ack, &b->body.ack, sizeof a->body.ack) == 0;
    case MEDSEC_KIND_CONFIG:
        return memcmp(&a->body.config, &b->body.config, sizeof a->body.config) == 0;
    case MEDSEC_KIND_CONFIG_ACK:
        return memcmp(&a->body.config_ack, &b->body.config_ack, sizeof a->body.config_ack) == 0;
    case MEDSEC_KIND_CLOSE:
        return a->body.close_reason == b->body.close_reason;
    default:
        return false;
    }
}

static void check_control(source *in)
{
    medsec_control said;
    medsec_control heard;
    uint8_t message[MEDSEC_CONTROL_LEN_MAX];
    size_t len = 0;
    make_control(&said, in);
    check(medsec_control_encode(message, sizeof message, &len, &said) == MEDSEC_OK);
    check(medsec_control_encode(message, len - 1, &len, &said) == MEDSEC_ERR_BUFFER);
    check(medsec_control_encode(message, len, &len, &said) == MEDSEC_OK);
    check(medsec_control_decode(&heard, message, len) == MEDSEC_OK);
    check(same_control(&said, &heard));
}

static void make_sample(medsec_sample *out, const medsec_profile *profile, uint64_t time_ms,
                        source *in)
{
    memset(out, 0, sizeof *out);
    out->time_ms = time_ms;
    uint32_t failed = take(in) % 4 == 0 ? (uint32_t)take_number(in) : 0;
    for (size_t i = 0; i < profile->count; i++) {
        if ((failed >> i & 1) == 0) {
            out->present |= 1u << i;
            out->value[i] = (int32_t)(uint32_t)take_number(in);
        }
    }
}

static void make_batch(batch *out, const medsec_profile *profile, source *in)
{
    out->head = (medsec_readings_head){.boot = (uint32_t)take_number(in),
                                       .first_sequence = (uint32_t)take_number(in),
                                       .base_time_ms = take_number(in),
                                       .time_quality = take(in) % 4,
                                       .profile = profile->id};
    out->rows = take(in);
    uint64_t time_ms = out->head.base_time_ms;
    for (size_t i = 0; i < out->rows; i++) {
        time_ms += take_number(in) >> take(in) % 64;
        make_sample(&out->sample[i], profile, time_ms, in);
    }
}

static bool same_batch(const batch *a, const batch *b)
{
    bool same = a->head.boot == b->head.boot && a->head.first_sequence == b->head.first_sequence &&
                a->head.base_time_ms == b->head.base_time_ms &&
                a->head.time_quality == b->head.time_quality &&
                a->head.profile == b->head.profile && a->rows == b->rows;
    for (size_t i = 0; i < a->rows && same; i++) {
        const medsec_sample *x = &a->sample[i];
        const medsec_sample *y = &b->sample[i];
        same = x->time_ms == y->time_ms && x->present == y->present &&
               memcmp(x->value, y->value, sizeof x->value) == 0;
    }
    return same;
}

static void check_readings(source *in)
{
    static uint8_t message[ROOM];
    static batch said;
    static batch heard;
    const medsec_profile *profile = &profiles[take(in) % PROFILES];
    size_t len = 0;
    make_batch(&said, profile, in);
    medsec_status status = encode(message, sizeof message, &len, profile, &said);
    if (status != MEDSEC_OK) {
        check(status == MEDSEC_ERR_ARGUMENT || status == MEDSEC_ERR_LIMIT);
        return;
    }
    check(decode(&heard, profile, message, len) == MEDSEC_OK);
    check(same_batch(&said, &heard));
    uint8_t *exact = malloc(len); /* a sanitizer sees what is written behind it */
    check(exact != NULL);
    check(encode(exact, len - 1, &len, profile, &said) == MEDSEC_ERR_BUFFER);
    check(encode(exact, len, &len, profile, &said) == MEDSEC_OK);
    check(memcmp(exact, message, len) == 0);
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    source in = {data, size};
    check_bytes(data, size);
    if (take(&in) % 2 == 0) {
        check_control(&in);
    } else {
        check_readings(&in);
    }
    return 0;
}
