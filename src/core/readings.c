/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/message.h>

#include "cbor.h"

#include <string.h>

enum { HEAD_ITEMS = 6 }; /* boot, first_seq, base_time_ms, time_quality, profile, rows */

static bool profile_fits(const medsec_profile *profile)
{
    return profile != NULL && profile->count >= 1 && profile->count <= MEDSEC_VITALS_MAX;
}

/* The sequence number of the last row, too, has 32 bits. */
static bool sequence_fits(uint32_t first, size_t rows)
{
    return rows - 1 <= UINT32_MAX - first;
}

/* Writing */

/* A writer that carries on where the message ends. */
static medsec__writer carry_on(const medsec_readings_writer *writer)
{
    return (medsec__writer){.out = (char *)writer->out,
                            .cap = writer->cap,
                            .len = writer->len,
                            .overflow = writer->overflow};
}

static medsec_status keep(medsec_readings_writer *writer, const medsec__writer *cursor)
{
    writer->len = cursor->len;
    writer->overflow = cursor->overflow;
    return cursor->overflow ? MEDSEC_ERR_BUFFER : MEDSEC_OK;
}

medsec_status medsec_readings_begin(medsec_readings_writer *writer, uint8_t *out, size_t cap,
                                    const medsec_profile *profile, const medsec_readings_head *head,
                                    size_t rows)
{
    if (writer == NULL || out == NULL || !profile_fits(profile) || head == NULL ||
        head->time_quality > MEDSEC_TIME_OWN) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (rows < 1 || rows > MEDSEC_BATCH_MAX || head->base_time_ms > MEDSEC_TIME_MS_MAX ||
        !sequence_fits(head->first_sequence, rows)) {
        return MEDSEC_ERR_LIMIT;
    }
    *writer = (medsec_readings_writer){.out = out,
                                       .cap = cap,
                                       .base_time_ms = head->base_time_ms,
                                       .rows = (uint16_t)rows,
                                       .values = profile->count};
    static const uint8_t kind = MEDSEC_KIND_READINGS;
    medsec__writer cursor = carry_on(writer);
    medsec__write(&cursor, &kind, sizeof kind);
    medsec__cbor_put_array(&cursor, HEAD_ITEMS);
    medsec__cbor_put_uint(&cursor, head->boot);
    medsec__cbor_put_uint(&cursor, head->first_sequence);
    medsec__cbor_put_uint(&cursor, head->base_time_ms);
    medsec__cbor_put_uint(&cursor, head->time_quality);
    medsec__cbor_put_uint(&cursor, profile->id);
    medsec__cbor_put_array(&cursor, rows);
    return keep(writer, &cursor);
}

static medsec_status check_sample(const medsec_readings_writer *writer, const medsec_sample *sample)
{
    if (sample->present >> writer->values != 0 || sample->time_ms < writer->base_time_ms) {
        return MEDSEC_ERR_ARGUMENT;
    }
    uint64_t dt = sample->time_ms - writer->base_time_ms;
    if (dt < writer->columns.dt_ms || dt > UINT32_MAX) {
        return MEDSEC_ERR_ARGUMENT;
    }
    return sample->time_ms > MEDSEC_TIME_MS_MAX ? MEDSEC_ERR_LIMIT : MEDSEC_OK;
}

static void put_row(medsec__writer *cursor, medsec_readings_columns *columns, uint32_t dt_ms,
                    const medsec_sample *sample, size_t values)
{
    medsec__cbor_put_array(cursor, 1 + values);
    medsec__cbor_put_uint(cursor, dt_ms - columns->dt_ms);
    columns->dt_ms = dt_ms;
    for (size_t i = 0; i < values; i++) {
        if ((sample->present >> i & 1) == 0) {
            medsec__cbor_put_null(cursor);
            continue;
        }
        medsec__cbor_put_int(cursor, (int64_t)sample->value[i] - columns->last[i]);
        columns->last[i] = sample->value[i];
    }
}

medsec_status medsec_readings_add(medsec_readings_writer *writer, const medsec_sample *sample)
{
    if (writer == NULL || sample == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (writer->rows == 0) {
        return MEDSEC_ERR_STATE;
    }
    medsec_status status = check_sample(writer, sample);
    if (status != MEDSEC_OK) {
        return status;
    }
    medsec__writer cursor = carry_on(writer);
    put_row(&cursor, &writer->columns, (uint32_t)(sample->time_ms - writer->base_time_ms), sample,
            writer->values);
    writer->rows--;
    return keep(writer, &cursor);
}

medsec_status medsec_readings_end(medsec_readings_writer *writer, size_t *len)
{
    if (writer == NULL || len == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (writer->out == NULL || (writer->rows > 0 && !writer->overflow)) {
        return MEDSEC_ERR_STATE;
    }
    medsec__writer cursor = carry_on(writer);
    return medsec__write_end(&cursor, len);
}

/* Reading */

static void get_head(medsec__cbor_reader *cursor, medsec_readings_head *head)
{
    if (medsec__cbor_get_byte(cursor) != MEDSEC_KIND_READINGS) {
        cursor->bad = true;
    }
    (void)medsec__cbor_get_array(cursor, HEAD_ITEMS, HEAD_ITEMS);
    head->boot = (uint32_t)medsec__cbor_get_uint(cursor, UINT32_MAX);
    head->first_sequence = (uint32_t)medsec__cbor_get_uint(cursor, UINT32_MAX);
    head->base_time_ms = medsec__cbor_get_uint(cursor, MEDSEC_TIME_MS_MAX);
    head->time_quality = (uint8_t)medsec__cbor_get_uint(cursor, MEDSEC_TIME_OWN);
    head->profile = (uint16_t)medsec__cbor_get_uint(cursor, UINT16_MAX);
}

/* False: null. */
static bool get_value(medsec__cbor_reader *cursor, int32_t *last)
{
    int32_t near = 0;
    int64_t difference;
    if (medsec__cbor_get_short(cursor, &near)) {
        difference = near;
    } else if (medsec__cbor_get_null(cursor)) {
        return false;
    } else {
        difference = medsec__cbor_get_int(cursor);
    }
    const int64_t sum = *last + difference;
    if (sum < INT32_MIN || sum > INT32_MAX) {
        cursor->bad = true;
    } else {
        *last = (int32_t)sum;
    }
    return true;
}

/* The sum of unsigned differences cannot go back in time. */
static void get_row(medsec__cbor_reader *cursor, medsec_readings_columns *columns, size_t values,
                    uint64_t base_time_ms, medsec_sample *sample)
{
    (void)medsec__cbor_get_array(cursor, 1 + values, 1 + values);
    columns->dt_ms += (uint32_t)medsec__cbor_get_uint(cursor, UINT32_MAX - columns->dt_ms);
    memset(sample, 0, sizeof *sample);
    sample->time_ms = base_time_ms + columns->dt_ms;
    cursor->bad = cursor->bad || sample->time_ms > MEDSEC_TIME_MS_MAX;
    for (size_t i = 0; i < values && !cursor->bad; i++) {
        if (get_value(cursor, &columns->last[i])) {
            sample->present |= 1u << i;
            sample->value[i] = columns->last[i];
        }
    }
}

medsec_status medsec_readings_open(medsec_readings_reader *reader, const medsec_profile *profile,
                                   const uint8_t *message, size_t len)
{
    if (reader == NULL || !profile_fits(profile) || (message == NULL && len > 0)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_readings_reader out = {.data = message, .len = len, .values = profile->count};
    medsec__cbor_reader cursor = {.data = message, .len = len};
    get_head(&cursor, &out.head);
    out.rows = (uint16_t)medsec__cbor_get_array(&cursor, 1, MEDSEC_BATCH_MAX);
    out.at = cursor.at;
    if (cursor.bad || out.head.profile != profile->id ||
        !sequence_fits(out.head.first_sequence, out.rows)) {
        return MEDSEC_ERR_MESSAGE;
    }
    medsec_readings_columns columns = {0};
    for (size_t row = 0; row < out.rows && !cursor.bad; row++) {
        medsec_sample sample;
        get_row(&cursor, &columns, out.values, out.head.base_time_ms, &sample);
    }
    medsec_status status = medsec__cbor_get_end(&cursor);
    if (status == MEDSEC_OK) {
        *reader = out;
    }
    return status;
}

bool medsec_readings_next(medsec_readings_reader *reader, medsec_sample *sample, uint32_t *sequence)
{
    if (reader == NULL || sample == NULL || sequence == NULL || reader->done >= reader->rows) {
        return false;
    }
    medsec__cbor_reader cursor = {.data = reader->data, .len = reader->len, .at = reader->at};
    get_row(&cursor, &reader->columns, reader->values, reader->head.base_time_ms, sample);
    *sequence = reader->head.first_sequence + reader->done;
    reader->at = cursor.at;
    reader->done++;
    return !cursor.bad;
}
