/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"
#include "unit.h"

#include <medsec/metrics.h>
#include <string.h>

static char text[MEDSEC_METRICS_MAX + 1];

static void write_text(const medsec_gateway_stats *gateway, const medsec_publisher_stats *publisher)
{
    size_t len = 0;
    assert_int_equal(medsec_metrics_write(text, MEDSEC_METRICS_MAX, &len, gateway, publisher),
                     MEDSEC_OK);
    text[len] = '\0';
    assert_int_equal(strlen(text), len);
}

static void assert_line(const char *line)
{
    const char *at = strstr(text, line);
    while (at && ((at != text && at[-1] != '\n') || at[strlen(line)] != '\n')) {
        at = strstr(at + 1, line);
    }
    if (!at) {
        fail_msg("no line `%s`", line);
    }
}

static void test_write_counters_and_gauges(void **state)
{
    (void)state;
    const medsec_gateway_stats stats = {.accepted = 7, .connections = 3, .generation = 12};
    write_text(&stats, NULL);
    assert_line("# TYPE medsec_connections_accepted counter");
    assert_line("# HELP medsec_connections_accepted Connections accepted.");
    assert_line("medsec_connections_accepted_total 7");
    assert_line("# TYPE medsec_connections gauge");
    assert_line("medsec_connections 3");
    assert_line("medsec_registry_generation 12");
    assert_line("medsec_readings_total 0");
    assert_string_equal(text + strlen(text) - 6, "# EOF\n");
    assert_null(strstr(text, "medsec_broker"));
}

/* Each member under its own name. */
static void test_write_every_member(void **state)
{
    (void)state;
    const medsec_gateway_stats gateway = {.accepted = 101,
                                          .connections = 102,
                                          .half_open = 103,
                                          .half_open_evicted = 104,
                                          .source_limited = 105,
                                          .identified = 106,
                                          .welcomes = 107,
                                          .proved = 108,
                                          .superseded = 109,
                                          .readings = 110,
                                          .duplicates = 111,
                                          .acknowledged = 112,
                                          .extra_members = 113,
                                          .messages = 114,
                                          .dropped = 115,
                                          .paused = 116,
                                          .commands = 117,
                                          .promotions = 118,
                                          .reloads = 119,
                                          .devices = 120,
                                          .generation = 121};
    const medsec_publisher_stats publisher = {.connects = 201,
                                              .published = 202,
                                              .refused = 203,
                                              .busy = 204,
                                              .lost = 205,
                                              .queued = 206,
                                              .queued_bytes = 207,
                                              .links = 208,
                                              .links_up = 209,
                                              .spool_messages = 210,
                                              .spool_bytes = 211,
                                              .spool_stored = 212,
                                              .spool_delivered = 213,
                                              .spool_dropped = 214,
                                              .spool_expired = 215,
                                              .spool_syncs = 216};
    static const char *const expected[] = {"medsec_connections_accepted_total 101",
                                           "medsec_connections 102",
                                           "medsec_connections_half_open 103",
                                           "medsec_connections_evicted_total 104",
                                           "medsec_connections_limited_total 105",
                                           "medsec_devices_connected 106",
                                           "medsec_handshakes_answered_total 107",
                                           "medsec_handshakes_proved_total 108",
                                           "medsec_sessions_superseded_total 109",
                                           "medsec_readings_total 110",
                                           "medsec_readings_duplicate_total 111",
                                           "medsec_readings_acknowledged_total 112",
                                           "medsec_extra_members_total 113",
                                           "medsec_messages_total 114",
                                           "medsec_messages_dropped_total 115",
                                           "medsec_pauses_total 116",
                                           "medsec_commands_total 117",
                                           "medsec_rotations_completed_total 118",
                                           "medsec_registry_reloads_total 119",
                                           "medsec_registry_devices 120",
                                           "medsec_registry_generation 121",
                                           "medsec_broker_connects_total 201",
                                           "medsec_broker_published_total 202",
                                           "medsec_broker_refused_total 203",
                                           "medsec_queue_busy_total 204",
                                           "medsec_queue_lost_total 205",
                                           "medsec_queue_messages 206",
                                           "medsec_queue_bytes 207",
                                           "medsec_broker_links 208",
                                           "medsec_broker_links_up 209",
                                           "medsec_spool_messages 210",
                                           "medsec_spool_bytes 211",
                                           "medsec_spool_stored_total 212",
                                           "medsec_spool_delivered_total 213",
                                           "medsec_spool_dropped_total 214",
                                           "medsec_spool_expired_total 215",
                                           "medsec_spool_syncs_total 216"};
    write_text(&gateway, &publisher);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_line(expected[i]);
    }
}

static void test_write_every_reason(void **state)
{
    (void)state;
    medsec_gateway_stats stats = {0};
    stats.rejected[-(int)MEDSEC_ERR_UNKNOWN_DEVICE] = 5;
    stats.rejected[-(int)MEDSEC_ERR_CLEAR_TEXT] = 6;
    write_text(&stats, NULL);
    assert_line("medsec_rejected_total{reason=\"unknown-device\"} 5");
    assert_line("medsec_rejected_total{reason=\"clear-text\"} 6");
    assert_line("medsec_rejected_total{reason=\"argument\"} 0");
    assert_null(strstr(text, "reason=\"ok\""));
}

static void test_write_publisher(void **state)
{
    (void)state;
    const medsec_gateway_stats none = {0};
    const medsec_publisher_stats stats = {.published = 9,
                                          .links = 70000,
                                          .links_up = 4,
                                          .connected = true,
                                          .mqtt_version = 5,
                                          .spool_full = true,
                                          .spool_age_ms = 61005};
    write_text(&none, &stats);
    assert_line("medsec_broker_published_total 9");
    assert_line("medsec_broker_links 70000");
    assert_line("medsec_broker_links_up 4");
    assert_line("medsec_broker_connected 1");
    assert_line("medsec_broker_mqtt_version 5");
    assert_line("medsec_spool_active 0");
    assert_line("medsec_spool_full 1");
    assert_line("medsec_spool_failed 0");
    assert_line("medsec_spool_age_seconds 61.005");
}

static void test_write_latency_is_cumulative(void **state)
{
    (void)state;
    medsec_gateway_stats stats = {.durable = {.count = 99, .sum_us = 3000007}};
    stats.durable.bucket[0] = 2;
    stats.durable.bucket[2] = 3;
    stats.durable.bucket[MEDSEC_GATEWAY_LATENCIES - 1] = 1;
    write_text(&stats, NULL);
    assert_line("# TYPE medsec_durable_seconds histogram");
    assert_line("medsec_durable_seconds_bucket{le=\"0.0005\"} 2");
    assert_line("medsec_durable_seconds_bucket{le=\"0.001\"} 2");
    assert_line("medsec_durable_seconds_bucket{le=\"0.002\"} 5");
    assert_line("medsec_durable_seconds_bucket{le=\"1.0\"} 5");
    assert_line("medsec_durable_seconds_bucket{le=\"30.0\"} 5");
    assert_line("medsec_durable_seconds_bucket{le=\"+Inf\"} 6");
    assert_line("medsec_durable_seconds_count 6");
    assert_line("medsec_durable_seconds_sum 3.000007");
}

static void test_write_largest_is_within_the_maximum(void **state)
{
    (void)state;
    medsec_gateway_stats gateway;
    medsec_publisher_stats publisher;
    memset(&gateway, 0xff, sizeof gateway);
    memset(&publisher, 0xff, sizeof publisher);
    publisher.connected = publisher.spooling = publisher.spool_full = publisher.spool_failed = true;
    write_text(&gateway, &publisher);
    assert_line("medsec_readings_total 18446744073709551615");
    assert_line("medsec_broker_links 4294967295");
    assert_true(strlen(text) < MEDSEC_METRICS_MAX / 2); /* room for more to come */
}

/* At every capacity: nothing beyond it, and no text that looks whole. */
static void test_write_too_small(void **state)
{
    (void)state;
    const medsec_gateway_stats gateway = {0};
    const medsec_publisher_stats publisher = {0};
    write_text(&gateway, &publisher);
    const size_t whole = strlen(text);
    uint8_t *const end = guard_end(MEDSEC_METRICS_MAX);
    for (size_t cap = 0; cap < whole; cap += cap + 100 < whole ? 37 : 1) {
        size_t len = 0;
        assert_int_equal(medsec_metrics_write((char *)end - cap, cap, &len, &gateway, &publisher),
                         MEDSEC_ERR_BUFFER);
        assert_int_equal(len, 0);
    }
    guard_free(end, MEDSEC_METRICS_MAX);
}

static void test_write_without_what_it_needs(void **state)
{
    (void)state;
    const medsec_gateway_stats stats = {0};
    size_t len = 0;
    assert_int_equal(medsec_metrics_write(NULL, 1, &len, &stats, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_metrics_write(text, 1, NULL, &stats, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_metrics_write(text, 1, &len, NULL, NULL), MEDSEC_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_write_counters_and_gauges),
                                       cmocka_unit_test(test_write_every_member),
                                       cmocka_unit_test(test_write_every_reason),
                                       cmocka_unit_test(test_write_publisher),
                                       cmocka_unit_test(test_write_latency_is_cumulative),
                                       cmocka_unit_test(test_write_largest_is_within_the_maximum),
                                       cmocka_unit_test(test_write_too_small),
                                       cmocka_unit_test(test_write_without_what_it_needs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
