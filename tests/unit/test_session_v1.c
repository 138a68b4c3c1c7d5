/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "heap.h"
#include "v1_wire.h"

#include <stdio.h>
#include <string.h>

/* What a device says that keeps to the rules, and what a session makes of it. */

#define FOR_SUITES(suite) \
    for (medsec_suite suite = MEDSEC_SUITE_A128CBC_HS256; suite <= MEDSEC_SUITE_CHACHAPOLY; suite++)

static v1_secrets cuff;
static v1_entry cuff_entry; /* of the suite under test */
static v1_session g;
static trace events;

static const medsec_control GOODBYE = {.kind = MEDSEC_KIND_CLOSE};
static const medsec_control CONFIG_ACK = {.kind = MEDSEC_KIND_CONFIG_ACK,
                                          .body.config_ack = {9, MEDSEC_CONFIG_REFUSED}};

static v1_flight said; /* all that the device says on one connection */

static void use_gateway(medsec_suite suite)
{
    v1_secrets_make(&cuff, "cuff", "gateway");
    cuff_entry = (v1_entry){.id = "cuff", .secrets = &cuff, .suite = suite};
    g = (v1_session){.entries = &cuff_entry,
                     .count = 1,
                     .keys = {cuff.gateway},
                     .key_count = 1,
                     .now_ms = 1700000000000};
}

/* A connection up to the WELCOME, which is left open. */
static void connect_device(medsec_suite suite)
{
    use_gateway(suite);
    events.len = 0;
    v1_connect(&said, &g, &cuff, "the cuff's ephemeral", &events);
}

static void say_readings(uint32_t boot, uint32_t first, size_t rows, uint8_t quality,
                         uint64_t base_ms)
{
    const medsec_readings_head head = {boot, first, base_ms, quality, 0};
    (void)v1_say_readings(&said, &head, rows);
}

static void say(const medsec_control *control)
{
    (void)v1_say(&said, control);
}

/* Everything since `from`, to the session that is open. */
static void deliver(size_t from)
{
    v1_deliver(&g, &said, from, &events);
}

static void expect_events(const char *text)
{
    assert_int_equal(events.len, strlen(text));
    assert_memory_equal(events.text, text, events.len);
    events.len = 0;
}

static void expect_end(int last)
{
    assert_int_equal(v1_session_end(&g, &events), last);
}

#define VALUES(n) " 0.00" n " 1.00" n " 2.00" n " 3.00" n " 4.00" n " 5.00" n " 6.00" n "\n"

static const char CONVERSATION[] =
    "welcome\n"
    "identified cuff 0\n"
    "reading cuff 7 0 1 1600000000000" VALUES("0") "reading cuff 7 1 1 1600000000050" VALUES(
        "1") "reading cuff 7 2 1 1600000000100" VALUES("2") "due cuff 7 2 0\n"
                                                            "reading cuff 7 3 2 "
                                                            "1600000009000" VALUES(
                                                                "3") "due cuff 7 3 0\n"
                                                                     "config cuff 9 1\n";

static void hold_conversation(medsec_suite suite)
{
    connect_device(suite);
    say_readings(7, 0, 3, MEDSEC_TIME_WELCOME, 1600000000000);
    say_readings(7, 3, 1, MEDSEC_TIME_OWN, 1600000009000);
    say(&CONFIG_ACK);
    say(&GOODBYE);
    expect_end(1);
}

static void test_push_conversation_at_every_split(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        hold_conversation(suite);
        machine m = v1_machine(&g);
        run_every_split(&m, said.bytes, said.len, &events);
        assert_int_equal(events.end, V1_CLOSED + MEDSEC_CLOSE_DONE);
        expect_events(CONVERSATION);
    }
}

/* Whatever is cut off, what was said before it stands, and not a word more. */
static void test_push_conversation_at_every_truncation(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        hold_conversation(suite);
        machine m = v1_machine(&g);
        run_every_truncation(&m, said.bytes, said.len);
        size_t before = 0;
        for (size_t cut = 0; cut < said.len; cut++) {
            run_whole(&m, said.bytes, cut, &events);
            assert_true(events.len >= before && events.len < sizeof CONVERSATION);
            assert_memory_equal(events.text, CONVERSATION, events.len);
            assert_true(events.end == 0 || events.end == 1);
            assert_true(cut >= MEDSEC_HELLO_LEN || events.len == 0);
            before = events.len;
        }
    }
}

static void test_push_hello_proves_nothing(void **state)
{
    (void)state;
    connect_device(MEDSEC_SUITE_A128CBC_HS256);
    expect_events("welcome\n");
    assert_int_equal(said.device.utc_ms, g.now_ms);
    assert_int_equal(medsec_session_wire(&g.session), MEDSEC_WIRE_MEDSEC1);
    assert_true(medsec_session_at_boundary(&g.session));
    expect_end(1);
}

static void test_push_nothing_follows_a_goodbye(void **state)
{
    (void)state;
    hold_conversation(MEDSEC_SUITE_A128CBC_HS256);
    size_t len = said.len;
    say_readings(7, 4, 1, MEDSEC_TIME_OWN, 1600000009000);
    machine m = v1_machine(&g);
    run_whole(&m, said.bytes, said.len, &events);
    assert_int_equal(events.end, V1_CLOSED);
    expect_events(CONVERSATION);
    assert_true(said.len > len);
}

static void test_push_close_reason(void **state)
{
    (void)state;
    const medsec_control close = {.kind = MEDSEC_KIND_CLOSE, .body.close_reason = 77};
    connect_device(MEDSEC_SUITE_CHACHAPOLY);
    say(&close);
    deliver(MEDSEC_HELLO_LEN);
    expect_events("welcome\nidentified cuff 0\n");
    expect_end(V1_CLOSED + 77);
}

/* Between two events the record stands at the beginning of what is left. */
static void test_push_uses_a_record_up_with_its_last_event(void **state)
{
    static const medsec_event_type expected[] = {MEDSEC_EVENT_IDENTIFIED, MEDSEC_EVENT_READING,
                                                 MEDSEC_EVENT_READING, MEDSEC_EVENT_ACK_DUE,
                                                 MEDSEC_EVENT_NONE};
    (void)state;
    connect_device(MEDSEC_SUITE_A128CBC_HS256);
    say_readings(7, 0, 2, MEDSEC_TIME_OWN, 1600000000000);
    uint8_t *record = said.bytes + MEDSEC_HELLO_LEN;
    size_t len = said.len - MEDSEC_HELLO_LEN;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        medsec_event event;
        size_t used = 0;
        medsec_session_push(&g.session, record, len, &used, &event);
        assert_int_equal(event.type, expected[i]);
        assert_int_equal(used, event.type == MEDSEC_EVENT_ACK_DUE ? len : 0);
        bool open = event.type == MEDSEC_EVENT_IDENTIFIED || event.type == MEDSEC_EVENT_READING;
        assert_int_equal(medsec_session_at_boundary(&g.session), !open);
        len -= used;
    }
    expect_end(1);
}

static void test_push_record_taken_away(void **state)
{
    (void)state;
    connect_device(MEDSEC_SUITE_A128CBC_HS256);
    say_readings(7, 0, 2, MEDSEC_TIME_OWN, 1600000000000);
    medsec_event event;
    size_t used = 0;
    medsec_session_push(&g.session, said.bytes + MEDSEC_HELLO_LEN, said.len - MEDSEC_HELLO_LEN,
                        &used, &event);
    assert_int_equal(event.type, MEDSEC_EVENT_IDENTIFIED);
    expect_end(MEDSEC_ERR_ARGUMENT);
}

static void test_push_leaves_out_what_was_acknowledged(void **state)
{
    (void)state;
    connect_device(MEDSEC_SUITE_A128CBC_HS256);
    g.acknowledges = true;
    say_readings(7, 0, 2, MEDSEC_TIME_OWN, 1600000000000);
    say_readings(7, 0, 2, MEDSEC_TIME_OWN, 1600000000000);
    say_readings(7, 1, 2, MEDSEC_TIME_OWN, 1600000000050);
    say_readings(8, 0, 1, MEDSEC_TIME_OWN, 1600000000000);
    deliver(MEDSEC_HELLO_LEN);
    expect_events(
        "welcome\n"
        "identified cuff 0\n"
        "reading cuff 7 0 2 1600000000000" VALUES("0") "reading cuff 7 1 2 1600000000050" VALUES(
            "1") "due cuff 7 1 0\n"
                 "due cuff 7 1 2\n"
                 "reading cuff 7 2 2 1600000000100" VALUES(
                     "2") "due cuff 7 2 1\n"
                          "reading cuff 8 0 2 1600000000000" VALUES("0") "due cuff 8 0 0\n");
    expect_end(1);
}

/* What is not durable is reported again, and an older acknowledgement takes none back. */
static void test_push_leaves_out_nothing_else(void **state)
{
    (void)state;
    uint8_t out[MEDSEC_SESSION_OUT_LEN];
    size_t len = 0;
    connect_device(MEDSEC_SUITE_A128CBC_HS256);
    say_readings(7, 0, 2, MEDSEC_TIME_OWN, 1600000000000);
    say_readings(7, 0, 1, MEDSEC_TIME_OWN, 1600000000000);
    deliver(MEDSEC_HELLO_LEN);
    expect_events(
        "welcome\n"
        "identified cuff 0\n"
        "reading cuff 7 0 2 1600000000000" VALUES("0") "reading cuff 7 1 2 1600000000050" VALUES(
            "1") "due cuff 7 1 0\n"
                 "reading cuff 7 0 2 1600000000000" VALUES("0") "due cuff 7 0 0\n");
    assert_int_equal(medsec_session_ack(&g.session, out, &len, 7, 1), MEDSEC_OK);
    assert_int_equal(medsec_session_ack(&g.session, out, &len, 7, 0), MEDSEC_OK);
    size_t from = said.len;
    say_readings(7, 1, 1, MEDSEC_TIME_OWN, 1600000000050);
    deliver(from);
    expect_events("due cuff 7 1 1\n");
    expect_end(1);
}

/* Nor before anything was acknowledged: boot 0 and sequence 0 are numbers like any other. */
static void test_push_leaves_out_nothing_at_first(void **state)
{
    (void)state;
    connect_device(MEDSEC_SUITE_A128CBC_HS256);
    say_readings(0, 0, 1, MEDSEC_TIME_OWN, 1600000000000);
    deliver(MEDSEC_HELLO_LEN);
    expect_events("welcome\nidentified cuff 0\n"
                  "reading cuff 0 0 2 1600000000000" VALUES("0") "due cuff 0 0 0\n");
    expect_end(1);
}

/* An acknowledgement that could not be written is none. */
static void test_ack_that_fails(void **state)
{
    (void)state;
    uint8_t out[MEDSEC_SESSION_OUT_LEN];
    size_t len = 77;
    connect_device(MEDSEC_SUITE_A128CBC_HS256);
    say_readings(7, 0, 1, MEDSEC_TIME_OWN, 1600000000000);
    deliver(MEDSEC_HELLO_LEN);
    events.len = 0;
    g.session.on.v1.to_device.sequence = MEDSEC_RECORDS_MAX;
    assert_int_equal(medsec_session_ack(&g.session, out, &len, 7, 0), MEDSEC_ERR_EXPIRED);
    assert_int_equal(len, 77);
    size_t from = said.len;
    say_readings(7, 0, 1, MEDSEC_TIME_OWN, 1600000000000);
    deliver(from);
    expect_events("reading cuff 7 0 2 1600000000000" VALUES("0") "due cuff 7 0 0\n");
    expect_end(1);
}

/* A configuration that waits for the device goes out with IDENTIFIED, and between two readings. */
static void test_config_between_events(void **state)
{
    (void)state;
    static const medsec_event_type types[] = {MEDSEC_EVENT_IDENTIFIED, MEDSEC_EVENT_READING,
                                              MEDSEC_EVENT_ACK_DUE};
    connect_device(MEDSEC_SUITE_A128CBC_HS256);
    say_readings(7, 0, 1, MEDSEC_TIME_OWN, 1600000000000);
    for (size_t i = 0; i < 3; i++) {
        const medsec_config config = {.version = 1};
        uint8_t out[MEDSEC_SESSION_OUT_LEN];
        size_t len = 0;
        size_t used = 0;
        medsec_event event;
        medsec_session_push(&g.session, said.bytes + MEDSEC_HELLO_LEN, said.len - MEDSEC_HELLO_LEN,
                            &used, &event);
        assert_int_equal(event.type, types[i]);
        assert_int_equal(medsec_session_config(&g.session, out, &len, &config), MEDSEC_OK);
    }
    expect_end(1);
}

/* The provider keeps the last key of a thread until it is told to forget it. */
static size_t forgotten;

static void count_forget(void)
{
    forgotten++;
    medsec_crypto_openssl()->aes128_cbc_forget();
}

static void test_push_end_forgets_keys(void **state)
{
    (void)state;
    medsec_crypto counting = *medsec_crypto_openssl();
    counting.aes128_cbc_forget = count_forget;
    hold_conversation(MEDSEC_SUITE_A128CBC_HS256);
    g.crypto = &counting;
    forgotten = 0;
    v1_session_begin(&g);
    v1_deliver(&g, &said, 0, &events);
    assert_true(forgotten > 0);
    expect_end(V1_CLOSED);
}

/* The last reading of the message was measured when it came, the others as long before. */
static void test_push_readings_of_unknown_time(void **state)
{
    (void)state;
    connect_device(MEDSEC_SUITE_A128CBC_HS256);
    g.now_ms = 1700000005000;
    say_readings(7, 0, 3, MEDSEC_TIME_UNKNOWN, 12345);
    deliver(MEDSEC_HELLO_LEN);
    expect_events(
        "welcome\n"
        "identified cuff 0\n"
        "reading cuff 7 0 0 1700000004900" VALUES("0") "reading cuff 7 1 0 1700000004950" VALUES(
            "1") "reading cuff 7 2 0 1700000005000" VALUES("2") "due cuff 7 2 0\n");
    g.now_ms = 60;
    size_t from = said.len;
    say_readings(7, 3, 3, MEDSEC_TIME_UNKNOWN, 12345);
    deliver(from);
    expect_events("reading cuff 7 3 0 0" VALUES("3") "reading cuff 7 4 0 10" VALUES(
        "4") "reading cuff 7 5 0 60" VALUES("5") "due cuff 7 5 0\n");
    expect_end(1);
}

/* A message is right as a whole, or nothing of it is told. */
static void expect_refused(const uint8_t *message, size_t len)
{
    FOR_SUITES(suite)
    {
        connect_device(suite);
        said.len += v1_seal(&said.device, said.bytes + said.len, message, len);
        deliver(MEDSEC_HELLO_LEN);
        expect_events("welcome\nidentified cuff 0\n");
        assert_string_equal((const char *)g.session.device, "cuff");
        expect_end(MEDSEC_ERR_MESSAGE);
    }
}

static void test_push_malformed_messages(void **state)
{
    (void)state;
    uint8_t message[MEDSEC_MESSAGE_MAX];
    const medsec_readings_head head = {7, 0, 1600000000000, MEDSEC_TIME_OWN, 0};
    size_t len = v1_readings_message(message, &head, 3);
    expect_refused(message, len - 1);
    message[len] = 0;
    expect_refused(message, len + 1);
    message[len - 1] = 0xff; /* the last row's last value */
    expect_refused(message, len);
    expect_refused((const uint8_t *)"\0", 1);
    expect_refused((const uint8_t *)"\6", 1);
    expect_refused((const uint8_t *)"\xff\xff", 2);
    expect_refused((const uint8_t *)"\5", 1);
}

/* Only a gateway says these. */
static void test_push_messages_of_a_gateway(void **state)
{
    static const medsec_control controls[] = {
        {.kind = MEDSEC_KIND_ACK, .body.ack = {7, 1}},
        {.kind = MEDSEC_KIND_CONFIG, .body.config = {.version = 1}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++) {
        uint8_t message[MEDSEC_CONTROL_LEN_MAX];
        size_t len = 0;
        assert_int_equal(medsec_control_encode(message, sizeof message, &len, &controls[i]),
                         MEDSEC_OK);
        expect_refused(message, len);
    }
}

/* Later messages likewise: what was told before stands. */
static void test_push_malformed_message_after_a_good_one(void **state)
{
    (void)state;
    connect_device(MEDSEC_SUITE_A128CBC_HS256);
    say_readings(7, 0, 1, MEDSEC_TIME_OWN, 1600000000000);
    said.len += v1_seal(&said.device, said.bytes + said.len, "\1nonsense", 9);
    say_readings(7, 1, 1, MEDSEC_TIME_OWN, 1600000000000);
    deliver(MEDSEC_HELLO_LEN);
    expect_events("welcome\nidentified cuff 0\n"
                  "reading cuff 7 0 2 1600000000000" VALUES("0") "due cuff 7 0 0\n");
    expect_end(MEDSEC_ERR_MESSAGE);
}

static void test_push_expired(void **state)
{
    (void)state;
    connect_device(MEDSEC_SUITE_A128CBC_HS256);
    const uint64_t began_ms = g.steady_ms;
    for (uint32_t i = 0; i < 4; i++) {
        static const uint64_t at[] = {0, 1000, MEDSEC_SESSION_LIFETIME_MS - 1,
                                      MEDSEC_SESSION_LIFETIME_MS};
        size_t from = said.len;
        g.steady_ms = began_ms + at[i];
        g.now_ms = i == 0 ? 0 : 1900000000000; /* the calendar's clock may be set, back and forth */
        say_readings(7, i, 1, MEDSEC_TIME_OWN, 1600000000000);
        events.len = 0;
        deliver(from);
    }
    assert_int_equal(events.len, 0);
    expect_end(MEDSEC_ERR_EXPIRED);
}

static void test_ack_and_config_and_goodbye(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        const medsec_config config = {9, MEDSEC_CONFIG_BATCH_MAX, 0, 20, 0};
        const medsec_config widest = {UINT32_MAX, 7, UINT32_MAX, UINT32_MAX, UINT32_MAX};
        medsec_control control;
        uint8_t out[5][MEDSEC_SESSION_OUT_LEN];
        size_t len[5];
        connect_device(suite);
        say_readings(7, 0, 1, MEDSEC_TIME_OWN, 1600000000000);
        deliver(MEDSEC_HELLO_LEN);
        medsec_session *s = &g.session;
        assert_int_equal(medsec_session_ack(s, out[0], &len[0], 7, 0), MEDSEC_OK);
        assert_int_equal(medsec_session_config(s, out[1], &len[1], &config), MEDSEC_OK);
        assert_int_equal(medsec_session_config(s, out[2], &len[2], &widest), MEDSEC_OK);
        assert_int_equal(medsec_session_ack(s, out[3], &len[3], UINT32_MAX, UINT32_MAX), MEDSEC_OK);
        assert_int_equal(medsec_session_goodbye(s, out[4], &len[4], MEDSEC_CLOSE_SUPERSEDED),
                         MEDSEC_OK);
        assert_int_equal(v1_open(&said.device, &control, out[0], len[0]), MEDSEC_OK);
        assert_int_equal(control.kind, MEDSEC_KIND_ACK);
        assert_int_equal(control.body.ack.boot, 7);
        assert_int_equal(control.body.ack.sequence, 0);
        assert_int_equal(v1_open(&said.device, &control, out[1], len[1]), MEDSEC_OK);
        assert_int_equal(control.kind, MEDSEC_KIND_CONFIG);
        assert_int_equal(control.body.config.version, 9);
        assert_int_equal(control.body.config.given, MEDSEC_CONFIG_BATCH_MAX);
        assert_int_equal(control.body.config.batch_max, 20);
        assert_int_equal(v1_open(&said.device, &control, out[2], len[2]), MEDSEC_OK);
        assert_memory_equal(&control.body.config, &widest, sizeof widest);
        assert_int_equal(v1_open(&said.device, &control, out[3], len[3]), MEDSEC_OK);
        assert_int_equal(control.body.ack.sequence, UINT32_MAX);
        assert_int_equal(v1_open(&said.device, &control, out[4], len[4]), MEDSEC_OK);
        assert_int_equal(control.kind, MEDSEC_KIND_CLOSE);
        assert_int_equal(control.body.close_reason, MEDSEC_CLOSE_SUPERSEDED);
        expect_end(MEDSEC_ERR_STATE);
    }
}

static void expect_mute(medsec_session *session)
{
    uint8_t out[MEDSEC_SESSION_OUT_LEN];
    const medsec_config config = {.version = 1};
    size_t len = 77;
    assert_int_equal(medsec_session_ack(session, out, &len, 7, 0), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_session_config(session, out, &len, &config), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_session_goodbye(session, out, &len, MEDSEC_CLOSE_DONE),
                     MEDSEC_ERR_STATE);
    assert_int_equal(len, 77);
}

static void test_ack_before_and_after(void **state)
{
    (void)state;
    uint8_t out[MEDSEC_SESSION_OUT_LEN];
    size_t len = 0;
    use_gateway(MEDSEC_SUITE_A128CBC_HS256);
    v1_session_begin(&g);
    expect_mute(&g.session);
    (void)v1_session_end(&g, &events);
    expect_mute(&g.session);

    connect_device(MEDSEC_SUITE_A128CBC_HS256);
    expect_mute(&g.session); /* nothing is said to whoever has proved nothing */
    say(&CONFIG_ACK);
    size_t from = said.len;
    say(&GOODBYE);
    said.len = from;
    deliver(MEDSEC_HELLO_LEN);
    assert_int_equal(medsec_session_ack(&g.session, out, &len, 7, 0), MEDSEC_OK);
    deliver(from - MEDSEC_RECORD_HEADER_LEN); /* the end of a record, not its beginning */
    expect_mute(&g.session);
    expect_end(MEDSEC_ERR_FRAME);

    hold_conversation(MEDSEC_SUITE_A128CBC_HS256);
    v1_session_begin(&g);
    deliver(0);
    expect_mute(&g.session);
    expect_end(V1_CLOSED);
}

/* Nothing comes out after the gateway's own goodbye: the device has a newer session. */
static void test_push_after_goodbye(void **state)
{
    (void)state;
    uint8_t out[MEDSEC_SESSION_OUT_LEN];
    size_t len = 0;
    connect_device(MEDSEC_SUITE_A128CBC_HS256);
    say(&CONFIG_ACK);
    deliver(MEDSEC_HELLO_LEN);
    assert_int_equal(medsec_session_goodbye(&g.session, out, &len, MEDSEC_CLOSE_SUPERSEDED),
                     MEDSEC_OK);
    events.len = 0;
    size_t from = said.len;
    say_readings(7, 0, 1, MEDSEC_TIME_OWN, 1600000000000);
    deliver(from);
    assert_int_equal(events.len, 0);
    expect_mute(&g.session);
    expect_end(MEDSEC_ERR_STATE);
}

/* Records allocate nothing, neither in nor out. */
static void test_push_allocates_nothing(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        uint8_t out[MEDSEC_SESSION_OUT_LEN];
        size_t len = 0;
        connect_device(suite);
        say(&CONFIG_ACK);
        deliver(MEDSEC_HELLO_LEN);
        size_t from = said.len;
        for (uint32_t i = 0; i < 20; i++) {
            say_readings(7, i * 20, 20, MEDSEC_TIME_OWN, 1600000000000);
        }
        uint8_t *data = said.bytes + from;
        size_t left = said.len - from;
        size_t readings = 0;
        size_t before = heap_allocations();
        medsec_event event;
        do {
            size_t used = 0;
            medsec_session_push(&g.session, data, left, &used, &event);
            data += used;
            left -= used;
            readings += event.type == MEDSEC_EVENT_READING;
            if (event.type == MEDSEC_EVENT_ACK_DUE) {
                assert_int_equal(
                    medsec_session_ack(&g.session, out, &len, event.boot, event.sequence),
                    MEDSEC_OK);
            }
        } while (event.type != MEDSEC_EVENT_NONE);
        assert_int_equal(heap_allocations(), before);
        assert_int_equal(readings, 400);
        expect_end(1);
    }
}

static void test_size(void **state)
{
    (void)state;
    printf("medsec_session: %zu bytes\n", sizeof(medsec_session));
    assert_true(sizeof(medsec_session) < MEDSEC_SESSION_SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push_conversation_at_every_split),
        cmocka_unit_test(test_push_conversation_at_every_truncation),
        cmocka_unit_test(test_push_hello_proves_nothing),
        cmocka_unit_test(test_push_nothing_follows_a_goodbye),
        cmocka_unit_test(test_push_close_reason),
        cmocka_unit_test(test_push_uses_a_record_up_with_its_last_event),
        cmocka_unit_test(test_push_record_taken_away),
        cmocka_unit_test(test_push_leaves_out_what_was_acknowledged),
        cmocka_unit_test(test_push_leaves_out_nothing_else),
        cmocka_unit_test(test_push_leaves_out_nothing_at_first),
        cmocka_unit_test(test_ack_that_fails),
        cmocka_unit_test(test_config_between_events),
        cmocka_unit_test(test_push_end_forgets_keys),
        cmocka_unit_test(test_push_readings_of_unknown_time),
        cmocka_unit_test(test_push_malformed_messages),
        cmocka_unit_test(test_push_messages_of_a_gateway),
        cmocka_unit_test(test_push_malformed_message_after_a_good_one),
        cmocka_unit_test(test_push_expired),
        cmocka_unit_test(test_ack_and_config_and_goodbye),
        cmocka_unit_test(test_ack_before_and_after),
        cmocka_unit_test(test_push_after_goodbye),
        cmocka_unit_test(test_push_allocates_nothing),
        cmocka_unit_test(test_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
