/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "v1_wire.h"

#include <medsec/device.h>
#include <stdio.h>
#include <string.h>

/* The two ends of the library against each other, over a path that does what a test says. */

#define PICO (&medsec_profile_pico_vitals)
#define FOR_SUITES(suite) \
    for (medsec_suite suite = MEDSEC_SUITE_A128CBC_HS256; suite <= MEDSEC_SUITE_CHACHAPOLY; suite++)

enum { READINGS = 7, BATCH = 3, STEPS_MAX = 2000, SLOTS = 16 };

/* One direction: bytes are counted over all connections. */
typedef struct path {
    size_t total;
    size_t split; /* what comes before this place is delivered alone */
    size_t cut; /* the connection breaks at this place */
    size_t flip; /* a bit of the byte at this place */
    uint8_t bit;
} path;

#define NOWHERE SIZE_MAX
static const path HONEST = {0, NOWHERE, NOWHERE, NOWHERE, 0};

typedef struct bench {
    v1_secrets secrets;
    v1_entry entry;
    v1_session gateway;
    char ephemeral[32];
    unsigned connections;
    bool connected;
    bool asked; /* a CONFIG was sent */
    medsec_device device;
    uint8_t ring[SLOTS * MEDSEC_DEVICE_SLOT_LEN(7)];
    uint64_t random;
    uint64_t now_ms;
    path up;
    path down;
    trace log;
} bench;

static bench b;

static void give_random(void *context, uint8_t *out, size_t len)
{
    uint64_t *state = context;
    for (size_t i = 0; i < len; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(*state >> 56);
    }
}

static void set_up(medsec_suite suite)
{
    memset(&b, 0, sizeof b);
    b.up = HONEST;
    b.down = HONEST;
    b.now_ms = 5000;
    v1_secrets_make(&b.secrets, "cuff", "gateway");
    b.entry = (v1_entry){.id = "cuff", .secrets = &b.secrets, .suite = suite};
    b.gateway = (v1_session){.entries = &b.entry,
                             .count = 1,
                             .keys = {b.secrets.gateway},
                             .key_count = 1,
                             .now_ms = 1700000000000,
                             .acknowledges = true};
}

static void open_device(const v1_secrets *secrets)
{
    medsec_credential credential = {.device = "cuff",
                                    .profile = "pico-vitals",
                                    .wire = MEDSEC_WIRE_MEDSEC1,
                                    .suite = (uint8_t)b.entry.suite,
                                    .has_private = true};
    memcpy(credential.device_private, secrets->device.private_key, MEDSEC_X25519_LEN);
    memcpy(credential.device_public, secrets->device.public_key, MEDSEC_X25519_LEN);
    memcpy(credential.psk, secrets->psk, MEDSEC_PSK_LEN);
    memcpy(credential.gateway_public, secrets->gateway.public_key, MEDSEC_X25519_LEN);
    const medsec_device_options options = {
        .crypto = medsec_crypto_openssl(),
        .profile = PICO,
        .credential = &credential,
        .random = give_random,
        .random_context = &b.random,
        .boot = 7,
        .ring = b.ring,
        .ring_len = sizeof b.ring,
        .config = {.given = MEDSEC_CONFIG_BATCH_MAX, .batch_max = BATCH},
        .no_sampling = true};
    assert_int_equal(medsec_device_open(&b.device, &options, b.now_ms), MEDSEC_OK);
    for (int32_t i = 0; i < READINGS; i++) {
        medsec_reading reading = {.count = (uint8_t)PICO->count};
        for (int32_t v = 0; v < reading.count; v++) {
            reading.value[v] = (medsec_value){
                .mantissa = 1000 * v + i, .decimals = 3, .kind = MEDSEC_VALUE_NUMBER};
        }
        assert_int_equal(medsec_device_sample(&b.device, b.now_ms, &reading), MEDSEC_OK);
        b.now_ms += 50;
    }
    medsec_device_finish(&b.device);
}

static void connect_them(void)
{
    snprintf(b.ephemeral, sizeof b.ephemeral, "ephemeral %u", b.connections++);
    b.gateway.ephemeral = b.ephemeral;
    v1_session_begin(&b.gateway);
    b.connected = true;
    medsec_device_connected(&b.device, b.now_ms);
}

static void disconnect_them(void)
{
    if (b.connected) {
        b.connected = false;
        (void)v1_session_end(&b.gateway, &b.log);
        medsec_device_disconnected(&b.device, b.now_ms);
    }
}

static bool gateway_is_over(void)
{
    medsec_event event;
    size_t used = 0;
    medsec_session_push(&b.gateway.session, NULL, 0, &used, &event);
    return event.type != MEDSEC_EVENT_NONE;
}

/* At most that many bytes are one delivery; `data` has what the path made of them. */
static size_t carry(path *p, uint8_t *data, size_t len)
{
    size_t count = len;
    if (p->total < p->split && p->split - p->total < count) {
        count = p->split - p->total;
    }
    if (p->total <= p->cut && p->cut - p->total < count) {
        count = p->cut - p->total;
    }
    if (p->total <= p->flip && p->flip - p->total < count) {
        data[p->flip - p->total] ^= (uint8_t)(1u << p->bit);
    }
    p->total += count;
    return count;
}

static bool is_cut(const path *p)
{
    return p->total == p->cut;
}

static void deliver_down(void)
{
    uint8_t data[sizeof b.gateway.out];
    size_t len = b.gateway.out_len;
    b.gateway.out_len = 0;
    memcpy(data, b.gateway.out, len);
    for (size_t at = 0; b.connected && at < len;) {
        size_t count = carry(&b.down, data + at, len - at);
        medsec_device_receive(&b.device, b.now_ms, data + at, count);
        at += count;
        if (is_cut(&b.down)) {
            b.down.cut = NOWHERE;
            disconnect_them();
        }
    }
}

static void ask_once(void)
{
    static const medsec_config config = {9, MEDSEC_CONFIG_REPORT_INTERVAL, 0, 0, 1234};
    size_t len = 0;
    v1_session *g = &b.gateway;
    if (!b.asked &&
        medsec_session_config(&g->session, g->out + g->out_len, &len, &config) == MEDSEC_OK) {
        b.asked = true;
        g->out_len += len;
    }
}

static void deliver_up(uint8_t *data, size_t len)
{
    for (size_t at = 0; b.connected && at < len;) {
        size_t count = carry(&b.up, data + at, len - at);
        v1_session_push(&b.gateway, data + at, count, &b.log);
        at += count;
        ask_once();
        deliver_down();
        if (is_cut(&b.up) || (b.connected && gateway_is_over())) {
            b.up.cut = is_cut(&b.up) ? NOWHERE : b.up.cut;
            disconnect_them();
        }
    }
}

/* Until the device has said all, or `connections` were not enough. */
static void run(unsigned connections)
{
    for (int i = 0; i < STEPS_MAX && !medsec_device_finished(&b.device); i++) {
        uint8_t out[MEDSEC_DEVICE_OUT_LEN];
        medsec_step step;
        medsec_device_poll(&b.device, b.now_ms, out, sizeof out, &step);
        switch (step.type) {
        case MEDSEC_STEP_WAIT:
            assert_true(step.until_ms != UINT64_MAX);
            b.now_ms = step.until_ms > b.now_ms ? step.until_ms : b.now_ms;
            break;
        case MEDSEC_STEP_CONNECT:
            if (b.connections == connections) {
                return;
            }
            connect_them();
            break;
        case MEDSEC_STEP_SEND:
            deliver_up(out, step.len);
            break;
        case MEDSEC_STEP_CLOSE:
            disconnect_them();
            break;
        default:
            fail();
        }
    }
}

static void stop(void)
{
    disconnect_them();
    medsec_device_close(&b.device);
}

/* Every reading came, and each time the same; so says the device as well. */
static void expect_all(void)
{
    static const char begin[] = "reading cuff 7 ";
    char first[READINGS][256] = {{0}};
    size_t found = 0;
    medsec_device_stats stats;
    medsec_device_get_stats(&b.device, &stats);
    assert_true(medsec_device_finished(&b.device));
    assert_int_equal(stats.acknowledged, READINGS);
    assert_int_equal(stats.pending, 0);
    for (size_t at = 0; at < b.log.len;) {
        const char *line = b.log.text + at;
        size_t len = (size_t)((const char *)memchr(line, '\n', b.log.len - at) - line);
        at += len + 1;
        if (strncmp(line, begin, sizeof begin - 1) != 0) {
            continue;
        }
        size_t sequence = (size_t)(line[sizeof begin - 1] - '0');
        assert_true(sequence < READINGS && len < sizeof first[0]);
        found += first[sequence][0] == '\0';
        if (first[sequence][0] == '\0') {
            memcpy(first[sequence], line, len);
        }
        assert_int_equal(strlen(first[sequence]), len);
        assert_memory_equal(first[sequence], line, len);
    }
    assert_int_equal(found, READINGS);
}

static void converse(medsec_suite suite, path up, path down)
{
    set_up(suite);
    b.up = up;
    b.down = down;
    open_device(&b.secrets);
    run(5);
    expect_all();
    stop();
}

static void test_conversation_at_every_split(void **state)
{
    (void)state;
    static trace whole;
    FOR_SUITES(suite)
    {
        converse(suite, HONEST, HONEST);
        assert_int_equal(b.connections, 1);
        whole = b.log;
        size_t up = b.up.total;
        size_t down = b.down.total;
        for (size_t split = 1; split < (up > down ? up : down); split++) {
            path p = HONEST;
            p.split = split;
            converse(suite, p, p);
            assert_int_equal(b.connections, 1);
            assert_true(trace_is(&b.log, &whole));
        }
    }
}

/* What breaks off is said again on the next connection. */
static void test_conversation_cut_anywhere(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        converse(suite, HONEST, HONEST);
        size_t up = b.up.total;
        size_t down = b.down.total;
        for (size_t cut = 0; cut < up; cut++) {
            path p = HONEST;
            p.cut = cut;
            converse(suite, p, HONEST);
            assert_true(b.connections == 2 || cut > up - 40); /* where it said goodbye */
        }
        for (size_t cut = 0; cut < down; cut++) {
            path p = HONEST;
            p.cut = cut;
            converse(suite, HONEST, p);
        }
    }
}

/* One wrong bit costs a connection, and no reading. */
static void test_conversation_flipped_anywhere(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        converse(suite, HONEST, HONEST);
        size_t up = b.up.total;
        size_t down = b.down.total;
        for (size_t flip = 0; flip < up; flip++) {
            path p = HONEST;
            p.flip = flip;
            p.bit = flip % 8;
            converse(suite, p, HONEST);
            assert_true(b.connections == 2 || flip > up - 40);
        }
        for (size_t flip = 0; flip < down; flip++) {
            path p = HONEST;
            p.flip = flip;
            p.bit = flip % 8;
            converse(suite, HONEST, p);
            assert_true(b.connections == 2 || flip > down - 80);
        }
    }
}

static void expect_first_lines(const char *text)
{
    assert_true(b.log.len >= strlen(text));
    assert_memory_equal(b.log.text, text, strlen(text));
}

static void test_device_under_a_pending_psk(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        set_up(suite);
        v1_secrets renewed = b.secrets;
        v1_bytes(renewed.psk, "the cuff's next psk");
        b.entry.pending = renewed.psk;
        open_device(&renewed);
        run(1);
        expect_first_lines("welcome\nidentified cuff 1\n");
        expect_all();
        stop();
    }
}

static void test_device_that_pins_the_key_before(void **state)
{
    (void)state;
    set_up(MEDSEC_SUITE_A128CBC_HS256);
    b.gateway.keys[1] = b.gateway.keys[0];
    v1_keypair(&b.gateway.keys[0], "the gateway's next key");
    b.gateway.key_count = 2;
    open_device(&b.secrets);
    run(1);
    expect_first_lines("welcome\nidentified cuff 0\n");
    expect_all();
    stop();
}

/* A device that is not let in keeps its readings and comes back; nothing is told of it. */
static void expect_not_let_in(const v1_secrets *secrets)
{
    medsec_device_stats stats;
    b.log.len = 0;
    open_device(secrets);
    run(b.connections + 3);
    medsec_device_get_stats(&b.device, &stats);
    assert_int_equal(b.log.len, 0);
    assert_int_equal(stats.connects, 3);
    assert_int_equal(stats.sessions, 0);
    assert_int_equal(stats.pending, READINGS);
    stop();
}

static void test_device_that_is_not_let_in(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        v1_secrets other;
        set_up(suite);
        v1_secrets_make(&other, "stranger", "gateway");
        expect_not_let_in(&other);
        v1_secrets_make(&other, "cuff", "another gateway");
        expect_not_let_in(&other);
        other = b.secrets;
        other.psk[MEDSEC_PSK_LEN - 1] ^= 0x80;
        expect_not_let_in(&other);
        b.entry.status = MEDSEC_ERR_REVOKED;
        expect_not_let_in(&b.secrets);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversation_at_every_split),
        cmocka_unit_test(test_conversation_cut_anywhere),
        cmocka_unit_test(test_conversation_flipped_anywhere),
        cmocka_unit_test(test_device_under_a_pending_psk),
        cmocka_unit_test(test_device_that_pins_the_key_before),
        cmocka_unit_test(test_device_that_is_not_let_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
