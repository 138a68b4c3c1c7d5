/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device under a script, with a real gateway at the other end whose bytes are altered on their
 * way. Each pair of bytes of the input is an operation and its argument; one byte more chooses the
 * other suite. Whatever is said, the device believes only records that came as they were sent,
 * drops no reading that was not acknowledged but by overflow, sends each reading always the same,
 * and still has them all in the end for a gateway that behaves.
 */
#include "v1_gateway.h"

#include <medsec/device.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PICO (&medsec_profile_pico_vitals)
#define BOOT 3u
#define UTC_MS 1790000000000u

enum {
    SLOTS = 24,
    STREAM_MAX = 4096,
    RECORDS_MAX = 256,
    READINGS_MAX = 4096,
    OPERATIONS_MAX = 400,
    STEPS_MAX = 64 /* that may follow one another without the world changing */
};

typedef struct record_end {
    size_t at; /* in the stream */
    uint64_t acked_end; /* what it acknowledges, if it does */
    uint32_t version; /* of a CONFIG; 0: none */
    bool welcome;
    bool anything; /* what it says is not known here */
} record_end;

/* What the gateway said on this connection, and what became of it. */
typedef struct stream {
    uint8_t said[STREAM_MAX];
    size_t said_len;
    uint8_t coming[STREAM_MAX]; /* altered, perhaps */
    size_t coming_len;
    size_t received; /* bytes that the device got */
    size_t honest; /* of them, up to the first that was never said */
    bool altered;
    record_end records[RECORDS_MAX];
    size_t record_count;
    size_t believable; /* records that were received as they were said */
} stream;

typedef struct sent {
    bool known;
    uint8_t quality;
    uint64_t time_ms;
} sent;

typedef struct world {
    v1_keys keys;
    v1_gateway gateway;
    medsec_device device;
    uint64_t device_random;
    uint64_t now_ms;
    uint8_t ring[SLOTS * MEDSEC_DEVICE_SLOT_LEN(7)];
    bool up;
    bool greeted; /* the gateway has answered a HELLO */
    stream stream;
    uint32_t sampled;
    uint32_t received_end; /* the gateway has all before, of this connection */
    uint64_t acked_end; /* at the most, by records that can be believed */
    uint32_t version; /* of the last CONFIG said */
    uint32_t believable_version;
    uint64_t believable_welcomes;
    sent sent[READINGS_MAX];
} world;

static world w;
static v1_keys keys[2]; /* for each suite */

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static medsec_device_stats stats_of(void)
{
    medsec_device_stats stats;
    medsec_device_get_stats(&w.device, &stats);
    return stats;
}

static void check_invariants(void)
{
    medsec_device_stats stats = stats_of();
    medsec_config config;
    medsec_device_get_config(&w.device, &config);
    uint64_t oldest = stats.sampled - stats.pending;
    uint32_t overflow = w.sampled > SLOTS ? w.sampled - SLOTS : 0;
    check(stats.sampled == w.sampled);
    check(stats.sampled == stats.acknowledged + stats.dropped + stats.pending);
    check(oldest <= (w.acked_end > overflow ? w.acked_end : overflow));
    check(stats.sessions <= w.believable_welcomes && config.version <= w.believable_version);
    check(config.batch_max >= 1 && config.batch_max <= MEDSEC_BATCH_MAX);
}

static void begin(medsec_suite suite)
{
    medsec_credential credential;
    v1_keys *known = &keys[suite == MEDSEC_SUITE_CHACHAPOLY];
    memset(&w, 0, sizeof w);
    if (known->suite == MEDSEC_SUITE_NONE) { /* they are the same for every input */
        check(v1_keys_make(known, 1, suite) == MEDSEC_OK);
    }
    w.keys = *known;
    v1_credential(&credential, &w.keys);
    medsec_device_options options = {
        .crypto = medsec_crypto_openssl(),
        .profile = PICO,
        .credential = &credential,
        .random = v1_random,
        .random_context = &w.device_random,
        .boot = BOOT,
        .ring = w.ring,
        .ring_len = sizeof w.ring,
        .handshake_timeout_ms = 1000,
        .ack_timeout_ms = 5000,
        .backoff_min_ms = 1,
        .backoff_max_ms = 100,
    };
    w.gateway.keys = &w.keys;
    check(medsec_device_open(&w.device, &options, 0) == MEDSEC_OK);
}

static void say(const uint8_t *data, size_t len, record_end record)
{
    stream *s = &w.stream;
    if (len > STREAM_MAX - s->said_len || len > STREAM_MAX - s->coming_len ||
        s->record_count == RECORDS_MAX) {
        return;
    }
    memcpy(s->said + s->said_len, data, len);
    memcpy(s->coming + s->coming_len, data, len);
    s->said_len += len;
    s->coming_len += len;
    record.at = s->said_len;
    s->records[s->record_count++] = record;
}

static void say_control(const medsec_control *control, record_end record)
{
    uint8_t data[MEDSEC_RECORD_LEN_MAX];
    if (w.greeted) {
        say(data, v1_gateway_say(&w.gateway, data, control), record);
    }
}

static void say_ack(uint32_t boot, uint32_t sequence)
{
    say_control(&(medsec_control){.kind = MEDSEC_KIND_ACK,
                                  .body.ack = {.boot = boot, .sequence = sequence}},
                (record_end){.acked_end = boot == BOOT ? sequence + 1ull : 0});
}

static void say_config(uint8_t argument)
{
    uint32_t version = ++w.version;
    say_control(&(medsec_control){.kind = MEDSEC_KIND_CONFIG,
                                  .body.config = {.version = version,
                                                  .given = argument,
                                                  .sample_interval_ms = argument * 16u,
                                                  .batch_max = argument,
                                                  .report_interval_ms = argument * 32u}},
                (record_end){.version = version});
}

/* An authentic record with any message in it. */
static void say_anything(const uint8_t *message, size_t len)
{
    uint8_t data[MEDSEC_RECORD_LEN_MAX];
    if (w.greeted && len > 0) {
        say(data, v1_gateway_seal(&w.gateway, data, message, len), (record_end){.anything = true});
    }
}

/* What may have come of a record that was received as it was said. */
static void believe(const record_end *record)
{
    uint64_t acked_end = record->anything ? w.received_end : record->acked_end;
    uint32_t version = record->anything ? UINT32_MAX : record->version;
    if (acked_end > w.acked_end && acked_end <= w.received_end) { /* more was not sent */
        w.acked_end = acked_end;
    }
    if (version > w.believable_version) {
        w.believable_version = version;
    }
    w.believable_welcomes += record->welcome ? 1 : 0;
}

static void give(const uint8_t *data, size_t len)
{
    stream *s = &w.stream;
    for (size_t i = 0; i < len && !s->altered; i++) {
        s->altered = s->honest >= s->said_len || s->said[s->honest] != data[i];
        s->honest += s->altered ? 0 : 1;
    }
    for (; s->believable < s->record_count && s->records[s->believable].at <= s->honest;
         s->believable++) {
        believe(&s->records[s->believable]);
    }
    medsec_device_receive(&w.device, w.now_ms, data, len);
    check_invariants();
}

static void deliver(size_t count)
{
    stream *s = &w.stream;
    uint8_t data[STREAM_MAX];
    size_t len = count < s->coming_len ? count : s->coming_len;
    memcpy(data, s->coming, len);
    memmove(s->coming, s->coming + len, s->coming_len - len);
    s->coming_len -= len;
    give(data, len);
}

static void remove_some(size_t at, size_t count)
{
    stream *s = &w.stream;
    if (at < s->coming_len) {
        count = count < s->coming_len - at ? count : s->coming_len - at;
        memmove(s->coming + at, s->coming + at + count, s->coming_len - at - count);
        s->coming_len -= count;
    }
}

/* A piece of what comes, or of what was said before, comes again. */
static void repeat(const uint8_t *data, size_t available, size_t at, size_t count)
{
    stream *s = &w.stream;
    if (at < available && available - at >= count && STREAM_MAX - s->coming_len >= count) {
        memmove(s->coming + s->coming_len, data + at, count);
        s->coming_len += count;
    }
}

static void disconnect(void)
{
    medsec_device_disconnected(&w.device, w.now_ms);
    w.up = false;
    w.greeted = false;
}

static void take_sample(void)
{
    medsec_reading reading = {.count = PICO->count};
    if (w.sampled == READINGS_MAX) {
        return;
    }
    for (size_t i = 0; i < PICO->count; i++) {
        reading.value[i] =
            (medsec_value){(int32_t)(w.sampled * 5 + i), 3,
                           w.sampled % 11 == i ? MEDSEC_VALUE_NONE : MEDSEC_VALUE_NUMBER};
    }
    w.sampled += medsec_device_sample(&w.device, w.now_ms, &reading) == MEDSEC_OK ? 1 : 0;
}

static void take_readings(const uint8_t *message, size_t len)
{
    medsec_readings_reader reader;
    medsec_sample row;
    uint32_t sequence = 0;
    check(medsec_readings_open(&reader, PICO, message, len) == MEDSEC_OK);
    check(reader.head.boot == BOOT && reader.head.time_quality != MEDSEC_TIME_UNKNOWN);
    while (medsec_readings_next(&reader, &row, &sequence)) {
        check(sequence < w.sampled && sequence >= w.received_end);
        sent *before = &w.sent[sequence];
        check(!before->known ||
              (before->time_ms == row.time_ms && before->quality == reader.head.time_quality));
        *before = (sent){true, reader.head.time_quality, row.time_ms};
        for (size_t i = 0; i < PICO->count; i++) {
            check((row.present >> i & 1u) == (sequence % 11 != i));
            check(row.value[i] == (sequence % 11 == i ? 0 : (int32_t)(sequence * 5 + i)));
        }
        w.received_end = sequence + 1;
    }
}

static void take_record(uint8_t *data, size_t len)
{
    uint8_t *message = NULL;
    size_t message_len = 0;
    medsec_kind kind = MEDSEC_KIND_CLOSE;
    check(w.up);
    if (data[0] == MEDSEC_RECORD_HELLO) {
        uint8_t welcome[MEDSEC_WELCOME_LEN];
        check(v1_gateway_welcome(&w.gateway, data, len, UTC_MS + w.now_ms, welcome) == MEDSEC_OK);
        check(w.gateway.boot == BOOT);
        say(welcome, sizeof welcome, (record_end){.welcome = true});
        w.greeted = true;
        return;
    }
    check(v1_gateway_open(&w.gateway, data, len, &kind, &message, &message_len) == MEDSEC_OK);
    if (kind == MEDSEC_KIND_READINGS) {
        take_readings(message, message_len);
    } else {
        check(kind == MEDSEC_KIND_CONFIG_ACK || kind == MEDSEC_KIND_CLOSE);
    }
}

/* True while there is more to do at this moment. */
static bool step(size_t cap, uint64_t *until_ms)
{
    static uint8_t out[MEDSEC_DEVICE_OUT_LEN];
    medsec_step next;
    medsec_device_poll(&w.device, w.now_ms, out, cap, &next);
    check(next.type == MEDSEC_STEP_SEND ? next.len > 0 && next.len <= cap : next.len == 0);
    switch (next.type) {
    case MEDSEC_STEP_WAIT:
        check(next.until_ms > w.now_ms);
        *until_ms = next.until_ms;
        return false;
    case MEDSEC_STEP_SAMPLE:
        take_sample();
        return true;
    case MEDSEC_STEP_CONNECT:
        check(!w.up);
        w.up = true;
        w.received_end = 0;
        memset(&w.stream, 0, sizeof w.stream);
        medsec_device_connected(&w.device, w.now_ms);
        return true;
    case MEDSEC_STEP_SEND:
        take_record(out, next.len);
        return true;
    case MEDSEC_STEP_CLOSE:
        check(w.up);
        disconnect();
        return true;
    default:
        check(false);
        return false;
    }
}

static uint64_t poll_all(size_t cap)
{
    uint64_t until_ms = 0;
    size_t steps = 0;
    while (step(cap, &until_ms)) {
        check(++steps < STEPS_MAX);
    }
    check_invariants();
    return until_ms;
}

static void operate(uint8_t operation, uint8_t argument, const uint8_t *rest, size_t left)
{
    stream *s = &w.stream;
    switch (operation % 16) {
    case 0:
        w.now_ms += argument;
        break;
    case 1:
        w.now_ms += argument * 64ull;
        break;
    case 2:
    case 3:
        deliver(argument);
        break;
    case 4:
        if (s->coming_len > 0) {
            s->coming[argument % s->coming_len] ^= (uint8_t)(1u << operation / 16 % 8);
        }
        break;
    case 5:
        remove_some(argument, operation / 16 + 1);
        break;
    case 6:
        repeat(s->said, s->said_len, argument, 32);
        break;
    case 7:
        say_ack(BOOT, w.received_end - 1 - argument % 8);
        break;
    case 8:
        say_ack(BOOT + operation / 128, argument);
        break;
    case 9:
        say_config(argument);
        break;
    case 10:
        say_control(&(medsec_control){.kind = MEDSEC_KIND_CLOSE, .body.close_reason = argument},
                    (record_end){.at = 0});
        break;
    case 11:
        say_anything(rest, left < argument % 16u ? left : argument % 16u);
        break;
    case 12:
        give(rest, left < argument ? left : argument);
        break;
    case 13:
        medsec_device_set_clock(&w.device, w.now_ms, UTC_MS + argument * 1000u);
        break;
    case 14:
        if (w.up) {
            disconnect();
        }
        break;
    default:
        take_sample();
        break;
    }
    static const size_t caps[] = {MEDSEC_DEVICE_OUT_LEN, MEDSEC_DEVICE_OUT_LEN,
                                  MEDSEC_DEVICE_OUT_MIN, 0};
    poll_all(caps[operation / 16 % 4]);
}

/* A gateway that behaves gets all that is left. */
static void drain(void)
{
    if (w.up) {
        disconnect();
    }
    uint64_t oldest = stats_of().sampled - stats_of().pending;
    medsec_device_finish(&w.device);
    for (int i = 0; i < 1000 && !medsec_device_finished(&w.device); i++) {
        uint64_t until_ms = poll_all(MEDSEC_DEVICE_OUT_LEN);
        if (w.received_end == w.sampled && w.stream.record_count == 1) {
            say_ack(BOOT, w.sampled - 1);
        }
        if (w.stream.coming_len > 0) {
            deliver(w.stream.coming_len);
        } else if (until_ms != UINT64_MAX) {
            w.now_ms = until_ms;
        }
    }
    check(medsec_device_finished(&w.device) && stats_of().pending == 0);
    for (uint64_t i = oldest; i < w.sampled; i++) {
        check(w.sent[i].known);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin(size % 2 == 0 ? MEDSEC_SUITE_A128CBC_HS256 : MEDSEC_SUITE_CHACHAPOLY);
    poll_all(MEDSEC_DEVICE_OUT_LEN);
    for (size_t i = 0; i + 1 < size && i < 2 * OPERATIONS_MAX; i += 2) {
        operate(data[i], data[i + 1], data + i + 2, size - i - 2);
    }
    drain();
    medsec_device_close(&w.device);
    return 0;
}
