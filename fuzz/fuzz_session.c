/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions under a script. Honest devices speak, and somebody who has every byte that was ever on
 * the wire, but no key, decides what reaches which session: whole, in pieces, altered, cut, joined,
 * twice, or at another one. Input: a byte that chooses the suite, then operations of three bytes.
 * Whatever is done, a session tells only what the one device that it agreed with has sealed for it,
 * in that order and from the beginning; and all of that when its bytes came as they were sent.
 */
#include "v1_gateway.h"

#include <medsec/session.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PICO (&medsec_profile_pico_vitals)
#define UTC_MS 1790000000000u

enum {
    SESSIONS = 4,
    TALKS_MAX = 6,
    CHUNKS_MAX = 64,
    TOLD_MAX = 256,
    STREAM_MAX = 1 << 14,
    OPERATIONS_MAX = 120,
    ROWS_MAX = 4,
    OPERATION_LEN = 3
};

enum operation {
    HELLO,
    SAY,
    DELIVER,
    DELIVER_PIECES,
    DELIVER_FLIPPED,
    DELIVER_CUT,
    DELIVER_JOINED,
    DELIVER_RAW,
    WELCOME,
    WELCOME_FLIPPED,
    GATEWAY_SAYS,
    RESTART,
    PASS_TIME,
    HONEST_HELLO,
    HONEST_SAY,
    OPERATIONS
};

/* Who says HELLO. Only the first four are let in. */
enum kind {
    CURRENT,
    OTHER_DEVICE,
    PENDING_PSK,
    GATEWAY_KEY_BEFORE,
    STRANGER,
    WRONG_PSK,
    WRONG_GATEWAY_KEY,
    WRONG_SUITE,
    REVOKED,
    KINDS
};

/* What a session is to tell. */
typedef struct told {
    medsec_event_type type;
    uint32_t boot;
    uint32_t sequence;
    uint32_t number; /* version, or reason of the CLOSE */
    uint8_t quality;
    uint64_t time_ms;
} told;

/* A device's end of one connection: what it has sealed, and what is to come out of that. */
typedef struct talk {
    enum kind kind;
    medsec_handshake handshake;
    medsec_record to_gateway;
    int session; /* whose WELCOME it has taken; -1: none */
    uint8_t stream[STREAM_MAX];
    size_t stream_len;
    told told[TOLD_MAX];
    size_t told_count;
} talk;

typedef struct end {
    medsec_session session;
    uint8_t received[STREAM_MAX];
    size_t received_len;
    size_t used_len; /* of them, by the session */
    uint8_t welcome[MEDSEC_WELCOME_LEN];
    bool welcomed;
    bool over;
    medsec_event_type ending; /* how: REJECTED or CLOSED */
    bool said_goodbye; /* nothing may come after that */
    bool expired;
    size_t next; /* of what the device's talk has to tell */
    medsec_ack acked;
    bool has_acked;
    uint32_t skipped;
} end;

typedef struct chunk {
    uint8_t data[MEDSEC_RECORD_LEN_MAX];
    size_t len;
} chunk;

typedef struct world {
    medsec_suite suite;
    medsec_session_owner owner;
    uint64_t random;
    uint64_t now_ms;
    talk talks[TALKS_MAX];
    size_t talk_count;
    end ends[SESSIONS];
    chunk chunks[CHUNKS_MAX]; /* every record that was on the wire, the newest last */
    size_t chunk_count;
} world;

static world w;
static v1_keys keys[4]; /* two devices in the registry, a revoked one, a stranger */
static medsec_keypair gateway_keys[3]; /* its own, the one before, and nobody's */
static uint8_t pending_psk[MEDSEC_PSK_LEN];

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static medsec_status find(void *context, const uint8_t public_key[MEDSEC_X25519_LEN],
                          medsec_suite suite, medsec_peer *peer)
{
    (void)context;
    for (size_t i = 0; i < 3; i++) {
        if (suite != w.suite ||
            memcmp(keys[i].device.public_key, public_key, MEDSEC_X25519_LEN) != 0) {
            continue;
        }
        memcpy(peer->psk[0], keys[i].psk, MEDSEC_PSK_LEN);
        memcpy(peer->psk[1], pending_psk, MEDSEC_PSK_LEN);
        peer->psks = i == 0 ? 2 : 1;
        peer->profile = PICO;
        peer->device = &keys[i];
        return i == 2 ? MEDSEC_ERR_REVOKED : MEDSEC_OK;
    }
    return MEDSEC_ERR_UNKNOWN_DEVICE;
}

/* No device speaks the seed wire here. */
static medsec_status identify(void *context, const uint8_t block[MEDSEC_AES_BLOCK_LEN],
                              medsec_identity *identity)
{
    (void)context;
    (void)block;
    (void)identity;
    return MEDSEC_ERR_UNKNOWN_DEVICE;
}

static void give_random(void *context, uint8_t *out, size_t len)
{
    (void)context;
    v1_random(&w.random, out, len);
}

static uint64_t utc_ms(void *context)
{
    (void)context;
    return w.now_ms;
}

static void make_keys(void)
{
    const medsec_crypto *crypto = medsec_crypto_openssl();
    uint64_t random = 99;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        check(v1_keys_make(&keys[i], i + 1, MEDSEC_SUITE_A128CBC_HS256) == MEDSEC_OK);
    }
    for (size_t i = 0; i < sizeof gateway_keys / sizeof gateway_keys[0]; i++) {
        v1_random(&random, gateway_keys[i].private_key, MEDSEC_X25519_LEN);
        check(crypto->x25519_public(gateway_keys[i].public_key, gateway_keys[i].private_key) ==
              MEDSEC_OK);
    }
    v1_random(&random, pending_psk, sizeof pending_psk);
}

static void open_end(end *e)
{
    medsec_session_close(&e->session);
    memset(e, 0, sizeof *e);
    medsec_session_open(&e->session, medsec_crypto_openssl(), &w.owner, NULL);
}

static void begin(medsec_suite suite)
{
    if (keys[0].suite == MEDSEC_SUITE_NONE) { /* they are the same for every input */
        make_keys();
    }
    memset(&w, 0, sizeof w);
    w.suite = suite;
    w.now_ms = UTC_MS;
    w.owner = (medsec_session_owner){.identify = identify,
                                     .find = find,
                                     .random = give_random,
                                     .utc_ms = utc_ms,
                                     .keys = gateway_keys,
                                     .key_count = 2};
    for (size_t i = 0; i < SESSIONS; i++) {
        medsec_session_open(&w.ends[i].session, medsec_crypto_openssl(), &w.owner, NULL);
    }
}

static void keep(const uint8_t *data, size_t len)
{
    if (w.chunk_count < CHUNKS_MAX) {
        memcpy(w.chunks[w.chunk_count].data, data, len);
        w.chunks[w.chunk_count++].len = len;
    }
}

static bool is_let_in(const talk *t)
{
    return t->kind <= GATEWAY_KEY_BEFORE;
}

static const v1_keys *keys_of(const talk *t)
{
    switch (t->kind) {
    case OTHER_DEVICE:
        return &keys[1];
    case REVOKED:
        return &keys[2];
    case STRANGER:
        return &keys[3];
    default:
        return &keys[0];
    }
}

static void set_keys(talk *t)
{
    const v1_keys *k = keys_of(t);
    size_t pinned = t->kind == GATEWAY_KEY_BEFORE ? 1 : t->kind == WRONG_GATEWAY_KEY ? 2 : 0;
    medsec_handshake *h = &t->handshake;
    check(medsec_handshake_set_static(h, k->device.private_key, k->device.public_key) == MEDSEC_OK);
    medsec_handshake_set_remote_static(h, gateway_keys[pinned].public_key);
    medsec_handshake_set_psk(h, t->kind == PENDING_PSK ? pending_psk
                                : t->kind == WRONG_PSK ? keys[3].psk
                                                       : k->psk);
}

static medsec_suite suite_of(const talk *t)
{
    return t->kind == WRONG_SUITE && w.suite == MEDSEC_SUITE_A128CBC_HS256 ? MEDSEC_SUITE_CHACHAPOLY
           : t->kind == WRONG_SUITE ? MEDSEC_SUITE_A128CBC_HS256
                                    : w.suite;
}

static talk *say_hello(uint8_t kind)
{
    static const uint8_t payload[8] = {0, 0, 0, 7};
    uint8_t ephemeral[MEDSEC_X25519_LEN];
    if (w.talk_count == TALKS_MAX) {
        return NULL;
    }
    talk *t = &w.talks[w.talk_count++];
    t->kind = (enum kind)(kind % KINDS);
    t->session = -1;
    const uint8_t flags = MEDSEC_RECORD_FLAGS(suite_of(t));
    const uint8_t prologue[] = {'m', 'e', 'd', 's', 'e', 'c', '/', '1', flags};
    check(medsec_handshake_open(&t->handshake, medsec_crypto_openssl(), MEDSEC_PATTERN_IKPSK1,
                                MEDSEC_INITIATOR, prologue, sizeof prologue) == MEDSEC_OK);
    set_keys(t);
    v1_random(&w.random, ephemeral, sizeof ephemeral);
    check(medsec_handshake_set_ephemeral(&t->handshake, ephemeral) == MEDSEC_OK);
    size_t len = 0;
    check(medsec_handshake_write(&t->handshake, t->stream + MEDSEC_RECORD_HEADER_LEN,
                                 MEDSEC_HELLO_LEN - MEDSEC_RECORD_HEADER_LEN, &len, payload,
                                 sizeof payload) == MEDSEC_OK);
    medsec_record_write_header(t->stream,
                               (medsec_record_header){MEDSEC_RECORD_HELLO, flags, (uint16_t)len});
    t->stream_len = MEDSEC_HELLO_LEN;
    keep(t->stream, MEDSEC_HELLO_LEN);
    return t;
}

/* A device takes a WELCOME only as the session wrote it, in answer to its own HELLO. */
static void take_welcome(talk *t, const uint8_t *data, size_t len)
{
    uint8_t payload[MEDSEC_WELCOME_LEN];
    uint8_t to_gateway[MEDSEC_CHACHAPOLY_KEY_LEN];
    uint8_t to_device[MEDSEC_CHACHAPOLY_KEY_LEN];
    size_t payload_len = 0;
    if (t == NULL || t->session >= 0 || len != MEDSEC_WELCOME_LEN ||
        data[0] != MEDSEC_RECORD_WELCOME) {
        return;
    }
    medsec_handshake before = t->handshake;
    if (medsec_handshake_read(&t->handshake, payload, &payload_len, data + MEDSEC_RECORD_HEADER_LEN,
                              len - MEDSEC_RECORD_HEADER_LEN) != MEDSEC_OK) {
        t->handshake = before; /* it may try again: more to attack */
        return;
    }
    for (int i = 0; i < SESSIONS; i++) {
        const end *e = &w.ends[i];
        if (e->welcomed &&
            memcmp(e->welcome + MEDSEC_RECORD_HEADER_LEN, data + MEDSEC_RECORD_HEADER_LEN,
                   len - MEDSEC_RECORD_HEADER_LEN) == 0) {
            t->session = i;
        }
    }
    if (t->session < 0) { /* of a session that was restarted */
        t->session = SESSIONS;
    } else {
        check(memcmp(w.ends[t->session].received, t->stream, MEDSEC_HELLO_LEN) == 0);
    }
    check(is_let_in(t) &&
          medsec_handshake_split(&t->handshake, to_gateway, to_device) == MEDSEC_OK);
    check(medsec_record_open(&t->to_gateway, medsec_crypto_openssl(), w.suite, to_gateway) ==
          MEDSEC_OK);
    t->told[t->told_count++] = (told){.type = MEDSEC_EVENT_IDENTIFIED};
}

static int32_t value_of(const talk *t, uint32_t boot, uint32_t sequence, size_t vital)
{
    return (int32_t)((size_t)(t - w.talks) * 100000 + boot * 1000 + sequence * 10 + vital);
}

static size_t write_readings(talk *t, uint8_t *out, uint8_t argument)
{
    const size_t rows = (size_t)argument % ROWS_MAX + 1;
    const medsec_readings_head head = {.boot = argument >> 7,
                                       .first_sequence = (argument >> 2) % 8u,
                                       .base_time_ms = w.now_ms,
                                       .time_quality = (argument >> 5) % 3u};
    medsec_readings_writer writer;
    size_t len = 0;
    check(medsec_readings_begin(&writer, out, MEDSEC_MESSAGE_MAX, PICO, &head, rows) == MEDSEC_OK);
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t sequence = head.first_sequence + i;
        medsec_sample sample = {.time_ms = head.base_time_ms + i,
                                .present = (1u << PICO->count) - 1};
        for (size_t v = 0; v < PICO->count; v++) {
            sample.value[v] = value_of(t, head.boot, sequence, v);
        }
        check(medsec_readings_add(&writer, &sample) == MEDSEC_OK);
        t->told[t->told_count++] = (told){.type = MEDSEC_EVENT_READING,
                                          .boot = head.boot,
                                          .sequence = sequence,
                                          .quality = head.time_quality,
                                          .time_ms = sample.time_ms};
    }
    check(medsec_readings_end(&writer, &len) == MEDSEC_OK);
    t->told[t->told_count++] = (told){.type = MEDSEC_EVENT_ACK_DUE,
                                      .boot = head.boot,
                                      .sequence = head.first_sequence + (uint32_t)rows - 1};
    return len;
}

static size_t write_control(talk *t, uint8_t *out, medsec_kind kind, uint8_t argument)
{
    medsec_control control = {.kind = kind};
    told next = {.type = MEDSEC_EVENT_REJECTED};
    size_t len = 0;
    if (kind == MEDSEC_KIND_CONFIG_ACK) {
        control.body.config_ack.version = argument;
        next = (told){.type = MEDSEC_EVENT_CONFIG_RESULT, .number = argument};
    } else if (kind == MEDSEC_KIND_CLOSE) {
        control.body.close_reason = argument;
        next = (told){.type = MEDSEC_EVENT_CLOSED, .number = argument};
    }
    check(medsec_control_encode(out, MEDSEC_CONTROL_LEN_MAX, &len, &control) == MEDSEC_OK);
    t->told[t->told_count++] = next;
    return len;
}

/* What a device may say, and what its firmware might say by mistake. */
static size_t write_message(talk *t, uint8_t *out, uint8_t argument, uint8_t choice)
{
    switch (choice % 16) {
    case 12:
        return write_control(t, out, MEDSEC_KIND_CLOSE, argument);
    case 13:
        return write_control(t, out, MEDSEC_KIND_ACK, argument);
    case 14:
        return write_control(t, out, MEDSEC_KIND_CONFIG, argument);
    case 15: {
        size_t count = t->told_count;
        size_t len = write_readings(t, out, argument) - 1;
        t->told_count = count;
        t->told[t->told_count++] = (told){.type = MEDSEC_EVENT_REJECTED};
        return len;
    }
    case 10:
    case 11:
        return write_control(t, out, MEDSEC_KIND_CONFIG_ACK, argument);
    default:
        return write_readings(t, out, argument);
    }
}

static void say(talk *t, uint8_t argument, uint8_t choice)
{
    uint8_t message[MEDSEC_MESSAGE_MAX];
    size_t len = 0;
    if (t == NULL || t->session < 0 || t->told_count + ROWS_MAX + 2 > TOLD_MAX ||
        STREAM_MAX - t->stream_len < MEDSEC_RECORD_LEN_MAX) {
        return;
    }
    size_t message_len = write_message(t, message, argument, choice);
    check(medsec_record_seal(&t->to_gateway, t->stream + t->stream_len, MEDSEC_RECORD_LEN_MAX, &len,
                             message, message_len) == MEDSEC_OK);
    keep(t->stream + t->stream_len, len);
    t->stream_len += len;
}

/* The device that has taken this session's WELCOME. */
static const talk *talk_of(const end *e)
{
    for (size_t i = 0; i < w.talk_count; i++) {
        if (w.talks[i].session == (int)(e - w.ends)) {
            return &w.talks[i];
        }
    }
    return NULL;
}

static bool is_acked(const end *e, const told *t)
{
    return e->has_acked && t->boot == e->acked.boot && t->sequence <= e->acked.sequence;
}

/* The next thing that this session has to tell. */
static const told *next_told(end *e)
{
    const talk *t = talk_of(e);
    check(t != NULL);
    while (e->next < t->told_count && t->told[e->next].type == MEDSEC_EVENT_READING &&
           is_acked(e, &t->told[e->next])) {
        e->skipped++;
        e->next++;
    }
    check(e->next < t->told_count);
    return &t->told[e->next++];
}

static void check_reading(const talk *t, const told *expected, const medsec_event *event)
{
    check(event->sequenced && event->boot == expected->boot &&
          event->sequence == expected->sequence && event->time_quality == expected->quality);
    check(event->time_quality == MEDSEC_TIME_UNKNOWN ? event->time_ms <= w.now_ms
                                                     : event->time_ms == expected->time_ms);
    check(event->reading->count == PICO->count);
    for (size_t i = 0; i < event->reading->count; i++) {
        check(event->reading->value[i].mantissa ==
              value_of(t, expected->boot, expected->sequence, i));
    }
}

static void take_welcome_event(end *e, const medsec_event *event)
{
    bool known = false;
    for (size_t i = 0; i < w.talk_count; i++) {
        known |= is_let_in(&w.talks[i]) && e->received_len >= MEDSEC_HELLO_LEN &&
                 memcmp(w.talks[i].stream, e->received, MEDSEC_HELLO_LEN) == 0;
    }
    check(known && !e->welcomed && event->device == NULL &&
          event->output_len == MEDSEC_WELCOME_LEN);
    memcpy(e->welcome, event->output, event->output_len);
    e->welcomed = true;
    keep(e->welcome, MEDSEC_WELCOME_LEN);
}

static void take_end(end *e, const medsec_event *event)
{
    e->over = true;
    e->ending = event->type;
    if (event->type == MEDSEC_EVENT_CLOSED) {
        const told *expected = next_told(e);
        check(expected->type == MEDSEC_EVENT_CLOSED && event->close_reason == expected->number);
        return;
    }
    check(event->reason != MEDSEC_OK && event->reading == NULL && event->output == NULL);
    check((event->device != NULL) == (e->next > 0));
    e->expired = event->reason == MEDSEC_ERR_EXPIRED;
}

static void take_event(end *e, const medsec_event *event)
{
    check(!e->over);
    if (event->type == MEDSEC_EVENT_WELCOME) {
        take_welcome_event(e, event);
        return;
    }
    if (event->type == MEDSEC_EVENT_REJECTED || event->type == MEDSEC_EVENT_CLOSED) {
        take_end(e, event);
        return;
    }
    check(!e->said_goodbye);
    const told *expected = next_told(e);
    const talk *t = talk_of(e);
    check(event->type == expected->type && event->device == keys_of(t));
    switch (event->type) {
    case MEDSEC_EVENT_IDENTIFIED:
        check(event->psk == (t->kind == PENDING_PSK));
        break;
    case MEDSEC_EVENT_READING:
        check_reading(t, expected, event);
        break;
    case MEDSEC_EVENT_ACK_DUE:
        check(event->boot == expected->boot && event->sequence == expected->sequence &&
              event->skipped == e->skipped);
        e->skipped = 0;
        break;
    case MEDSEC_EVENT_CONFIG_RESULT:
        check(event->config.version == expected->number);
        break;
    default:
        check(false);
    }
}

/* Presents what is not used yet, as the caller of a session has to. */
static void push(end *e)
{
    static uint8_t data[STREAM_MAX];
    size_t len = e->received_len - e->used_len;
    uint8_t *at = data;
    medsec_event event;
    memcpy(data, e->received + e->used_len, len);
    do {
        size_t used = 0;
        medsec_session_push(&e->session, at, len, &used, &event);
        check(used <= len);
        at += used;
        len -= used;
        e->used_len += used;
        if (event.type != MEDSEC_EVENT_NONE) {
            take_event(e, &event);
        }
    } while (event.type != MEDSEC_EVENT_NONE && !e->over);
    check(e->over || len < MEDSEC_RECORD_LEN_MAX);
}

/* When a session has all that its device said, it has told all of it. */
static void check_complete(end *e)
{
    const talk *t = talk_of(e);
    if (t == NULL || e->expired || e->said_goodbye || e->received_len != t->stream_len ||
        memcmp(e->received, t->stream, t->stream_len) != 0) {
        return;
    }
    size_t last = 0;
    while (last < t->told_count && t->told[last].type != MEDSEC_EVENT_REJECTED &&
           t->told[last].type != MEDSEC_EVENT_CLOSED) {
        last++;
    }
    bool ends = last < t->told_count;
    size_t expected = last + (ends && t->told[last].type == MEDSEC_EVENT_CLOSED);
    check(t->stream_len == MEDSEC_HELLO_LEN || (e->next == expected && e->over == ends));
}

/* An end stays an end. */
static void check_over(end *e, const uint8_t *data, size_t len)
{
    uint8_t copy[2 * MEDSEC_RECORD_LEN_MAX];
    medsec_event event;
    size_t used = 0;
    memcpy(copy, data, len);
    medsec_session_push(&e->session, copy, len, &used, &event);
    check(used == 0 && event.type == e->ending);
    check(medsec_session_at_boundary(&e->session) == (e->ending == MEDSEC_EVENT_CLOSED));
}

static void deliver(end *e, const uint8_t *data, size_t len, size_t step)
{
    if (e->over) {
        check_over(e, data, len);
        return;
    }
    for (size_t at = 0; at < len && !e->over; at += step) {
        size_t count = len - at < step ? len - at : step;
        if (count > STREAM_MAX - e->received_len) {
            return;
        }
        memcpy(e->received + e->received_len, data + at, count);
        e->received_len += count;
        push(e);
    }
    check_complete(e);
}

static void gateway_says(end *e, uint8_t argument)
{
    uint8_t out[MEDSEC_SESSION_OUT_LEN];
    const medsec_config config = {.version = argument};
    const medsec_ack ack = {.boot = argument >> 7, .sequence = (argument >> 2) % 16u};
    size_t len = 0;
    medsec_status status = MEDSEC_OK;
    switch (argument % 4) {
    case 0:
        status = medsec_session_config(&e->session, out, &len, &config);
        break;
    case 1:
        status = medsec_session_goodbye(&e->session, out, &len, MEDSEC_CLOSE_RESTART);
        e->said_goodbye |= status == MEDSEC_OK;
        break;
    default:
        status = medsec_session_ack(&e->session, out, &len, ack.boot, ack.sequence);
        if (status == MEDSEC_OK &&
            (!e->has_acked || ack.boot != e->acked.boot || ack.sequence > e->acked.sequence)) {
            e->acked = ack;
            e->has_acked = true;
        }
    }
    check((status == MEDSEC_OK) == (e->next > 0 && !e->over && len > 0));
    if (status == MEDSEC_OK) {
        keep(out, len);
    }
}

static const chunk *chunk_at(uint8_t back)
{
    static const chunk none;
    return w.chunk_count > 0 ? &w.chunks[w.chunk_count - 1 - back % w.chunk_count] : &none;
}

static void deliver_altered(end *e, enum operation operation, const chunk *c, uint8_t b)
{
    uint8_t data[2 * MEDSEC_RECORD_LEN_MAX];
    const chunk *other = chunk_at(b);
    size_t len = c->len;
    memcpy(data, c->data, len);
    if (operation == DELIVER_FLIPPED && len > 0) {
        data[(size_t)b * len / 256] ^= (uint8_t)(1u << b % 8);
    } else if (operation == DELIVER_CUT) {
        len = len * b / 256;
    } else if (operation == DELIVER_JOINED) {
        len /= 2;
        memcpy(data + len, other->data + other->len / 2, other->len - other->len / 2);
        len += other->len - other->len / 2;
    }
    deliver(e, data, len, SIZE_MAX / 2);
}

static talk *talk_at(uint8_t a)
{
    return w.talk_count > 0 ? &w.talks[a % w.talk_count] : NULL;
}

static void restart(end *e)
{
    for (size_t i = 0; i < w.talk_count; i++) {
        if (w.talks[i].session == (int)(e - w.ends)) {
            w.talks[i].session = SESSIONS; /* what it seals from now on is for nobody */
        }
    }
    open_end(e);
}

static void honest_hello(end *e, uint8_t kind)
{
    restart(e);
    talk *t = say_hello(kind);
    if (t != NULL) {
        deliver(e, t->stream, t->stream_len, SIZE_MAX / 2);
        check(e->welcomed == is_let_in(t) && e->over == !is_let_in(t));
        take_welcome(t, e->welcome, e->welcomed ? MEDSEC_WELCOME_LEN : 0);
        check((t->session == (int)(e - w.ends)) == is_let_in(t));
    }
}

static void honest_say(talk *t, uint8_t argument, uint8_t choice)
{
    size_t from = t != NULL ? t->stream_len : 0;
    say(t, argument, choice);
    if (t != NULL && t->session >= 0 && t->session < SESSIONS) {
        deliver(&w.ends[t->session], t->stream + from, t->stream_len - from,
                (size_t)choice / 16 * 16 + 1);
    }
}

static void operate(enum operation operation, uint8_t a, uint8_t b)
{
    end *e = &w.ends[a % SESSIONS];
    const chunk *c = chunk_at(a / SESSIONS);
    switch (operation) {
    case HELLO:
        (void)say_hello(a);
        break;
    case SAY:
        say(talk_at(a), b, a / TALKS_MAX);
        break;
    case DELIVER:
    case DELIVER_PIECES:
        deliver(e, c->data, c->len, operation == DELIVER ? SIZE_MAX / 2 : b % 64u + 1);
        break;
    case DELIVER_FLIPPED:
    case DELIVER_CUT:
    case DELIVER_JOINED:
        deliver_altered(e, operation, c, b);
        break;
    case DELIVER_RAW:
        deliver(e, &b, 1, 1);
        break;
    case WELCOME:
        take_welcome(talk_at(a), chunk_at(b)->data, chunk_at(b)->len);
        break;
    case WELCOME_FLIPPED: {
        chunk altered = *chunk_at(a / TALKS_MAX);
        altered.data[b % MEDSEC_WELCOME_LEN] ^= (uint8_t)(1u << b % 8);
        take_welcome(talk_at(a), altered.data, altered.len);
        break;
    }
    case GATEWAY_SAYS:
        gateway_says(e, b);
        break;
    case RESTART:
        restart(e);
        break;
    case PASS_TIME:
        w.now_ms += (uint64_t)b << a % 24;
        break;
    case HONEST_HELLO:
        honest_hello(e, b);
        break;
    case HONEST_SAY:
        honest_say(talk_at(a), b, a / TALKS_MAX);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1 + OPERATIONS_MAX * OPERATION_LEN) {
        return 0;
    }
    begin(data[0] % 2 == 0 ? MEDSEC_SUITE_A128CBC_HS256 : MEDSEC_SUITE_CHACHAPOLY);
    for (size_t at = 1; at + OPERATION_LEN <= size; at += OPERATION_LEN) {
        operate((enum operation)(data[at] % OPERATIONS), data[at + 1], data[at + 2]);
    }
    for (size_t i = 0; i < SESSIONS; i++) {
        medsec_session_close(&w.ends[i].session);
    }
    return 0;
}
