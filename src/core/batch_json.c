/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

static const char END[] = {']', '}'};

/* It carries on where the text ends, and leaves room for the end of it. */
static medsec__writer carry_on(const medsec_batch_writer *batch)
{
    return (medsec__writer){.out = batch->out, .cap = batch->cap - sizeof END, .len = batch->len};
}

/* What did not fit was never there. */
static medsec_status keep(medsec_batch_writer *batch, const medsec__writer *writer)
{
    return medsec__write_end(writer, &batch->len);
}

medsec_status medsec_batch_begin(medsec_batch_writer *batch, char *out, size_t cap,
                                 const medsec_profile *profile, const medsec_reading_origin *origin)
{
    if (batch == NULL || out == NULL || profile == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_status status = medsec__json_check_origin(origin);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (cap < sizeof END) {
        return MEDSEC_ERR_BUFFER;
    }
    *batch = (medsec_batch_writer){
        .profile = profile, .out = out, .cap = cap, .sequenced = origin->sequenced};
    medsec__writer writer = carry_on(batch);
    medsec__json_put(&writer, "{");
    medsec__json_member(&writer, "device", origin->device);
    medsec__json_member(&writer, "wire", origin->wire);
    if (origin->sequenced) {
        medsec__json_number(&writer, "boot", origin->boot);
    }
    medsec__json_member(&writer, "time_source", origin->time_source);
    medsec__json_put(&writer, "\"readings\":[");
    return keep(batch, &writer);
}

medsec_status medsec_batch_add(medsec_batch_writer *batch, const medsec_reading *reading,
                               uint64_t time_ms, uint32_t sequence)
{
    if (batch == NULL || !medsec__json_fits(batch->profile, reading) ||
        time_ms > MEDSEC_TIME_MS_MAX) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec__writer writer = carry_on(batch);
    medsec__write(&writer, ",", batch->count == 0 ? 0 : 1);
    medsec__json_put(&writer, "{");
    if (batch->sequenced) {
        medsec__json_put(&writer, "\"seq\":");
        medsec__write_number(&writer, sequence, 1);
        medsec__json_put(&writer, ",");
    }
    medsec__json_put(&writer, "\"time\":");
    medsec__json_time(&writer, &batch->second, time_ms);
    medsec__json_put(&writer, ",");
    medsec__json_values(&writer, batch->profile, reading);
    medsec__json_put(&writer, "}");
    medsec_status status = keep(batch, &writer);
    if (status == MEDSEC_OK) {
        batch->count++;
    }
    return status;
}

medsec_status medsec_batch_end(medsec_batch_writer *batch, size_t *len)
{
    if (batch == NULL || len == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (batch->count == 0) {
        return MEDSEC_ERR_STATE;
    }
    medsec__writer writer = carry_on(batch);
    writer.cap = batch->cap;
    medsec__write(&writer, END, sizeof END);
    return medsec__write_end(&writer, len);
}
