/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "seed_wire.h"
#include "splits.h"
#include "vectors.h"

#include <medsec/session.h>
#include <medsec/topic.h>

#include <stdlib.h>
#include <string.h>

#define PICO (&medsec_profile_pico_vitals)

/* A registry of two devices, one of them revoked; a third key is not in it. */
typedef struct device {
    const char *id;
    const char *key;
    const char *iv;
    medsec_status status;
} device;

typedef struct gateway {
    const device *devices;
    size_t count;
    medsec_session_owner owner;
    medsec_session session;
    size_t asked;
} gateway;

#define OTHER_KEY "the other's key."
#define REVOKED_KEY "a revoked key..."
#define UNKNOWN_KEY "nobody has this."

static const device DEVICES[] = {
    {"other", OTHER_KEY, SEED_IV, MEDSEC_OK},
    {"iot_med_dev_01", SEED_KEY, SEED_IV, MEDSEC_OK},
    {"revoked", REVOKED_KEY, SEED_IV, MEDSEC_ERR_REVOKED},
};

static bool opens(const device *d, const uint8_t block[MEDSEC_AES_BLOCK_LEN])
{
    medsec_aes_cbc aes;
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    uint8_t text[MEDSEC_AES_BLOCK_LEN];
    memcpy(iv, d->iv, sizeof iv);
    assert_int_equal(
        medsec_aes_cbc_open(&aes, medsec_crypto_openssl(), MEDSEC_DECRYPT, (const uint8_t *)d->key),
        MEDSEC_OK);
    assert_int_equal(medsec_aes_cbc_run(&aes, text, block, sizeof text, iv), MEDSEC_OK);
    medsec_aes_cbc_close(&aes);
    return medsec_seed_text_begins_reading(PICO, text);
}

static medsec_status identify(void *context, const uint8_t block[MEDSEC_AES_BLOCK_LEN],
                              medsec_identity *identity)
{
    gateway *g = context;
    g->asked++;
    for (size_t i = 0; i < g->count; i++) {
        const device *d = &g->devices[i];
        if (!opens(d, block)) {
            continue;
        }
        memcpy(identity->key, d->key, sizeof identity->key);
        memcpy(identity->iv, d->iv, sizeof identity->iv);
        identity->profile = PICO;
        identity->device = (void *)(uintptr_t)d->id;
        return d->status;
    }
    return MEDSEC_ERR_UNKNOWN_DEVICE;
}

static void begin(void *context)
{
    gateway *g = context;
    g->asked = 0;
    g->owner = (medsec_session_owner){.identify = identify};
    medsec_session_open(&g->session, medsec_crypto_openssl(), &g->owner, g);
}

/* As a gateway does: the seven values on their topics. */
static void publish(trace *log, const char *id, const medsec_reading *reading)
{
    medsec_topic topic;
    assert_int_equal(medsec_topic_compile(&topic, MEDSEC_TOPIC_TEMPLATE_DEFAULT,
                                          strlen(MEDSEC_TOPIC_TEMPLATE_DEFAULT)),
                     MEDSEC_OK);
    assert_int_equal(reading->count, PICO->count);
    for (size_t i = 0; i < reading->count; i++) {
        char line[512];
        size_t len = 0;
        assert_int_equal(
            medsec_topic_expand(&topic, line, MEDSEC_TOPIC_MAX, &len, id, PICO->vitals[i].topic),
            MEDSEC_OK);
        line[len++] = '=';
        len += medsec_value_write(line + len, reading->value[i]);
        trace_add(log, line, len);
    }
}

static void push(void *context, uint8_t *data, size_t len, trace *log)
{
    gateway *g = context;
    medsec_event event;
    do {
        size_t used = 0;
        medsec_session_push(&g->session, data, len, &used, &event);
        assert_true(used <= len);
        data += used;
        len -= used;
        switch (event.type) {
        case MEDSEC_EVENT_IDENTIFIED:
            trace_add_word(log, event.device);
            break;
        case MEDSEC_EVENT_READING:
            publish(log, event.device, event.reading);
            break;
        default:
            break;
        }
    } while (event.type != MEDSEC_EVENT_NONE && event.type != MEDSEC_EVENT_REJECTED);
    assert_true(event.type == MEDSEC_EVENT_REJECTED || len == 0);
}

/* Why it was rejected; or 1 where the stream may end, and 0 elsewhere. */
static int end(void *context, trace *log)
{
    gateway *g = context;
    medsec_event event;
    size_t used = 0;
    (void)log;
    medsec_session_push(&g->session, NULL, 0, &used, &event);
    int last = event.type == MEDSEC_EVENT_REJECTED ? (int)event.reason
                                                   : medsec_session_at_boundary(&g->session);
    assert_true(g->asked <= 1);
    medsec_session_close(&g->session);
    medsec_session_close(&g->session);
    return last;
}

static machine machine_of(gateway *g)
{
    return (machine){g, begin, push, end};
}

static void expect(const void *data, size_t len, const char *events, int last)
{
    static trace log;
    gateway g = {.devices = DEVICES, .count = sizeof DEVICES / sizeof DEVICES[0]};
    machine m = machine_of(&g);
    run_every_split(&m, data, len, &log);
    assert_int_equal(log.end, last);
    assert_int_equal(log.len, strlen(events));
    assert_memory_equal(log.text, events, log.len);
}

static const char PUBLISHED[] = "Pico/iot_med_dev_01/Physiological_Data/Temperature=36.600\n"
                                "Pico/iot_med_dev_01/Physiological_Data/Pulse_Signal=1.755\n"
                                "Pico/iot_med_dev_01/Physiological_Data/Accelerometer/x=0.000\n"
                                "Pico/iot_med_dev_01/Physiological_Data/Accelerometer/y=-0.50\n"
                                "Pico/iot_med_dev_01/Physiological_Data/Accelerometer/z=0.000\n"
                                "Pico/iot_med_dev_01/Internal_Device_Data/Temperature/MCU=23.700\n"
                                "Pico/iot_med_dev_01/Internal_Device_Data/Temperature/MPU=23.400\n";

/* IDENTIFIED and `count` readings. */
static const char *published(int count)
{
    static char text[4096];
    strcpy(text, "iot_med_dev_01\n");
    while (count-- > 0) {
        strcat(text, PUBLISHED);
    }
    return text;
}

static void test_push_readings(void **state)
{
    (void)state;
    for (int chaining = MEDSEC_SEED_PER_BLOCK; chaining <= MEDSEC_SEED_CHAINED; chaining++) {
        seed_wire w = {.len = 0};
        for (int i = 0; i < 3; i++) {
            seed_wire_add(&w, (medsec_seed_chaining)chaining, SEED_READING);
        }
        expect(w.text, w.len, published(3), 1);
        expect(w.text, w.len - 1, published(2), 0);
    }
}

static void test_push_every_truncation(void **state)
{
    (void)state;
    gateway g = {.devices = DEVICES, .count = sizeof DEVICES / sizeof DEVICES[0]};
    machine m = machine_of(&g);
    seed_wire w = {.len = 0};
    seed_wire_add(&w, MEDSEC_SEED_CHAINED, SEED_READING);
    seed_wire_add(&w, MEDSEC_SEED_CHAINED, SEED_READING);
    run_every_truncation(&m, w.text, w.len);
    for (size_t cut = 0; cut < 263; cut++) {
        static trace log;
        run_whole(&m, w.text, cut, &log);
        assert_int_equal(log.len, 0);
        assert_int_equal(log.end, cut == 0);
    }
}

/* Upper case is read as well. */
static void test_push_upper_case(void **state)
{
    (void)state;
    seed_wire w = {.len = 0};
    seed_wire_add(&w, MEDSEC_SEED_CHAINED, SEED_READING);
    for (size_t i = 0; i < w.len; i++) {
        if (w.text[i] >= 'a') {
            w.text[i] = (char)(w.text[i] - 'a' + 'A');
        }
    }
    expect(w.text, w.len, published(1), 1);
}

static void expect_text(const char *text, int last)
{
    expect(text, strlen(text), "", last);
}

static void test_push_no_wire(void **state)
{
    (void)state;
    expect_text("GET / HTTP/1.1\r\nHost: gateway\r\n\r\n", MEDSEC_ERR_WIRE);
    expect_text("\xff\xff\xff\xff", MEDSEC_ERR_WIRE);
    expect_text("\r\n", MEDSEC_ERR_WIRE);
    expect_text("+", MEDSEC_ERR_WIRE);
    expect_text("{\"Temp\":\"36.600\"}", MEDSEC_ERR_WIRE);
    expect("\0\0\0\0", 4, "", MEDSEC_ERR_WIRE);
    expect("\xa1\x11\0\0", 4, "", MEDSEC_ERR_WIRE);
}

static void test_push_no_block(void **state)
{
    (void)state;
    expect_text("aa+bb", MEDSEC_ERR_FRAME);
    expect_text("6.6.6.6&66", MEDSEC_ERR_FRAME);
    expect_text("0123456789abcdef\r\n", MEDSEC_ERR_FRAME);
    expect_text("DELETE / HTTP/1.1\r\n", MEDSEC_ERR_FRAME);
    expect_text("0", 0);
    expect_text("", 1);
}

static void test_push_address_before_the_first_frame(void **state)
{
    (void)state;
    seed_wire w = {.len = 0};
    memcpy(w.text, "6.6.6.6&66", 10);
    w.len = 10;
    seed_wire_add(&w, MEDSEC_SEED_PER_BLOCK, SEED_READING);
    expect(w.text, w.len, "", MEDSEC_ERR_FRAME);
}

static void test_push_unknown_device(void **state)
{
    (void)state;
    seed_wire w = {.len = 0};
    seed_wire_frame(&w, MEDSEC_SEED_CHAINED, UNKNOWN_KEY, SEED_READING, strlen(SEED_READING));
    expect(w.text, w.len, "", MEDSEC_ERR_UNKNOWN_DEVICE);
    expect_text("00000000000000000000000000000000", MEDSEC_ERR_UNKNOWN_DEVICE);
}

static void test_push_revoked_device(void **state)
{
    (void)state;
    seed_wire w = {.len = 0};
    seed_wire_frame(&w, MEDSEC_SEED_CHAINED, REVOKED_KEY, SEED_READING, strlen(SEED_READING));
    expect(w.text, w.len, "", MEDSEC_ERR_REVOKED);
}

/* The first block is that of a reading, the rest is not: nobody is identified. */
static void test_push_first_block_alone_identifies_nobody(void **state)
{
    (void)state;
    seed_wire w = {.len = 0};
    seed_wire_add(&w, MEDSEC_SEED_PER_BLOCK, SEED_READING);
    memset(w.text + 33, '0', 32);
    expect(w.text, w.len, "", MEDSEC_ERR_CRYPTO);
}

static void test_push_foreign_frame_after_identification(void **state)
{
    (void)state;
    for (int chaining = MEDSEC_SEED_PER_BLOCK; chaining <= MEDSEC_SEED_CHAINED; chaining++) {
        seed_wire w = {.len = 0};
        seed_wire_add(&w, (medsec_seed_chaining)chaining, SEED_READING);
        seed_wire_frame(&w, (medsec_seed_chaining)chaining, OTHER_KEY, SEED_READING,
                        strlen(SEED_READING));
        expect(w.text, w.len, published(1), MEDSEC_ERR_CRYPTO);
    }
}

static void test_push_line_end_after_a_frame(void **state)
{
    (void)state;
    seed_wire w = {.len = 0};
    seed_wire_add(&w, MEDSEC_SEED_PER_BLOCK, SEED_READING);
    w.text[w.len++] = '\n';
    expect(w.text, w.len, published(1), MEDSEC_ERR_FRAME);
}

static void test_push_bad_readings(void **state)
{
    static const struct {
        const char *text;
        medsec_status reason;
    } cases[] = {
        {"{\"Temp\":\"36.600\"}", MEDSEC_ERR_MISSING},
        {"{\"Temp\":\"36.600\",\"TempMcu\":\"23.700\",\"PulseSig\":\"1.755\",\"Acel_x\":\"0.000\","
         "\"Acel_y\":\"-0.50\",\"Acel_z\":\"0.000\"}",
         MEDSEC_ERR_MISSING},
        {"{\"Temp\":\"36.600\",\"TempMcu\":\"1234567890\",\"PulseSig\":\"1.755\",\"Acel_x\":\"0.0\""
         ",\"Acel_y\":\"-0.50\",\"Acel_z\":\"0.000\",\"TempMpu\":\"23.400\"}",
         MEDSEC_ERR_NUMBER},
        {"{\"Temp\":\"36.6000001\",\"TempMcu\":\"1\",\"PulseSig\":\"1.755\",\"Acel_x\":\"0.0\""
         ",\"Acel_y\":\"-0.50\",\"Acel_z\":\"0.000\",\"TempMpu\":\"23.400\"}",
         MEDSEC_ERR_NUMBER},
        {"{\"Temp\":\"36.600\",\"Temp\":\"36.600\"}", MEDSEC_ERR_DUPLICATE},
        {"{\"Temp\":\"36.600\",\"TempMcu\":\"NaN\"}", MEDSEC_ERR_SYNTAX},
        {"{\"Temp\":\"36.600\",\"TempMcu\":\"1e999\"}", MEDSEC_ERR_SYNTAX},
        {"{\"Temp\":\"36.600\",\"TempMcu\":\"0x10\"}", MEDSEC_ERR_SYNTAX},
        {"{\"Temp\":\"36.600\",\"TempMcu\":\"+1\"}", MEDSEC_ERR_SYNTAX},
        {"{\"Temp\":\"36.600\",\"TempMcu\":\" 1\"}", MEDSEC_ERR_SYNTAX},
        {"{\"Temp\":\"36.600\",\"TempMcu\":\"1\n\"}", MEDSEC_ERR_SYNTAX},
        {"{\"Temp\":\"36.600\",\"TempMcu\":\"1\x1b\"}", MEDSEC_ERR_CRYPTO},
        {"{\"Temp\":\"NaN\"}", MEDSEC_ERR_UNKNOWN_DEVICE},
        {"''''''''''''''''", MEDSEC_ERR_UNKNOWN_DEVICE},
        {"", MEDSEC_ERR_UNKNOWN_DEVICE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        seed_wire w = {.len = 0};
        seed_wire_add(&w, MEDSEC_SEED_CHAINED, cases[i].text);
        expect(w.text, w.len, "", cases[i].reason);
        if (cases[i].reason == MEDSEC_ERR_UNKNOWN_DEVICE) {
            continue;
        }
        w.len = 0;
        seed_wire_add(&w, MEDSEC_SEED_PER_BLOCK, SEED_READING);
        seed_wire_add(&w, MEDSEC_SEED_PER_BLOCK, cases[i].text);
        expect(w.text, w.len, published(1), cases[i].reason);
    }
}

static void test_push_extra_members_are_ignored(void **state)
{
    (void)state;
    seed_wire w = {.len = 0};
    char text[512];
    snprintf(text, sizeof text, "{\"battery\":3.7,\"note\":\"a&b\",\"ok\":true,%s",
             &SEED_READING[1]);
    seed_wire_add(&w, MEDSEC_SEED_CHAINED, text);
    expect(w.text, w.len, published(1), 1);
}

static void test_push_too_many_blocks(void **state)
{
    (void)state;
    seed_wire w = {.len = 0};
    seed_wire_block(&w, SEED_KEY, "{\"Temp\":\"36.600\"");
    for (size_t i = 1; i <= MEDSEC_SEED_BLOCKS_MAX; i++) {
        w.text[w.len++] = '+';
        seed_wire_block(&w, SEED_KEY, "                ");
    }
    expect(w.text, w.len, "", MEDSEC_ERR_LIMIT);
}

/*
 * One flipped bit anywhere: rejected, or, this wire having no tag, another valid reading. It never
 * changes what was published before it, and never crashes.
 */
static void test_push_flipped_bits(void **state)
{
    (void)state;
    static trace log;
    gateway g = {.devices = DEVICES, .count = sizeof DEVICES / sizeof DEVICES[0]};
    machine m = machine_of(&g);
    size_t rejected = 0;
    seed_wire w = {.len = 0};
    seed_wire_add(&w, MEDSEC_SEED_CHAINED, SEED_READING);
    seed_wire_add(&w, MEDSEC_SEED_CHAINED, SEED_READING);
    for (size_t i = 263; i < w.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            w.text[i] = (char)(w.text[i] ^ 1 << bit);
            run_whole(&m, w.text, w.len, &log);
            assert_true(log.len >= strlen(published(1)));
            assert_memory_equal(log.text, published(1), strlen(published(1)));
            rejected += log.end < 0;
            w.text[i] = (char)(w.text[i] ^ 1 << bit);
        }
    }
    assert_true(rejected > 263 * 7);
}

static medsec_status say(void *context, const uint8_t block[MEDSEC_AES_BLOCK_LEN],
                         medsec_identity *identity)
{
    (void)block;
    (void)identity;
    return *(medsec_status *)context;
}

static void test_push_owner_refuses(void **state)
{
    (void)state;
    medsec_status answers[] = {MEDSEC_ERR_BUSY, MEDSEC_ERR_UNKNOWN_DEVICE, MEDSEC_OK};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        medsec_session session;
        medsec_session_owner owner = {.identify = say};
        medsec_event event;
        size_t used = 0;
        uint8_t data[] = "00112233445566778899aabbccddeeff";
        medsec_session_open(&session, medsec_crypto_openssl(), &owner, &answers[i]);
        medsec_session_push(&session, data, sizeof data - 1, &used, &event);
        assert_int_equal(event.type, MEDSEC_EVENT_REJECTED);
        /* An identity without a profile is the owner's fault. */
        assert_int_equal(event.reason, answers[i] == MEDSEC_OK ? MEDSEC_ERR_ARGUMENT : answers[i]);
        assert_null(event.device);
        medsec_session_close(&session);
    }
}

static void test_wire(void **state)
{
    (void)state;
    gateway g = {.devices = DEVICES, .count = 1};
    medsec_event event;
    size_t used = 0;
    uint8_t digit = '0';
    begin(&g);
    assert_int_equal(medsec_session_wire(&g.session), 0);
    medsec_session_push(&g.session, &digit, 1, &used, &event);
    assert_int_equal(event.type, MEDSEC_EVENT_NONE);
    assert_int_equal(used, 1);
    assert_int_equal(medsec_session_wire(&g.session), MEDSEC_WIRE_SEED);
    medsec_session_close(&g.session);
    medsec_session_push(&g.session, &digit, 1, &used, &event);
    assert_int_equal(event.type, MEDSEC_EVENT_REJECTED);
}

/* An owner that identifies nobody by a block serves no seed device. */
static void test_wire_not_served(void **state)
{
    (void)state;
    gateway g = {.count = 0};
    medsec_event event;
    size_t used = 0;
    uint8_t digits[] = "00112233445566778899aabbccddeeff";
    begin(&g);
    g.owner.identify = NULL;
    medsec_session_push(&g.session, digits, sizeof digits - 1, &used, &event);
    assert_int_equal(event.type, MEDSEC_EVENT_REJECTED);
    assert_int_equal(event.reason, MEDSEC_ERR_WIRE);
    medsec_session_close(&g.session);
}

/* Nothing can be said to a seed device, not even to one that is identified. */
static void test_ack_on_the_seed_wire(void **state)
{
    (void)state;
    static trace log;
    gateway g = {.devices = DEVICES, .count = sizeof DEVICES / sizeof DEVICES[0]};
    uint8_t out[MEDSEC_SESSION_OUT_LEN];
    size_t len = 0;
    seed_wire w = {.len = 0};
    seed_wire_add(&w, MEDSEC_SEED_CHAINED, SEED_READING);
    begin(&g);
    push(&g, (uint8_t *)w.text, w.len, &log);
    assert_int_equal(medsec_session_ack(&g.session, out, &len, 0, 0), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_session_goodbye(&g.session, out, &len, MEDSEC_CLOSE_DONE),
                     MEDSEC_ERR_STATE);
    assert_true(medsec_session_at_boundary(&g.session));
    medsec_session_close(&g.session);
}

/* Nothing of the key or of a value stays behind. */
static void test_close_wipes(void **state)
{
    (void)state;
    gateway g = {.devices = DEVICES, .count = sizeof DEVICES / sizeof DEVICES[0]};
    static trace log;
    seed_wire w = {.len = 0};
    seed_wire_add(&w, MEDSEC_SEED_CHAINED, SEED_READING);
    begin(&g);
    push(&g, (uint8_t *)w.text, w.len, &log);
    medsec_session_close(&g.session);
    const medsec_session_owner *owner = NULL;
    assert_ptr_equal(g.session.owner, owner);
    static const medsec_seed_decoder nothing;
    assert_memory_equal(&g.session.on.seed.decoder, &nothing, sizeof nothing);
}

/* The published simulator's own traffic, and every vital that the published server made of it. */
static void check_capture(const char *id, const char *key, const char *iv, const char *name)
{
    static trace log;
    static trace expected;
    char path[64];
    snprintf(path, sizeof path, "seed/captures/%s.bin", name);
    FILE *file = vectors_open(path);
    if (file == NULL) {
        skip();
    }
    size_t len = 0;
    char *wire = vectors_read(file, &len);
    fclose(file);
    snprintf(path, sizeof path, "seed/captures/%s.mqtt.jsonl", name);
    file = vectors_open(path);
    assert_non_null(file);
    expected.len = 0;
    expected.end = 1;
    trace_add_word(&expected, id);
    for (cJSON *message; (message = vectors_next(file)) != NULL; cJSON_Delete(message)) {
        const char *topic = vectors_text(message, "topic");
        char line[512];
        if (strstr(topic, "_Data/") != NULL) {
            snprintf(line, sizeof line, "%s=%s", topic, vectors_text(message, "payload"));
            trace_add_word(&expected, line);
        }
    }
    fclose(file);
    device one = {id, key, iv, MEDSEC_OK};
    gateway g = {.devices = &one, .count = 1};
    machine m = machine_of(&g);
    run_whole(&m, wire, len, &log);
    assert_true(trace_is(&log, &expected));
    free(wire);
}

static void test_push_captures(void **state)
{
    (void)state;
    check_capture("iot_med_dev_01", "1234567890123456", "AAAAAAAAAAAAAAAA", "dev1");
    check_capture("iot_med_dev_02", "AAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAA", "dev2");
    check_capture("iot_med_dev_03", "BBBBBBBBBBBBBBBB", "AAAAAAAAAAAAAAAA", "dev3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push_readings),
        cmocka_unit_test(test_push_every_truncation),
        cmocka_unit_test(test_push_upper_case),
        cmocka_unit_test(test_push_no_wire),
        cmocka_unit_test(test_push_no_block),
        cmocka_unit_test(test_push_address_before_the_first_frame),
        cmocka_unit_test(test_push_unknown_device),
        cmocka_unit_test(test_push_revoked_device),
        cmocka_unit_test(test_push_first_block_alone_identifies_nobody),
        cmocka_unit_test(test_push_foreign_frame_after_identification),
        cmocka_unit_test(test_push_line_end_after_a_frame),
        cmocka_unit_test(test_push_bad_readings),
        cmocka_unit_test(test_push_extra_members_are_ignored),
        cmocka_unit_test(test_push_too_many_blocks),
        cmocka_unit_test(test_push_flipped_bits),
        cmocka_unit_test(test_push_owner_refuses),
        cmocka_unit_test(test_wire),
        cmocka_unit_test(test_wire_not_served),
        cmocka_unit_test(test_ack_on_the_seed_wire),
        cmocka_unit_test(test_close_wipes),
        cmocka_unit_test(test_push_captures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
