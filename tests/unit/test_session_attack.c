/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "v1_wire.h"

#include <string.h>

/* What must never happen on medsec/1 (docs/wire.md), as far as one session can prevent it. */

#define FOR_SUITES(suite) \
    for (medsec_suite suite = MEDSEC_SUITE_A128CBC_HS256; suite <= MEDSEC_SUITE_CHACHAPOLY; suite++)

enum { RECORDS = 6 };

static v1_secrets cuff;
static v1_secrets pulse;
static v1_entry entries[2];
static v1_session g;
static trace events;

/* A flight that ends in enough bytes to fill any record whose length was raised. */
static v1_flight said;
static size_t at[RECORDS + 1]; /* where each record begins; 0 is the HELLO */
static char told[RECORDS + 1][4096]; /* what comes out of those before it */

static void use_gateway(medsec_suite suite)
{
    v1_secrets_make(&cuff, "cuff", "gateway");
    v1_secrets_make(&pulse, "pulse", "gateway");
    entries[0] = (v1_entry){.id = "cuff", .secrets = &cuff, .suite = suite};
    entries[1] = (v1_entry){.id = "pulse", .secrets = &pulse, .suite = suite};
    g = (v1_session){.entries = entries,
                     .count = 2,
                     .keys = {cuff.gateway},
                     .key_count = 1,
                     .now_ms = 1700000000000};
}

static void connect_as(const v1_secrets *secrets, const char *ephemeral)
{
    events.len = 0;
    v1_connect(&said, &g, secrets, ephemeral, &events);
}

static size_t say_readings(uint32_t first, size_t rows)
{
    const medsec_readings_head head = {7, first, 1600000000000, MEDSEC_TIME_OWN, 0};
    return v1_say_readings(&said, &head, rows);
}

static void run(const uint8_t *bytes, size_t len)
{
    machine m = v1_machine(&g);
    run_whole(&m, bytes, len, &events);
}

static void expect_events(const char *text)
{
    assert_int_equal(events.len, strlen(text));
    assert_memory_equal(events.text, text, events.len);
    events.len = 0;
}

/* The device says so many records; the flight, and what comes out of its parts, are kept. */
static void record_flight(medsec_suite suite)
{
    use_gateway(suite);
    connect_as(&cuff, "the cuff's ephemeral");
    for (uint32_t i = 1; i < RECORDS; i++) {
        at[i] = say_readings(i * 100, i == 1 ? 3 : i);
    }
    at[RECORDS] = said.len;
    while (said.len - at[RECORDS] < MEDSEC_RECORD_LEN_MAX) {
        (void)say_readings(9000, 20);
    }
    (void)v1_session_end(&g, &events);
    for (size_t i = 0; i <= RECORDS; i++) {
        run(said.bytes, at[i]);
        assert_true(events.len < sizeof told[i]);
        memcpy(told[i], events.text, events.len);
        told[i][events.len] = '\0';
        assert_true(i == 0 || strlen(told[i]) > strlen(told[i - 1]));
    }
}

/* What was said before record `i` is told, and then the session is over. */
static void expect_rejected_at(size_t i)
{
    assert_true(events.end < 0);
    expect_events(told[i]);
}

static void expect_flips_rejected(size_t i, size_t end)
{
    for (size_t byte = at[i]; byte < end; byte++) {
        for (int bit = 0; bit < 8; bit++) {
            said.bytes[byte] = (uint8_t)(said.bytes[byte] ^ 1 << bit);
            run(said.bytes, said.len);
            expect_rejected_at(i);
            said.bytes[byte] = (uint8_t)(said.bytes[byte] ^ 1 << bit);
        }
    }
}

static void test_push_flipped_bits(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        record_flight(suite);
        expect_flips_rejected(0, MEDSEC_HELLO_LEN);
        expect_flips_rejected(1, at[2]);
        expect_flips_rejected(3, at[4]);
    }
}

static size_t join(uint8_t *out, size_t len, size_t from, size_t to)
{
    memcpy(out + len, said.bytes + from, to - from);
    return len + to - from;
}

static void test_push_dropped_records(void **state)
{
    (void)state;
    static uint8_t bytes[sizeof said.bytes];
    FOR_SUITES(suite)
    {
        record_flight(suite);
        for (size_t i = 0; i < RECORDS; i++) {
            size_t len = join(bytes, 0, 0, at[i]);
            len = join(bytes, len, i == 0 ? at[1] : at[i + 1], said.len);
            run(bytes, len);
            expect_rejected_at(i);
        }
    }
}

static void test_push_duplicated_records(void **state)
{
    (void)state;
    static uint8_t bytes[2 * sizeof said.bytes];
    FOR_SUITES(suite)
    {
        record_flight(suite);
        for (size_t i = 0; i < RECORDS; i++) {
            size_t len = join(bytes, 0, 0, at[i + 1]);
            len = join(bytes, len, at[i], said.len);
            run(bytes, len);
            expect_rejected_at(i + 1);
        }
    }
}

static void test_push_reordered_records(void **state)
{
    (void)state;
    static uint8_t bytes[sizeof said.bytes];
    FOR_SUITES(suite)
    {
        record_flight(suite);
        for (size_t i = 0; i + 1 < RECORDS; i++) {
            size_t len = join(bytes, 0, 0, at[i]);
            len = join(bytes, len, at[i + 1], at[i + 2]);
            len = join(bytes, len, at[i], at[i + 1]);
            len = join(bytes, len, at[i + 2], said.len);
            run(bytes, len);
            expect_rejected_at(i);
        }
    }
}

/* Every shorter body of a record, with a header that says so and with the one it had. */
static void test_push_truncated_records(void **state)
{
    (void)state;
    static uint8_t bytes[sizeof said.bytes];
    FOR_SUITES(suite)
    {
        record_flight(suite);
        for (size_t i = 0; i < 3; i++) {
            size_t body = at[i + 1] - at[i] - MEDSEC_RECORD_HEADER_LEN;
            for (size_t cut = 0; cut < body; cut++) {
                size_t len = join(bytes, 0, 0, at[i] + MEDSEC_RECORD_HEADER_LEN + cut);
                len = join(bytes, len, at[i + 1], said.len);
                run(bytes, len);
                expect_rejected_at(i);
                bytes[at[i] + 2] = (uint8_t)(cut >> 8);
                bytes[at[i] + 3] = (uint8_t)cut;
                run(bytes, len);
                expect_rejected_at(i);
            }
        }
    }
}

static void test_push_replayed_flight(void **state)
{
    (void)state;
    static uint8_t bytes[2 * sizeof said.bytes];
    FOR_SUITES(suite)
    {
        record_flight(suite);
        size_t len = join(bytes, 0, 0, at[RECORDS]);
        run(bytes, join(bytes, len, 0, said.len));
        expect_rejected_at(RECORDS);

        g.ephemeral = "of another connection";
        run(said.bytes, said.len);
        assert_int_equal(events.end, MEDSEC_ERR_CRYPTO);
        expect_events("welcome\n");
        run(said.bytes, MEDSEC_HELLO_LEN);
        assert_int_equal(events.end, 1);
        expect_events("welcome\n");
    }
}

/* Record `i` of a recorded flight, in the place where it stood, in a session of other keys. */
static void expect_no_splice(const v1_secrets *secrets, const char *ephemeral)
{
    static uint8_t recorded[sizeof said.bytes];
    memcpy(recorded, said.bytes, said.len);
    for (uint32_t i = 1; i < RECORDS; i++) {
        connect_as(secrets, ephemeral);
        for (uint32_t k = 1; k < i; k++) {
            (void)say_readings(k * 100, k == 1 ? 3 : k);
        }
        v1_deliver(&g, &said, MEDSEC_HELLO_LEN, &events);
        size_t len = events.len;
        memcpy(said.bytes + said.len, recorded + at[i], at[i + 1] - at[i]);
        size_t from = said.len;
        said.len += at[i + 1] - at[i];
        v1_deliver(&g, &said, from, &events);
        assert_int_equal(events.len, len);
        assert_int_equal(v1_session_end(&g, &events), MEDSEC_ERR_CRYPTO);
    }
    memcpy(said.bytes, recorded, sizeof recorded);
    said.len = at[RECORDS];
}

static void test_push_records_of_another_session(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        record_flight(suite);
        said.len = at[RECORDS];
        g.ephemeral = "of another connection";
        expect_no_splice(&cuff, "the cuff's ephemeral");
        expect_no_splice(&cuff, "the cuff's next ephemeral");
        expect_no_splice(&pulse, "the cuff's ephemeral");
        g.ephemeral = NULL;
        expect_no_splice(&cuff, "the cuff's next ephemeral");
        expect_no_splice(&pulse, "the pulse's ephemeral");
    }
}

/* Two devices at once, each in its own session: neither is told of the other. */
static void test_push_two_sessions(void **state)
{
    (void)state;
    static v1_flight flights[2];
    static v1_session gateways[2];
    static trace logs[2];
    const v1_secrets *secrets[] = {&cuff, &pulse};
    const char *ids[] = {"cuff", "pulse"};
    use_gateway(MEDSEC_SUITE_A128CBC_HS256);
    for (size_t i = 0; i < 2; i++) {
        gateways[i] = g;
        logs[i].len = 0;
        v1_connect(&flights[i], &gateways[i], secrets[i], ids[i], &logs[i]);
    }
    for (uint32_t k = 0; k < 20; k++) {
        const medsec_readings_head head = {7, k, 1600000000000, MEDSEC_TIME_OWN, 0};
        size_t from = v1_say_readings(&flights[k % 2], &head, 1);
        v1_deliver(&gateways[k % 2], &flights[k % 2], from, &logs[k % 2]);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(v1_session_end(&gateways[i], &logs[i]), 1);
        assert_null(memmem(logs[i].text, logs[i].len, ids[1 - i], strlen(ids[1 - i])));
        size_t lines = 0;
        for (size_t c = 0; c < logs[i].len; c++) {
            lines += logs[i].text[c] == '\n';
        }
        assert_int_equal(lines, 2 + 2 * 10);
    }
}

/* What the gateway says opens neither at itself nor in another session. */
static void test_push_reflected_records(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        use_gateway(suite);
        g.acknowledges = true;
        connect_as(&cuff, "the cuff's ephemeral");
        v1_deliver(&g, &said, say_readings(0, 1), &events);
        uint8_t ack[MEDSEC_SESSION_OUT_LEN];
        size_t len = g.out_len;
        memcpy(ack, g.out, len);
        events.len = 0;
        v1_session_push(&g, g.out, len, &events);
        assert_int_equal(v1_session_end(&g, &events), MEDSEC_ERR_CRYPTO);
        expect_events("");
        connect_as(&cuff, "the cuff's next ephemeral");
        medsec_control control;
        assert_int_equal(v1_open(&said.device, &control, ack, len), MEDSEC_ERR_CRYPTO);
        (void)v1_session_end(&g, &events);
    }
}

static void expect_run(const uint8_t *bytes, size_t len, const char *text, int end)
{
    run(bytes, len);
    assert_int_equal(events.end, end);
    expect_events(text);
}

/* After the HELLO: nothing but DATA, of a length that there is. */
static void test_push_headers_after_the_hello(void **state)
{
    static const uint8_t wrong[][MEDSEC_RECORD_HEADER_LEN] = {
        {0xA1, 0x11, 0, MEDSEC_HELLO_LEN - MEDSEC_RECORD_HEADER_LEN},
        {0xA2, 0x11, 0, MEDSEC_WELCOME_LEN - MEDSEC_RECORD_HEADER_LEN},
        {0xA3, 0x11, 0, 48},
        {0xA3, 0, 0, 0},
        {0xA3, 0, 8, 1},
        {0xA4, 0, 0, 48},
        {'0', '0', '0', '0'},
    };
    (void)state;
    record_flight(MEDSEC_SUITE_A128CBC_HS256);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        for (size_t k = 1; k < 3; k++) {
            memcpy(said.bytes + at[k], wrong[i], sizeof wrong[i]);
            expect_run(said.bytes, at[k] + MEDSEC_RECORD_HEADER_LEN, told[k], MEDSEC_ERR_FRAME);
            record_flight(MEDSEC_SUITE_A128CBC_HS256);
        }
    }
}

/* A rejection says its reason and nothing else, as often as it is asked for; no key is left. */
static void test_push_rejection_is_final(void **state)
{
    (void)state;
    static const medsec_session zero;
    FOR_SUITES(suite)
    {
        for (size_t i = 0; i < 3; i++) {
            record_flight(suite);
            said.bytes[at[i + 1] - 1] ^= 1;
            v1_session_begin(&g);
            v1_deliver(&g, &said, 0, &events);
            medsec_event expected;
            memset(&expected, 0, sizeof expected);
            expected.type = MEDSEC_EVENT_REJECTED;
            expected.reason = MEDSEC_ERR_CRYPTO;
            expected.device = i < 2 ? NULL : (void *)(uintptr_t)entries[0].id;
            for (size_t k = 0; k < 3; k++) {
                medsec_event event;
                size_t used = 77;
                medsec_session_push(&g.session, said.bytes, k == 1 ? said.len : 0, &used, &event);
                assert_memory_equal(&event, &expected, sizeof event);
                assert_int_equal(used, 0);
                assert_false(medsec_session_at_boundary(&g.session));
            }
            assert_memory_equal(&g.session.on, &zero.on, sizeof zero.on);
            (void)v1_session_end(&g, &events);
        }
    }
}

static void test_close_wipes(void **state)
{
    (void)state;
    static const medsec_session zero;
    record_flight(MEDSEC_SUITE_A128CBC_HS256);
    v1_session_begin(&g);
    said.len = at[2];
    v1_deliver(&g, &said, 0, &events);
    assert_memory_not_equal(&g.session.on, &zero.on, sizeof zero.on);
    medsec_session_close(&g.session);
    assert_memory_equal(&g.session.on, &zero.on, sizeof zero.on);
    assert_null(g.session.device);
}

/* The bytes on the wire show neither who it is nor that two connections are of one device. */
static void test_wire_shows_no_device(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        static uint8_t first[sizeof said.bytes];
        const size_t window = 6;
        record_flight(suite);
        size_t first_len = said.len;
        memcpy(first, said.bytes, first_len);
        g.ephemeral = "of another connection";
        connect_as(&cuff, "the cuff's next ephemeral");
        (void)say_readings(100, 3);
        (void)v1_session_end(&g, &events);
        assert_null(memmem(first, first_len, "cuff", 4));
        for (size_t i = 0; i + 8 <= MEDSEC_X25519_LEN; i++) {
            assert_null(memmem(first, first_len, cuff.device.public_key + i, 8));
            assert_null(memmem(first, first_len, cuff.psk + i, 8));
        }
        for (size_t i = MEDSEC_RECORD_HEADER_LEN; i + window <= said.len; i++) {
            assert_null(memmem(first + MEDSEC_RECORD_HEADER_LEN,
                               first_len - MEDSEC_RECORD_HEADER_LEN, said.bytes + i, window));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push_flipped_bits),
        cmocka_unit_test(test_push_dropped_records),
        cmocka_unit_test(test_push_duplicated_records),
        cmocka_unit_test(test_push_reordered_records),
        cmocka_unit_test(test_push_truncated_records),
        cmocka_unit_test(test_push_replayed_flight),
        cmocka_unit_test(test_push_records_of_another_session),
        cmocka_unit_test(test_push_two_sessions),
        cmocka_unit_test(test_push_reflected_records),
        cmocka_unit_test(test_push_headers_after_the_hello),
        cmocka_unit_test(test_push_rejection_is_final),
        cmocka_unit_test(test_close_wipes),
        cmocka_unit_test(test_wire_shows_no_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
