/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many handshakes a session makes in a second of one core, from the bytes of a HELLO to those
 * of a WELCOME, with both directions open. Beside it the bare X25519 operations of the same
 * handshake, in the same run, in turns.
 */
#include <medsec/medsec.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HANDSHAKES = 50, ROUNDS = 41, PAYLOAD_LEN = 8 };
enum { HELLO_BODY_LEN = MEDSEC_HELLO_LEN - MEDSEC_RECORD_HEADER_LEN };

static const uint8_t PROLOGUE[] = "medsec/1\x11"; /* without the NUL */
static const uint8_t PSK[MEDSEC_PSK_LEN] = "a key that only one device has.";
static medsec_keypair gateway;
static medsec_keypair device;
static uint8_t hellos[HANDSHAKES][MEDSEC_HELLO_LEN];

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench_handshake: %s\n", what);
        exit(1);
    }
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static const medsec_crypto *crypto(void)
{
    return medsec_crypto_openssl();
}

static void make_keypair(medsec_keypair *pair, uint8_t seed)
{
    memset(pair->private_key, seed, sizeof pair->private_key);
    must(crypto()->x25519_public(pair->public_key, pair->private_key) == MEDSEC_OK, "key pair");
}

/* Fresh for every handshake; a random source is no part of the measurement. */
static void make_ephemeral(uint8_t key[MEDSEC_X25519_LEN], size_t number, uint8_t side)
{
    memset(key, side, MEDSEC_X25519_LEN);
    key[0] = (uint8_t)number;
}

static void write_hello(uint8_t hello[MEDSEC_HELLO_LEN], size_t number)
{
    static const uint8_t payload[PAYLOAD_LEN];
    const medsec_record_header header = {MEDSEC_RECORD_HELLO, PROLOGUE[sizeof PROLOGUE - 2],
                                         HELLO_BODY_LEN};
    medsec_handshake handshake;
    uint8_t ephemeral[MEDSEC_X25519_LEN];
    size_t len = 0;
    make_ephemeral(ephemeral, number, 7);
    must(medsec_handshake_open(&handshake, crypto(), MEDSEC_PATTERN_IKPSK1, MEDSEC_INITIATOR,
                               PROLOGUE, sizeof PROLOGUE - 1) == MEDSEC_OK &&
             medsec_handshake_set_static(&handshake, device.private_key, device.public_key) ==
                 MEDSEC_OK &&
             medsec_handshake_set_ephemeral(&handshake, ephemeral) == MEDSEC_OK,
         "device");
    medsec_handshake_set_remote_static(&handshake, gateway.public_key);
    medsec_handshake_set_psk(&handshake, PSK);
    medsec_record_write_header(hello, header);
    must(medsec_handshake_write(&handshake, hello + MEDSEC_RECORD_HEADER_LEN, HELLO_BODY_LEN, &len,
                                payload, sizeof payload) == MEDSEC_OK &&
             len == HELLO_BODY_LEN,
         "hello");
    medsec_handshake_close(&handshake);
}

/* The gateway: a session and its owner. */

static medsec_status find(void *context, const uint8_t public_key[MEDSEC_X25519_LEN],
                          medsec_suite suite, medsec_peer *peer)
{
    (void)context;
    (void)suite;
    memcpy(peer->psk[0], PSK, sizeof PSK);
    peer->psks = 1;
    peer->profile = &medsec_profile_pico_vitals;
    return crypto()->equal(public_key, device.public_key, MEDSEC_X25519_LEN)
               ? MEDSEC_OK
               : MEDSEC_ERR_UNKNOWN_DEVICE;
}

static void fresh(void *context, uint8_t *out, size_t len)
{
    must(len == MEDSEC_X25519_LEN, "ephemeral");
    make_ephemeral(out, *(const size_t *)context, 9);
}

static uint64_t utc_ms(void *context)
{
    (void)context;
    return 1700000000000u;
}

static void answer(size_t number)
{
    static const medsec_session_owner owner = {
        .find = find, .random = fresh, .utc_ms = utc_ms, .keys = &gateway, .key_count = 1};
    medsec_session session;
    medsec_event event;
    uint8_t hello[MEDSEC_HELLO_LEN];
    size_t used = 0;
    memcpy(hello, hellos[number], sizeof hello);
    medsec_session_open(&session, crypto(), &owner, &number);
    medsec_session_push(&session, hello, sizeof hello, &used, &event);
    must(event.type == MEDSEC_EVENT_WELCOME && event.output_len == MEDSEC_WELCOME_LEN, "welcome");
    medsec_session_close(&session);
}

/* One ephemeral key pair; es, ss, ee and se. */
static void bare(size_t number)
{
    uint8_t ephemeral[MEDSEC_X25519_LEN];
    uint8_t out[MEDSEC_X25519_LEN];
    make_ephemeral(ephemeral, number, 9);
    must(crypto()->x25519_public(out, ephemeral) == MEDSEC_OK, "public");
    for (int i = 0; i < 2; i++) {
        must(crypto()->x25519(out, gateway.private_key, device.public_key) == MEDSEC_OK &&
                 crypto()->x25519(out, ephemeral, device.public_key) == MEDSEC_OK,
             "x25519");
    }
}

static uint64_t run(void (*one)(size_t number))
{
    uint64_t start = now_ns();
    for (size_t i = 0; i < HANDSHAKES; i++) {
        one(i);
    }
    return now_ns() - start;
}

static int ascending(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

static double median_us(uint64_t values[ROUNDS])
{
    qsort(values, ROUNDS, sizeof values[0], ascending);
    return (double)values[ROUNDS / 2] / HANDSHAKES / 1000;
}

int main(void)
{
    static uint64_t ours[ROUNDS], floor[ROUNDS];
    make_keypair(&gateway, 1);
    make_keypair(&device, 2);
    for (size_t i = 0; i < HANDSHAKES; i++) {
        write_hello(hellos[i], i);
    }
    for (size_t i = 0; i < ROUNDS; i++) {
        floor[i] = run(bare);
        ours[i] = run(answer);
    }
    double us = median_us(ours);
    double bare_us = median_us(floor);
    printf("{\"bench\": \"handshake\", \"us\": %.1f, \"bare_us\": %.1f, \"of_bare\": %.2f, "
           "\"per_second\": %.0f, \"bare_per_second\": %.0f, \"target_per_second\": 4000}\n",
           us, bare_us, us / bare_us, 1e6 / us, 1e6 / bare_us);
    return 0;
}
