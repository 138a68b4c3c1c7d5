/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reading costs on its way from bytes to topics, against the floor: the bare primitives that
 * nobody can do without (hex, AES-CBC of OpenSSL, a JSON parser), in the same run, in turns.
 */
#include <medsec/medsec.h>

#include <cjson/cJSON.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRAMES = 200, FRAME_LEN = 263, ROUNDS = 301 };

#define PICO (&medsec_profile_pico_vitals)

static const uint8_t KEY[] = "a key for timing";
static const uint8_t IV[] = "and a vector too";

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench_core: %s\n", what);
        exit(1);
    }
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The frames of ten seconds at 20 Hz: 263 characters each, as the device's usually are. */
static void make_stream(char *stream, medsec_seed_chaining chaining)
{
    medsec_aes_cbc aes;
    must(medsec_aes_cbc_open(&aes, medsec_crypto_openssl(), MEDSEC_ENCRYPT, KEY) == MEDSEC_OK,
         "cipher");
    for (int i = 0; i < FRAMES; i++) {
        char json[256];
        size_t len = 0;
        int json_len =
            snprintf(json, sizeof json,
                     "{\"Temp\":\"36.6%02d\",\"TempMcu\":\"23.700\",\"PulseSig\":\"%d.%03d\","
                     "\"Acel_x\":\"0.%03d\",\"Acel_y\":\"-0.%02d\",\"Acel_z\":\"0.980\","
                     "\"TempMpu\":\"23.400\"}",
                     i % 100, i % 3, i * 37 % 1000, i * 11 % 1000, i % 100);
        must(medsec_seed_frame_encode(stream + i * FRAME_LEN, FRAME_LEN, &len, &aes, chaining, IV,
                                      json, (size_t)json_len) == MEDSEC_OK &&
                 len == FRAME_LEN,
             "frame");
    }
    medsec_aes_cbc_close(&aes);
}

/* Ours: bytes, session, reading, seven topics and their texts. */

static medsec_status identify(void *context, const uint8_t block[MEDSEC_AES_BLOCK_LEN],
                              medsec_identity *identity)
{
    (void)block;
    (void)context;
    memcpy(identity->key, KEY, sizeof identity->key);
    memcpy(identity->iv, IV, sizeof identity->iv);
    identity->profile = PICO;
    return MEDSEC_OK;
}

static size_t write_topics(const medsec_topic *topic, const medsec_reading *reading)
{
    size_t total = 0;
    for (size_t i = 0; i < reading->count; i++) {
        char text[MEDSEC_TOPIC_MAX];
        char value[MEDSEC_VALUE_TEXT_MAX];
        size_t len = 0;
        must(medsec_topic_expand(topic, text, sizeof text, &len, "iot_med_dev_01",
                                 PICO->vitals[i].topic) == MEDSEC_OK,
             "topic");
        total += len + medsec_value_write(value, reading->value[i]);
    }
    return total;
}

typedef struct ours {
    medsec_session session;
    medsec_topic topic;
} ours;

static uint64_t run_ours(ours *o, uint8_t *stream)
{
    size_t readings = 0;
    uint64_t start = now_ns();
    for (size_t at = 0; at < (size_t)FRAMES * FRAME_LEN;) {
        medsec_event event;
        size_t used = 0;
        medsec_session_push(&o->session, stream + at, (size_t)FRAMES * FRAME_LEN - at, &used,
                            &event);
        at += used;
        must(event.type != MEDSEC_EVENT_REJECTED, "rejected");
        if (event.type == MEDSEC_EVENT_READING) {
            readings++;
            must(write_topics(&o->topic, event.reading) > 0, "topics");
        }
    }
    uint64_t spent = now_ns() - start;
    must(readings == FRAMES, "a reading is missing");
    return spent;
}

/* The floor. */

static void floor_decrypt(EVP_CIPHER_CTX *context, uint8_t *out, const uint8_t *in, size_t len)
{
    int done = 0;
    must(EVP_DecryptInit_ex(context, NULL, NULL, NULL, IV) == 1 &&
             EVP_DecryptUpdate(context, out, &done, in, (int)len) == 1,
         "decrypt");
}

static uint64_t run_floor(EVP_CIPHER_CTX *context, const char *stream, size_t unit)
{
    uint64_t start = now_ns();
    for (size_t i = 0; i < FRAMES; i++) {
        uint8_t bytes[128];
        uint8_t text[128];
        for (size_t block = 0; block < sizeof bytes / 16; block++) {
            must(medsec_hex_decode(bytes + block * 16, stream + i * FRAME_LEN + block * 33, 32) ==
                     MEDSEC_OK,
                 "hex");
        }
        for (size_t at = 0; at < sizeof bytes; at += unit) {
            floor_decrypt(context, text + at, bytes + at, unit);
        }
        cJSON *json = cJSON_ParseWithLength((const char *)text, sizeof text);
        must(json != NULL, "json");
        cJSON_Delete(json);
    }
    return now_ns() - start;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, ascending);
    return values[count / 2];
}

static void measure(const char *name, medsec_seed_chaining chaining, size_t unit)
{
    static char stream[FRAMES * FRAME_LEN];
    static double ratios[ROUNDS];
    static double floors[ROUNDS];
    static double costs[ROUNDS];
    const medsec_session_owner owner = {.identify = identify};
    ours o;
    make_stream(stream, chaining);
    medsec_session_open(&o.session, medsec_crypto_openssl(), &owner, NULL);
    must(medsec_topic_compile(&o.topic, MEDSEC_TOPIC_TEMPLATE_DEFAULT,
                              strlen(MEDSEC_TOPIC_TEMPLATE_DEFAULT)) == MEDSEC_OK,
         "template");
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    must(context != NULL && EVP_DecryptInit_ex(context, EVP_aes_128_cbc(), NULL, KEY, IV) == 1 &&
             EVP_CIPHER_CTX_set_padding(context, 0) == 1,
         "context");
    for (size_t i = 0; i < ROUNDS; i++) {
        floors[i] = (double)run_floor(context, stream, unit) / FRAMES;
        costs[i] = (double)run_ours(&o, (uint8_t *)stream) / FRAMES;
        ratios[i] = costs[i] / floors[i];
    }
    printf("{\"bench\":\"core\",\"chaining\":\"%s\",\"floor_ns\":%.0f,\"reading_ns\":%.0f,"
           "\"ratio\":%.2f,\"target\":2.0}\n",
           name, median(floors, ROUNDS), median(costs, ROUNDS), median(ratios, ROUNDS));
    EVP_CIPHER_CTX_free(context);
    medsec_session_close(&o.session);
}

int main(void)
{
    measure("chained", MEDSEC_SEED_CHAINED, 128);
    measure("per block", MEDSEC_SEED_PER_BLOCK, 16);
    return 0;
}
