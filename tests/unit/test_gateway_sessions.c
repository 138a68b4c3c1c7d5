/* SPDX-License-Identifier: Apache-2.0 */
/* Whose session it is, how long it stays, and what is said to a device. */
#include "gateway/command.h"
#include "unit.h"
#include "v1_gateway_fixture.h"

#include <medsec/device.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define QUIET_MS 100u
#define COMMAND "Pico/dev-1/Command/Config"

static void start_device(v1_fixture *f, v1_client *c, unsigned number)
{
    v1_client_make(f, c, number);
    v1_client_connect(f, c);
    v1_client_readings(c, 1);
    v1_expect(f, "Pico/dev-", "\"seq\":0,");
}

static void test_stranger_gets_no_answer(void **state)
{
    v1_fixture *f = *state;
    v1_client stranger, other_suite, other_psk;
    uint8_t hello[MEDSEC_HELLO_LEN];
    v1_start(f);
    v1_client_make(f, &stranger, 9);
    v1_client_make(f, &other_suite, 1);
    v1_client_make(f, &other_psk, 1);
    other_suite.suite = MEDSEC_SUITE_CHACHAPOLY;
    other_psk.secrets.psk[0] ^= 1;
    v1_client *const all[] = {&stranger, &other_suite, &other_psk};
    for (size_t i = 0; i < 3; i++) {
        v1_client_open(f, all[i]);
        v1_hello(&all[i]->device, hello, &all[i]->secrets, all[i]->suite, "ephemeral");
        v1_client_send(all[i], hello, sizeof hello);
        v1_client_expect_end(all[i], V1_WAIT_MS);
        v1_client_close(all[i]);
    }
    v1_expect_count(f, rejected[-MEDSEC_ERR_UNKNOWN_DEVICE], 2);
    v1_expect_count(f, rejected[-MEDSEC_ERR_CRYPTO], 1);
    assert_int_equal(v1_stats(f).welcomes, 0);
    assert_int_equal(held_count(f->publisher), 0);
}

/* A recorded HELLO gets a WELCOME, and that is all that it gets. */
static void test_hello_alone_changes_nothing(void **state)
{
    v1_fixture *f = *state;
    v1_client c, replay;
    f->options.identify_timeout_ms = 1500;
    v1_start(f);
    start_device(f, &c, 1);
    held_report_all(f->publisher);
    v1_client_expect_ack(&c, 0);
    size_t before = held_count(f->publisher);
    v1_client_make(f, &replay, 1);
    v1_client_connect(f, &replay);
    v1_client_expect_end(&replay, V1_WAIT_MS);
    v1_expect_count(f, rejected[-MEDSEC_ERR_TIMEOUT], 1);
    assert_int_equal(held_count(f->publisher), before);
    v1_client_readings(&c, 1);
    v1_expect(f, "Pico/dev-1/Reading", "\"seq\":1,");
    assert_int_equal(v1_stats(f).superseded, 0);
    v1_client_close(&c);
    v1_client_close(&replay);
}

static void test_newer_session_supersedes_the_older(void **state)
{
    v1_fixture *f = *state;
    v1_client old, new, other;
    v1_start(f);
    start_device(f, &old, 1);
    start_device(f, &other, 2);
    v1_client_make(f, &new, 1);
    v1_client_connect(f, &new);
    v1_client_expect_silence(&old, QUIET_MS);
    const size_t before = f->seen;
    v1_client_readings(&new, 1);
    v1_client_expect_close(&old, MEDSEC_CLOSE_SUPERSEDED);
    v1_expect_count(f, superseded, 1);
    v1_expect(f, "Pico/dev-1/Reading", "");
    f->seen = before; /* from another loop, before or after that */
    v1_expect(f, "Pico/dev-1/Status {\"status\":\"online\"",
              "\"sessions\":1,\"reason\":\"superseded\"");
    held_report_all(f->publisher);
    v1_client_expect_ack(&new, 0);
    v1_client_expect_ack(&other, 0);
    assert_int_equal(v1_stats(f).identified, 2);
    v1_client_close(&old);
    v1_client_close(&new);
    v1_client_close(&other);
}

/* Over both loops, again and again: the last one stays. */
static void test_many_sessions_leave_one(void **state)
{
    v1_fixture *f = *state;
    v1_client c[20];
    v1_start(f);
    for (unsigned i = 0; i < 20; i++) {
        v1_client_make(f, &c[i], 1);
        v1_client_connect(f, &c[i]);
        v1_client_readings(&c[i], 1);
    }
    v1_expect_count(f, superseded, 19);
    v1_expect_count(f, identified, 1);
    for (unsigned i = 0; i < 20; i++) {
        v1_client_close(&c[i]);
    }
    v1_expect_count(f, connections, 0);
    v1_expect(f, "Pico/dev-1/Status {\"status\":\"offline\"", "\"sessions\":0");
}

static void deliver(v1_fixture *f, const char *topic, const char *payload)
{
    held_deliver(f->publisher, topic, payload, strlen(payload));
}

static void expect_config(v1_client *c, medsec_config *config)
{
    medsec_control control;
    assert_true(v1_client_hear(c, &control, V1_WAIT_MS));
    assert_int_equal(control.kind, MEDSEC_KIND_CONFIG);
    *config = control.body.config;
}

static void answer(v1_client *c, uint32_t version, medsec_config_status status)
{
    const medsec_control control = {.kind = MEDSEC_KIND_CONFIG_ACK,
                                    .body.config_ack = {version, (uint32_t)status}};
    v1_client_control(c, &control);
}

static void test_command_goes_down_and_its_result_up(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    medsec_config config;
    v1_start(f);
    assert_string_equal(held_filter(f->publisher), "Pico/+/Command/Config");
    start_device(f, &c, 1);
    deliver(f, COMMAND,
            " {\"sample_interval_ms\":100, \"batch_max\":10,\"report_interval_ms\":0,"
            "\"version\":4294967295}\n");
    expect_config(&c, &config);
    assert_int_equal(config.version, UINT32_MAX);
    assert_int_equal(config.given, 7);
    assert_int_equal(config.sample_interval_ms, 100);
    assert_int_equal(config.batch_max, 10);
    assert_int_equal(config.report_interval_ms, 0);
    answer(&c, config.version, MEDSEC_CONFIG_APPLIED);
    v1_expect(f, COMMAND "/Result {\"version\":4294967295,\"status\":\"applied\",\"time\":\"20",
              "");
    deliver(f, COMMAND, "{\"batch_max\":0}");
    expect_config(&c, &config);
    assert_int_equal(config.given, MEDSEC_CONFIG_BATCH_MAX);
    uint32_t version = config.version;
    answer(&c, version, MEDSEC_CONFIG_REFUSED);
    char want[128];
    snprintf(want, sizeof want,
             COMMAND "/Result {\"version\":%u,\"status\":\"refused\",\"reason\":\"limit\",",
             version);
    v1_expect(f, want, "");
    deliver(f, COMMAND, "{}");
    expect_config(&c, &config);
    assert_int_equal(config.version, version + 1);
    assert_int_equal(config.given, 0);
    v1_expect_count(f, commands, 3);
    v1_client_close(&c);
}

static void test_bad_command_is_not_sent(void **state)
{
    static const struct {
        const char *payload;
        const char *result;
    } bad[] = {{"", "\"status\":\"invalid\",\"reason\":\"syntax\""},
               {"[]", "\"status\":\"invalid\",\"reason\":\"syntax\""},
               {"7", "\"status\":\"invalid\",\"reason\":\"syntax\""},
               {"{\"batch_max\":1} x", "\"status\":\"invalid\",\"reason\":\"syntax\""},
               {"{\"batch_max\":1", "\"status\":\"invalid\",\"reason\":\"syntax\""},
               {"{\"batch_max\":\"1\"}", "\"status\":\"invalid\",\"reason\":\"number\""},
               {"{\"batch_max\":1.5}", "\"status\":\"invalid\",\"reason\":\"number\""},
               {"{\"batch_max\":-1}", "\"status\":\"invalid\",\"reason\":\"number\""},
               {"{\"batch_max\":4294967296}", "\"status\":\"invalid\",\"reason\":\"number\""},
               {"{\"batch_max\":1e300}", "\"status\":\"invalid\",\"reason\":\"number\""},
               {"{\"batch_max\":null}", "\"status\":\"invalid\",\"reason\":\"number\""},
               {"{\"version\":5,\"batch_max\":{}}",
                "\"version\":5,\"status\":\"invalid\",\"reason\":\"number\""},
               {"{\"batch_max\":1,\"batch_max\":1}",
                "\"status\":\"invalid\",\"reason\":\"duplicate-member\""},
               {"{\"version\":6,\"Batch_max\":1}",
                "\"version\":6,\"status\":\"invalid\",\"reason\":\"unknown-member\""},
               {"{\"\":1}", "\"status\":\"invalid\",\"reason\":\"unknown-member\""}};
    v1_fixture *f = *state;
    v1_client c;
    char text[600];
    v1_start(f);
    start_device(f, &c, 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char want[256];
        deliver(f, COMMAND, bad[i].payload);
        snprintf(want, sizeof want, COMMAND "/Result {%s,\"time\":", bad[i].result);
        v1_expect(f, want, "");
    }
    held_deliver(f->publisher, COMMAND, "{}\0", 3);
    v1_expect(f, COMMAND "/Result ", "\"syntax\"");
    memset(text, ' ', sizeof text);
    memcpy(text, "{}", 2);
    held_deliver(f->publisher, COMMAND, text, 513);
    v1_expect(f, COMMAND "/Result ", "\"status\":\"invalid\",\"reason\":\"limit\"");
    v1_client_expect_silence(&c, QUIET_MS);
    held_deliver(f->publisher, COMMAND, text, 512);
    medsec_config config;
    expect_config(&c, &config);
    v1_client_close(&c);
}

/* One more than a device has room for, and it would end the session. */
static void test_commands_wait_for_answers(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    medsec_config config;
    v1_start(f);
    start_device(f, &c, 1);
    answer(&c, 1, MEDSEC_CONFIG_APPLIED); /* to nothing: it makes no room */
    v1_expect(f, COMMAND "/Result {\"version\":1,\"status\":\"applied\"", "");
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = round; i < MEDSEC_DEVICE_ANSWERS_MAX; i++) {
            deliver(f, COMMAND, "{\"batch_max\":5}");
            expect_config(&c, &config);
        }
        deliver(f, COMMAND, "{\"version\":9}");
        v1_expect(f, COMMAND "/Result {\"version\":9,\"status\":\"not-sent\",\"reason\":\"busy\"",
                  "");
        v1_client_expect_silence(&c, QUIET_MS);
        for (unsigned i = round; i < MEDSEC_DEVICE_ANSWERS_MAX; i++) {
            answer(&c, config.version, MEDSEC_CONFIG_APPLIED);
            v1_expect(f, COMMAND "/Result ", "\"applied\"");
        }
        deliver(f, COMMAND, "{}");
        expect_config(&c, &config);
    }
    v1_client_close(&c);
}

static void test_commands_that_come_too_fast_are_not_answered(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    v1_start(f);
    start_device(f, &c, 1);
    size_t before = held_count(f->publisher);
    const uint64_t begin = uv_hrtime();
    for (unsigned i = 0; i < 200; i++) {
        deliver(f, COMMAND, "[");
    }
    const uint64_t seconds = (uv_hrtime() - begin) / 1000000000u + 1;
    (void)held_at(f->publisher, before + MEDSEC__COMMANDS_BURST - 1);
    uv_sleep(QUIET_MS);
    assert_in_range(held_count(f->publisher) - before, MEDSEC__COMMANDS_BURST,
                    MEDSEC__COMMANDS_BURST + seconds * MEDSEC__COMMANDS_PER_S);
    uv_sleep(200);
    deliver(f, COMMAND, "{\"version\":5,\"batch_max\":5}");
    medsec_config config;
    expect_config(&c, &config);
    assert_int_equal(config.version, 5);
    v1_client_close(&c);
}

static void test_command_for_another_is_no_business_of_this_gateway(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    v1_start(f);
    start_device(f, &c, 1);
    size_t before = held_count(f->publisher);
    deliver(f, "Pico/dev-2/Command/Config", "{}");
    deliver(f, "Pico/absent/Command/Config", "{");
    deliver(f, "Pico/../Command/Config", "{}");
    deliver(f, "Pico/dev-1/Command/Config/Result", "{}");
    deliver(f, "dev-1/Command/Config", "{}");
    v1_client_expect_silence(&c, QUIET_MS);
    assert_int_equal(held_count(f->publisher), before);
    v1_client_close(&c);
    v1_expect(f, "Pico/dev-1/Status {\"status\":\"offline\"", "");
    deliver(f, COMMAND, "{}");
    uv_sleep(QUIET_MS);
    assert_int_equal(held_count(f->publisher), f->seen);
}

static void test_command_for_a_seed_device_is_not_sent(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    v1_seed_add(f);
    v1_start(f);
    v1_client_make(f, &c, 1);
    v1_client_open(f, &c);
    v1_seed_readings(&c, 1);
    v1_expect(f, "Pico/dev-4/Status", "\"authenticated\":false");
    deliver(f, "Pico/dev-4/Command/Config", "{\"version\":3}");
    v1_expect(f, "Pico/dev-4/Command/Config/Result {\"version\":3,\"status\":\"not-sent\",",
              "\"reason\":\"wire\"");
    v1_client_expect_silence(&c, QUIET_MS);
    v1_client_close(&c);
}

/* To the newest session, whichever loop has it. */
static void test_command_follows_the_device(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    medsec_config config;
    v1_start(f);
    for (unsigned i = 0; i < 10; i++) {
        start_device(f, &c, 1);
        deliver(f, COMMAND, "{}");
        expect_config(&c, &config);
        if (i % 2 == 0) {
            v1_client_close(&c);
        }
    }
    v1_client_close(&c);
}

/* Commands for a device that leaves at the same moment: each is sent or answered, none is used
 * after its connection is gone. */
static void command_all(void *context)
{
    v1_fixture *f = context;
    for (unsigned i = 0; i < 2000; i++) {
        deliver(f, COMMAND, "{\"batch_max\":5}");
        if (i % 50 == 0) {
            uv_sleep(1);
        }
    }
}

static void test_commands_race_with_disconnects(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    uv_thread_t thread;
    v1_start(f);
    assert_int_equal(uv_thread_create(&thread, command_all, f), 0);
    for (unsigned i = 0; i < 50; i++) {
        v1_client_make(f, &c, 1);
        v1_client_connect(f, &c);
        v1_client_readings(&c, 1);
        uv_sleep(1);
        v1_client_close(&c);
    }
    uv_thread_join(&thread);
    v1_expect_count(f, connections, 0);
}

static void wait_reload(const v1_fixture *f, uint64_t before)
{
    for (unsigned i = 0; i < V1_WAIT_MS && v1_stats(f).reloads == before; i++) {
        uv_sleep(1);
    }
    assert_true(v1_stats(f).reloads > before);
}

/* A second, and more on a machine that takes long to read the registry anew. */
static uint64_t second_of_this_machine(const v1_fixture *f)
{
    uint64_t longest_ns = 0;
    for (unsigned i = 0; i < 5; i++) {
        const uint64_t before = v1_stats(f).reloads, begin = uv_hrtime();
        medsec_gateway_reload(f->gateway);
        wait_reload(f, before);
        const uint64_t took_ns = uv_hrtime() - begin;
        longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
    }
    return 1000000000u + 20 * longest_ns;
}

static void expect_end_since(v1_client *c, uint64_t begin, uint64_t within_ns)
{
    v1_client_expect_end(c, V1_WAIT_MS);
    assert_true(uv_hrtime() - begin < within_ns);
}

static void test_revoked_device_is_closed_within_a_second(void **state)
{
    v1_fixture *f = *state;
    v1_client c, other, half;
    v1_start(f);
    start_device(f, &c, 1);
    start_device(f, &other, 2);
    held_report_all(f->publisher);
    v1_client_expect_ack(&c, 0);
    v1_client_expect_ack(&other, 0);
    v1_client_make(f, &half, 1);
    v1_client_connect(f, &half);
    const uint64_t second_ns = second_of_this_machine(f);
    uint64_t begin = uv_hrtime();
    assert_int_equal(medsec_registry_revoke(f->files->registry, "dev-1"), MEDSEC_OK);
    expect_end_since(&c, begin, second_ns);
    expect_end_since(&half, begin, second_ns);
    v1_expect(f, "Pico/dev-1/Status {\"status\":\"offline\"", "\"reason\":\"revoked\"");
    v1_client_close(&c);
    v1_client_close(&half);
    uint8_t hello[MEDSEC_HELLO_LEN];
    v1_client_open(f, &c);
    v1_hello(&c.device, hello, &c.secrets, c.suite, "again");
    v1_client_send(&c, hello, sizeof hello);
    v1_client_expect_end(&c, V1_WAIT_MS);
    begin = uv_hrtime();
    assert_int_equal(medsec_registry_decommission(f->files->registry, "dev-2"), MEDSEC_OK);
    expect_end_since(&other, begin, second_ns);
    assert_int_equal(v1_stats(f).identified, 0);
    v1_client_close(&c);
    v1_client_close(&other);
}

static void wait_generation(const v1_fixture *f, uint64_t before)
{
    for (unsigned i = 0; i < V1_WAIT_MS && v1_stats(f).generation == before; i++) {
        uv_sleep(1);
    }
    assert_true(v1_stats(f).generation > before);
}

/* The loop hears of the revocation first, and finds the command for nobody then. */
static void test_command_is_answered_when_its_connection_is_gone(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    f->options.threads = 1;
    v1_start(f);
    start_device(f, &c, 1);
    held_block(f->publisher);
    v1_client_readings(&c, 1);
    held_wait_blocked(f->publisher);
    uint64_t before = v1_stats(f).generation;
    assert_int_equal(medsec_registry_revoke(f->files->registry, "dev-1"), MEDSEC_OK);
    wait_generation(f, before);
    before = v1_stats(f).generation;
    assert_int_equal(medsec_registry_decommission(f->files->registry, "dev-2"), MEDSEC_OK);
    wait_generation(f, before); /* by now the loop was told of what was before that */
    assert_int_equal(v1_stats(f).reloads, 0); /* it has not heard yet */
    deliver(f, COMMAND, "{}");
    held_unblock(f->publisher);
    v1_expect(f, COMMAND "/Result {\"status\":\"not-sent\",\"reason\":\"closed\",", "");
    v1_client_expect_end(&c, V1_WAIT_MS);
    assert_int_equal(v1_stats(f).commands, 0);
    v1_client_close(&c);
}

/* Others turn: the slowest counts. */
static void test_stats_tell_of_a_loop_that_hangs(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    v1_start(f);
    start_device(f, &c, 1);
    held_block(f->publisher);
    v1_client_readings(&c, 1);
    for (unsigned i = 0; i < V1_WAIT_MS && v1_stats(f).stalled_ms < 1500; i++) {
        uv_sleep(1);
    }
    assert_true(v1_stats(f).stalled_ms >= 1500);
    held_unblock(f->publisher);
    uint64_t stalled_ms = 1500;
    for (unsigned i = 0; i < V1_WAIT_MS && stalled_ms >= 1500; i++) {
        uv_sleep(1);
        stalled_ms = v1_stats(f).stalled_ms;
    }
    assert_true(stalled_ms < 1500);
    v1_client_close(&c);
}

/* The device's next secrets: of number 11, for the device that had those of 1. */
static void rotate(const v1_fixture *f, v1_client *next)
{
    medsec_credential c = registry_fixture_medsec1("dev-1", 11);
    assert_int_equal(medsec_registry_rotate(f->files->registry, &c), MEDSEC_OK);
    v1_client_make(f, next, 11);
}

/* The same, but for the device's key pair, which stays. */
static void rotate_psk(const v1_fixture *f, v1_client *next)
{
    medsec_credential c = registry_fixture_medsec1("dev-1", 1);
    memcpy(c.psk, registry_fixture_medsec1("dev-1", 11).psk, sizeof c.psk);
    assert_int_equal(medsec_registry_rotate(f->files->registry, &c), MEDSEC_OK);
    v1_client_make(f, next, 1);
    memcpy(next->secrets.psk, c.psk, sizeof c.psk);
}

static medsec_device_info info_of(const v1_fixture *f)
{
    medsec_device_info info;
    assert_int_equal(medsec_registry_get(f->files->registry, "dev-1", &info), MEDSEC_OK);
    return info;
}

static void test_first_record_under_the_pending_secrets_completes_a_rotation(void **state)
{
    v1_fixture *f = *state;
    v1_client old, next;
    v1_start(f);
    start_device(f, &old, 1);
    held_report_all(f->publisher);
    v1_client_expect_ack(&old, 0);
    uint64_t before = v1_stats(f).reloads;
    rotate(f, &next);
    wait_reload(f, before);
    v1_client_readings(&old, 1); /* goes on */
    v1_expect(f, "Pico/dev-1/Reading", "\"seq\":1,");
    v1_client_connect(f, &next);
    uv_sleep(QUIET_MS);
    assert_true(info_of(f).rotating); /* a HELLO proves nothing */
    assert_int_equal(v1_stats(f).promotions, 0);
    v1_client_readings(&next, 1);
    v1_expect_count(f, promotions, 1);
    assert_false(info_of(f).rotating);
    medsec_control control;
    while (v1_client_hear(&old, &control, V1_WAIT_MS)) {
    }
    v1_client_close(&old);
    wait_reload(f, before + 1);
    uint8_t hello[MEDSEC_HELLO_LEN];
    v1_client_open(f, &old);
    v1_hello(&old.device, hello, &old.secrets, old.suite, "old again");
    v1_client_send(&old, hello, sizeof hello);
    v1_client_expect_end(&old, V1_WAIT_MS);
    held_report_all(f->publisher);
    v1_client_expect_ack(&next, 0);
    v1_client_readings(&next, 1);
    v1_expect(f, "Pico/dev-1/Reading", "\"seq\":1,");
    v1_client_close(&old);
    v1_client_close(&next);
}

/* The other device of this name is still connected under the old secrets, on another gateway or a
 * moment ago; here the registry tells it. */
static void test_promotion_elsewhere_closes_the_old_session(void **state)
{
    v1_fixture *f = *state;
    v1_client old, next;
    v1_start(f);
    start_device(f, &old, 1);
    held_report_all(f->publisher);
    v1_client_expect_ack(&old, 0);
    const uint64_t before = v1_stats(f).reloads;
    rotate(f, &next);
    wait_reload(f, before);
    v1_client_expect_silence(&old, QUIET_MS);
    assert_int_equal(medsec_registry_promote(f->files->registry, "dev-1", 1), MEDSEC_OK);
    v1_client_expect_end(&old, V1_WAIT_MS);
    v1_expect(f, "Pico/dev-1/Status {\"status\":\"offline\"", "\"reason\":\"revoked\"");
    v1_client_close(&old);
}

/* Whoever is connected under secrets that become the only ones stays. */
static void session_stays(v1_fixture *f, void (*rotate_device)(const v1_fixture *, v1_client *))
{
    v1_client next;
    v1_start(f);
    uint64_t before = v1_stats(f).reloads;
    rotate_device(f, &next);
    wait_reload(f, before);
    v1_client_connect(f, &next);
    v1_client_readings(&next, 1);
    v1_expect_count(f, promotions, 1);
    wait_reload(f, before + 1);
    uv_sleep(QUIET_MS);
    held_report_all(f->publisher);
    v1_client_expect_ack(&next, 0);
    /* and so does it when the next rotation begins */
    medsec_credential c = registry_fixture_medsec1("dev-1", 12);
    before = v1_stats(f).reloads;
    assert_int_equal(medsec_registry_rotate(f->files->registry, &c), MEDSEC_OK);
    wait_reload(f, before);
    v1_client_expect_silence(&next, QUIET_MS);
    v1_client_close(&next);
}

static void test_session_stays_when_its_secrets_are_promoted(void **state)
{
    session_stays(*state, rotate);
}

static void test_session_stays_when_its_psk_alone_is_promoted(void **state)
{
    session_stays(*state, rotate_psk);
}

/* Somebody else writes for long: nothing that he or anybody changes waits for the promotion, and it
 * is made when he is done, without the device's doing. */
static void test_promotion_waits_for_nobody_and_is_tried_again(void **state)
{
    v1_fixture *f = *state;
    v1_client next, other;
    medsec_registry *writer = registry_fixture_open(f->files, MEDSEC_REGISTRY_WRITE);
    v1_start(f);
    rotate(f, &next);
    wait_reload(f, 0);
    v1_client_make(f, &other, 2);
    v1_client_connect(f, &other);
    v1_client_readings(&other, 1);
    v1_expect(f, "Pico/dev-2/Reading", "");
    assert_int_equal(medsec_registry_begin(writer), MEDSEC_OK);
    v1_client_connect(f, &next);
    v1_client_readings(&next, 1);
    v1_expect(f, "Pico/dev-1/Reading", "");
    uv_sleep(QUIET_MS);
    assert_int_equal(medsec_registry_revoke(writer, "dev-2"), MEDSEC_OK);
    assert_int_equal(medsec_registry_commit(writer), MEDSEC_OK);
    assert_int_equal(medsec_registry_begin(writer), MEDSEC_OK);
    v1_client_expect_end(&other, V1_WAIT_MS);
    medsec_registry_close(writer);
    v1_expect_count(f, promotions, 1);
    assert_false(info_of(f).rotating);
    v1_client_expect_silence(&next, QUIET_MS);
    v1_client_close(&other);
    v1_client_close(&next);
}

static void test_read_only_registry_leaves_rotations_pending(void **state)
{
    v1_fixture *f = *state;
    v1_client old, next;
    medsec_registry *read_only = registry_fixture_open(f->files, MEDSEC_REGISTRY_READ);
    f->options.registry = read_only;
    v1_start(f);
    rotate(f, &next);
    wait_reload(f, 0);
    v1_client_connect(f, &next);
    v1_client_readings(&next, 1);
    v1_expect(f, "Pico/dev-1/Reading", "\"seq\":0,");
    uv_sleep(QUIET_MS);
    assert_true(info_of(f).rotating);
    assert_int_equal(v1_stats(f).promotions, 0);
    v1_client_make(f, &old, 1);
    v1_client_connect(f, &old);
    v1_client_readings(&old, 1);
    v1_client_expect_close(&next, MEDSEC_CLOSE_SUPERSEDED);
    v1_client_close(&old);
    v1_client_close(&next);
    medsec_gateway_destroy(f->gateway);
    f->gateway = NULL;
    medsec_registry_close(read_only);
}

static void test_gateway_key_that_was_rotated_is_accepted_until_it_is_retired(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    v1_start(f);
    uint64_t before = v1_stats(f).reloads;
    assert_int_equal(medsec_registry_gateway_rotate(f->files->registry), MEDSEC_OK);
    wait_reload(f, before);
    v1_client_make(f, &c, 1);
    v1_client_connect(f, &c); /* pins the one before */
    v1_client_close(&c);
    before = v1_stats(f).reloads;
    assert_int_equal(medsec_registry_gateway_retire(f->files->registry), MEDSEC_OK);
    wait_reload(f, before);
    uint8_t hello[MEDSEC_HELLO_LEN];
    v1_client_open(f, &c);
    v1_hello(&c.device, hello, &c.secrets, c.suite, "retired");
    v1_client_send(&c, hello, sizeof hello);
    v1_client_expect_end(&c, V1_WAIT_MS);
    v1_client_close(&c);
    uint8_t keys[2][MEDSEC_X25519_LEN];
    size_t count = 0;
    assert_int_equal(medsec_registry_gateway_public(f->files->registry, keys, &count), MEDSEC_OK);
    memcpy(f->gateway_public, keys[0], sizeof f->gateway_public);
    v1_client_make(f, &c, 1);
    v1_client_connect(f, &c);
    v1_client_close(&c);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, v1_fixture_setup, v1_fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_stranger_gets_no_answer),
        CASE(test_hello_alone_changes_nothing),
        CASE(test_newer_session_supersedes_the_older),
        CASE(test_many_sessions_leave_one),
        CASE(test_command_goes_down_and_its_result_up),
        CASE(test_bad_command_is_not_sent),
        CASE(test_commands_wait_for_answers),
        CASE(test_commands_that_come_too_fast_are_not_answered),
        CASE(test_command_for_another_is_no_business_of_this_gateway),
        CASE(test_command_for_a_seed_device_is_not_sent),
        CASE(test_command_follows_the_device),
        CASE(test_commands_race_with_disconnects),
        CASE(test_command_is_answered_when_its_connection_is_gone),
        CASE(test_stats_tell_of_a_loop_that_hangs),
        CASE(test_revoked_device_is_closed_within_a_second),
        CASE(test_first_record_under_the_pending_secrets_completes_a_rotation),
        CASE(test_promotion_elsewhere_closes_the_old_session),
        CASE(test_session_stays_when_its_secrets_are_promoted),
        CASE(test_session_stays_when_its_psk_alone_is_promoted),
        CASE(test_promotion_waits_for_nobody_and_is_tried_again),
        CASE(test_read_only_registry_leaves_rotations_pending),
        CASE(test_gateway_key_that_was_rotated_is_accepted_until_it_is_retired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
