/* SPDX-License-Identifier: Apache-2.0 */
#include "budget.h"

#include "selftest.h"

#include "crypto/bearssl/provider.h"

#include <medsec/device.h>
#include <medsec/session.h>

#include <string.h>

/*
 * What the parts of a session cost on the chip: a device and a gateway speak with each other, and
 * what the device does is counted between budget_begin() and budget_end() (run.mjs). Time is always
 * NOW.
 */
#define PICO (&medsec_profile_pico_vitals)

enum { BATCH = MEDSEC_BATCH_DEFAULT, SLOTS = 2 * BATCH, NOW = 10000, INTERVAL_MS = 50 };

typedef struct trial {
    medsec_suite number;
    const char *hello;
    const char *welcome;
    const char *batch;
    const char *ack;
} trial;

static uint8_t ring[SLOTS * MEDSEC_DEVICE_SLOT_LEN(7)];
static uint8_t out[1024];
static medsec_device device;
static medsec_session session;
static medsec_keypair gateway_keys;
static medsec_credential credential;
static medsec_step step;
static bool good = true;

void budget_begin(const char *name)
{
    register const char *r0 __asm__("r0") = name;
    __asm__ volatile("bkpt 1" : : "r"(r0) : "memory");
}

void budget_end(void)
{
    __asm__ volatile("bkpt 2" : : : "memory");
}

static void need(bool fine)
{
    good = good && fine;
}

static void need_ok(medsec_status status)
{
    need(status == MEDSEC_OK);
}

static void foreseeable(void *context, uint8_t *bytes, size_t len)
{
    (void)context;
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(i * 73 + len);
    }
}

static void make_pair(medsec_keypair *pair, uint8_t seed)
{
    memset(pair->private_key, seed, sizeof pair->private_key);
    need_ok(medsec_crypto_bearssl()->x25519_public(pair->public_key, pair->private_key));
}

static medsec_status find(void *context, const uint8_t public_key[MEDSEC_X25519_LEN],
                          medsec_suite suite, medsec_peer *peer)
{
    (void)context;
    (void)public_key;
    (void)suite;
    *peer = (medsec_peer){.psks = 1, .profile = PICO};
    memcpy(peer->psk[0], credential.psk, MEDSEC_PSK_LEN);
    return MEDSEC_OK;
}

static uint64_t utc_ms(void *context)
{
    (void)context;
    return 1795176000000u;
}

static void begin_device(medsec_suite suite)
{
    medsec_keypair own;
    make_pair(&own, 3);
    credential = (medsec_credential){.device = "budget",
                                     .profile = "pico-vitals",
                                     .wire = MEDSEC_WIRE_MEDSEC1,
                                     .suite = (uint8_t)suite,
                                     .has_private = true};
    memcpy(credential.device_private, own.private_key, MEDSEC_X25519_LEN);
    memcpy(credential.device_public, own.public_key, MEDSEC_X25519_LEN);
    memcpy(credential.gateway_public, gateway_keys.public_key, MEDSEC_X25519_LEN);
    memset(credential.psk, 5, MEDSEC_PSK_LEN);
    const medsec_device_options options = {.crypto = medsec_crypto_bearssl(),
                                           .profile = PICO,
                                           .credential = &credential,
                                           .random = foreseeable,
                                           .ring = ring,
                                           .ring_len = sizeof ring,
                                           .no_sampling = true};
    need_ok(medsec_device_open(&device, &options, 0));
}

/* A second of vitals, with the noise of an ordinary one. */
static void sample(size_t i, uint64_t at_ms)
{
    medsec_reading reading = {.count = 7};
    static const int32_t typical[] = {36600, 1755, 20, -500, 980, 23700, 23400};
    for (size_t k = 0; k < reading.count; k++) {
        int32_t noise = k == 0 || k >= 5 ? 0 : (int32_t)((i * 37 + k * 11) % 40) - 20;
        reading.value[k] = (medsec_value){typical[k] + noise, 3, MEDSEC_VALUE_NUMBER};
    }
    if (i == 1) {
        budget_begin("reading into the ring");
    }
    need_ok(medsec_device_sample(&device, at_ms, &reading));
    if (i == 1) {
        budget_end();
    }
}

static void sample_batch(uint64_t from_ms)
{
    for (size_t i = 0; i < BATCH; i++) {
        sample(i, from_ms + i * INTERVAL_MS);
    }
}

static void poll(const char *name, uint64_t now_ms)
{
    budget_begin(name);
    medsec_device_poll(&device, now_ms, out, sizeof out, &step);
    budget_end();
    need(step.type == MEDSEC_STEP_SEND);
}

/* What the device sent; the last event is left. */
static void to_gateway(medsec_event *event, medsec_event_type until)
{
    size_t at = 0;
    size_t used = 0;
    do {
        medsec_session_push(&session, out + at, step.len - at, &used, event);
        at += used;
    } while (event->type != until && event->type != MEDSEC_EVENT_NONE &&
             event->type != MEDSEC_EVENT_REJECTED);
    need(event->type == until);
}

static void from_gateway(const char *name, const uint8_t *data, size_t len)
{
    medsec_device_stats stats;
    budget_begin(name);
    medsec_device_receive(&device, NOW, data, len);
    budget_end();
    medsec_device_get_stats(&device, &stats);
    need(stats.faults == 0);
}

static void shake_hands(const trial *suite)
{
    medsec_event event;
    medsec_device_poll(&device, NOW, out, sizeof out, &step);
    need(step.type == MEDSEC_STEP_CONNECT);
    medsec_device_connected(&device, NOW);
    poll(suite->hello, NOW);
    to_gateway(&event, MEDSEC_EVENT_WELCOME);
    from_gateway(suite->welcome, event.output, event.output_len);
}

static void deliver(const trial *suite)
{
    uint8_t ack[MEDSEC_SESSION_OUT_LEN];
    medsec_event event;
    medsec_device_stats stats;
    size_t len = 0;
    poll(suite->batch, NOW);
    to_gateway(&event, MEDSEC_EVENT_ACK_DUE);
    need_ok(medsec_session_ack(&session, ack, &len, event.boot, event.sequence));
    from_gateway(suite->ack, ack, len);
    medsec_device_get_stats(&device, &stats);
    need(stats.acknowledged == BATCH);
}

static void run(const trial *suite)
{
    const medsec_session_owner owner = {.find = find,
                                        .random = foreseeable,
                                        .utc_ms = utc_ms,
                                        .keys = &gateway_keys,
                                        .key_count = 1};
    begin_device(suite->number);
    medsec_session_open(&session, medsec_crypto_bearssl(), &owner, NULL);
    sample_batch(NOW - BATCH * INTERVAL_MS);
    shake_hands(suite);
    deliver(suite);
    medsec_session_close(&session);
    medsec_device_close(&device);
}

int main(void)
{
    static const trial all[] = {
        {MEDSEC_SUITE_A128CBC_HS256, "HELLO, A128CBC-HS256", "WELCOME, A128CBC-HS256",
         "batch of 20, A128CBC-HS256", "acknowledgement, A128CBC-HS256"},
        {MEDSEC_SUITE_CHACHAPOLY, "HELLO, ChaChaPoly", "WELCOME, ChaChaPoly",
         "batch of 20, ChaChaPoly", "acknowledgement, ChaChaPoly"}};
    need(budget_of_samples());
    make_pair(&gateway_keys, 7);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        run(&all[i]);
    }
    selftest_say(good ? "budget: good\n" : "budget: FAILED\n");
    selftest_exit(good);
}
