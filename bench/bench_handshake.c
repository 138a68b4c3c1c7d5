/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many handshakes a gateway makes in a second of one core: HELLO read, the device's psk set,
 * WELCOME written, both directions opened. Beside it the bare X25519 operations of the same
 * handshake, in the same run, in turns.
 */
#include <medsec/medsec.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HANDSHAKES = 50, ROUNDS = 41, PAYLOAD_LEN = 8 };
enum { HELLO_BODY_LEN = MEDSEC_HELLO_LEN - MEDSEC_RECORD_HEADER_LEN };
enum { WELCOME_BODY_LEN = MEDSEC_WELCOME_LEN - MEDSEC_RECORD_HEADER_LEN };

static const uint8_t PROLOGUE[] = "medsec/1\x11"; /* without the NUL */
static const uint8_t PSK[MEDSEC_PSK_LEN] = "a key that only one device has.";
static medsec_keypair gateway;
static medsec_keypair device;
static uint8_t hellos[HANDSHAKES][HELLO_BODY_LEN];

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

static void begin(medsec_handshake *handshake, medsec_role role, const medsec_keypair *own,
                  size_t number)
{
    uint8_t ephemeral[MEDSEC_X25519_LEN];
    make_ephemeral(ephemeral, number, role == MEDSEC_INITIATOR ? 7 : 9);
    must(medsec_handshake_open(handshake, crypto(), MEDSEC_PATTERN_IKPSK1, role, PROLOGUE,
                               sizeof PROLOGUE - 1) == MEDSEC_OK &&
             medsec_handshake_set_static(handshake, own->private_key, own->public_key) ==
                 MEDSEC_OK &&
             medsec_handshake_set_ephemeral(handshake, ephemeral) == MEDSEC_OK,
         "begin");
}

static void write_hello(size_t number)
{
    static const uint8_t payload[PAYLOAD_LEN];
    medsec_handshake handshake;
    size_t len = 0;
    begin(&handshake, MEDSEC_INITIATOR, &device, number);
    medsec_handshake_set_remote_static(&handshake, gateway.public_key);
    medsec_handshake_set_psk(&handshake, PSK);
    must(medsec_handshake_write(&handshake, hellos[number], HELLO_BODY_LEN, &len, payload,
                                sizeof payload) == MEDSEC_OK &&
             len == HELLO_BODY_LEN,
         "hello");
    medsec_handshake_close(&handshake);
}

static void answer(size_t number)
{
    medsec_handshake handshake;
    medsec_record to;
    medsec_record from;
    uint8_t payload[HELLO_BODY_LEN];
    uint8_t welcome[WELCOME_BODY_LEN];
    uint8_t to_gateway[MEDSEC_CHACHAPOLY_KEY_LEN];
    uint8_t to_device[MEDSEC_CHACHAPOLY_KEY_LEN];
    size_t len = 0;
    begin(&handshake, MEDSEC_RESPONDER, &gateway, number);
    must(medsec_handshake_read(&handshake, payload, &len, hellos[number], HELLO_BODY_LEN) ==
             MEDSEC_ERR_STATE,
         "the psk is asked for");
    must(crypto()->equal(medsec_handshake_remote_static(&handshake), device.public_key,
                         MEDSEC_X25519_LEN),
         "device");
    medsec_handshake_set_psk(&handshake, PSK);
    must(medsec_handshake_read(&handshake, payload, &len, hellos[number], HELLO_BODY_LEN) ==
             MEDSEC_OK,
         "read");
    must(medsec_handshake_write(&handshake, welcome, sizeof welcome, &len, payload, PAYLOAD_LEN) ==
             MEDSEC_OK,
         "write");
    must(medsec_handshake_split(&handshake, to_gateway, to_device) == MEDSEC_OK, "split");
    must(medsec_record_open(&from, crypto(), MEDSEC_SUITE_A128CBC_HS256, to_gateway) == MEDSEC_OK &&
             medsec_record_open(&to, crypto(), MEDSEC_SUITE_A128CBC_HS256, to_device) == MEDSEC_OK,
         "records");
    medsec_handshake_close(&handshake);
    medsec_record_close(&to);
    medsec_record_close(&from);
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
        write_hello(i);
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
