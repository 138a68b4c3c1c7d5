/* SPDX-License-Identifier: Apache-2.0 */
/* Either client and a real mosquitto, under TLS and with access rules: who is
 * let in, and what is said of the others. All that is tried at a time runs at a
 * time. */
#include "certificates.h"
#include "loops.h"
#include "mosquitto.h"
#include "scratch.h"
#include "unit.h"

#include <medsec/publisher.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define DAY 86400L
#define PATIENCE 6000 /* times 10 ms */
#define LINES_MAX 1024u

static scratch files; /* of certificates */
static char server_pin[CERTIFICATE_PIN_MAX];
static char two_pins[2 * CERTIFICATE_PIN_MAX];
static char other_pin[CERTIFICATE_PIN_MAX];

enum { PAHO, MOSQUITTO, CLIENTS };

static const struct {
    const char *name;
    medsec_status (*create)(medsec_publisher **, const medsec_mqtt_options *);
} clients[CLIENTS] = {{"paho", medsec_publisher_paho_create},
                      {"mosquitto", medsec_publisher_mosquitto_create}};

/* One broker, what its clients are told, and what becomes of it. */
typedef struct row {
    const char *name;
    const char *server; /* certificate of the broker; NULL: no TLS */
    const char *lines; /* of its configuration; @: the folder */
    const char *url; /* @: the port */
    const char *ca;
    const char *pin;
    const char *client; /* certificate of the client */
    const char *user;
    const char *password;
    const char *trouble; /* NULL: it connects */
    const char *hint; /* is part of what is logged with it */
} row;

#define BY_NAME "mqtts://localhost:@"
#define OPEN "allow_anonymous true\n"
#define MUTUAL OPEN "require_certificate true\n"
#define LOGIN "allow_anonymous false\npassword_file @/passwords\n"
/* Without a limit mosquitto 2.0 hangs up after each message that it refuses. */
#define QUEUES "max_queued_messages 1000\n"
#define NO_AUTHORITY "no trusted authority has signed the broker's certificate"
#define NO_LOGIN "the broker refuses the login"

static const row rows[] = {
    {"by name", "server", OPEN, BY_NAME, .ca = "ca"},
    {"by address", "server", OPEN, "mqtts://127.0.0.1:@", .ca = "ca"},
    {"wrong authority", "server", OPEN, BY_NAME, .ca = "stranger", .trouble = NO_AUTHORITY,
     .hint = "--broker-ca"},
    {"the system's authorities", "server", OPEN, BY_NAME, .trouble = NO_AUTHORITY,
     .hint = "--broker-ca"},
    {"expired", "expired", OPEN, BY_NAME, .ca = "ca",
     .trouble = "the broker's certificate has expired", .hint = "renew it"},
    {"not yet", "future", OPEN, BY_NAME, .ca = "ca",
     .trouble = "the broker's certificate is not good yet", .hint = "clock"},
    {"wrong name", "elsewhere", OPEN, BY_NAME, .ca = "ca",
     .trouble = "the broker's certificate is for another name", .hint = "subjectAltName"},
    {"wrong address", "elsewhere", OPEN, "mqtts://127.0.0.1:@", .ca = "ca",
     .trouble = "the broker's certificate is not for this address", .hint = "subjectAltName"},
    {"pin", "server", OPEN, BY_NAME, .ca = "ca", .pin = two_pins},
    {"wrong pin", "server", OPEN, BY_NAME, .ca = "ca", .pin = other_pin,
     .trouble = "the broker's public key is not the pinned one", .hint = "--broker-pin"},
    {"pin, wrong authority", "server", OPEN, BY_NAME, .ca = "stranger", .pin = server_pin,
     .trouble = NO_AUTHORITY, .hint = "--broker-ca"},
    {"certificate wanted", "server", MUTUAL, BY_NAME, .ca = "ca",
     .trouble = "the broker wants a certificate of ours", .hint = "--broker-cert"},
    {"certificate given", "server", MUTUAL, BY_NAME, .ca = "ca", .client = "client"},
    {"certificate of a stranger", "server", MUTUAL, BY_NAME, .ca = "ca", .client = "outsider",
     .trouble = "the broker does not know the authority of our certificate",
     .hint = "--broker-cert"},
    {"login", "server", LOGIN, BY_NAME, .ca = "ca", .user = "gateway", .password = "right"},
    {"wrong login", "server", LOGIN, BY_NAME, .ca = "ca", .user = "gateway", .password = "wrong",
     .trouble = NO_LOGIN, .hint = "--broker-password-file"},
    {"no login", "server", LOGIN, BY_NAME, .ca = "ca", .trouble = NO_LOGIN,
     .hint = "--broker-user"},
    {"login in clear", NULL, LOGIN, "mqtt://127.0.0.1:@", .user = "gateway", .password = "right"},
    {"no TLS", NULL, OPEN, "mqtts://127.0.0.1:@", .ca = "ca",
     .trouble = "what answers there does not speak TLS", .hint = "port for mqtts"},
    {"TLS, and not said", "server", OPEN, "mqtt://127.0.0.1:@",
     .trouble = "the broker closed the connection before it answered", .hint = "the port"},
};

#define ROWS (sizeof rows / sizeof *rows)

/* A client at work, and what it logs. */
typedef struct trial {
    const char *what; /* for the report */
    medsec_publisher *publisher;
    loops *loops;
    FILE *stream;
    char *text;
    size_t text_len;
    medsec_log *log;
    atomic_int durable[8];
} trial;

static void on_durable(void *context, uint64_t token, medsec_status status)
{
    atomic_store(&((trial *)context)->durable[token], status == MEDSEC_OK ? 1 : (int)status);
}

static char *path_in(const char *name, const char *suffix)
{
    char full[64];
    snprintf(full, sizeof full, "%s.%s", name ? name : "", suffix);
    return name ? strdup(scratch_path(&files, full)) : NULL;
}

/* With `word` where the template has an @. */
static void fill_in(char *out, size_t cap, const char *template, const char *word)
{
    const char *at = strchr(template, '@');
    const int before = at ? (int)(at - template) : (int)strlen(template);
    snprintf(out, cap, "%.*s%s%s", before, template, at ? word : "", at ? at + 1 : "");
}

static medsec_status begin(trial *t, int client, const row *r, const broker *b)
{
    static medsec_publisher_listener listeners[2 * ROWS + 8];
    static size_t used;
    char url[64], id[32], port[8];
    snprintf(port, sizeof port, "%u", b->port);
    fill_in(url, sizeof url, r->url, port);
    snprintf(id, sizeof id, "trial-%zu", used);
    t->what = r->name;
    t->stream = open_memstream(&t->text, &t->text_len);
    t->log = medsec_log_create(t->stream, MEDSEC_LOG_DEBUG, MEDSEC_LOG_TEXT);
    char *ca = path_in(r->ca, "pem"), *cert = path_in(r->client, "pem");
    char *key = path_in(r->client, "key");
    const medsec_mqtt_options options = {.url = url,
                                         .client_id = id,
                                         .username = r->user,
                                         .password = r->password,
                                         .ca_file = ca,
                                         .pin = r->pin,
                                         .cert_file = cert,
                                         .key_file = key,
                                         .log = t->log};
    const medsec_status status = clients[client].create(&t->publisher, &options);
    free(ca);
    free(cert);
    free(key);
    if (status == MEDSEC_OK) {
        medsec_publisher_listener *l = &listeners[used++];
        *l = (medsec_publisher_listener){.context = t, .durable = on_durable};
        assert_int_equal(t->publisher->ops->start(t->publisher, l), MEDSEC_OK);
        t->loops = loops_start(t->publisher, 1);
    }
    return status;
}

static void halt(trial *t)
{
    if (t->loops) {
        loops_stop(t->loops);
    }
    t->loops = NULL;
}

/* Stops it, and closes its log: `text` is whole then, and freed by `forget`. */
static medsec_publisher_stats end(trial *t)
{
    medsec_publisher_stats stats = {.links = 0};
    if (t->publisher) {
        halt(t);
        t->publisher->ops->stats(t->publisher, &stats);
        (void)t->publisher->ops->stop(t->publisher, 1000);
        t->publisher->ops->destroy(t->publisher);
        t->publisher = NULL;
    }
    medsec_log_destroy(t->log);
    fclose(t->stream);
    return stats;
}

/* Until what is wanted has come. An attempt may also fail for a passing reason. */
static medsec_publisher_stats wait_verdict(const trial *t, const char *trouble)
{
    medsec_publisher_stats stats;
    for (int i = 0; i < PATIENCE; i++) {
        t->publisher->ops->stats(t->publisher, &stats);
        if (stats.connected || (trouble && stats.trouble && strcmp(trouble, stats.trouble) == 0)) {
            break;
        }
        uv_sleep(10);
    }
    return stats;
}

static void start_broker(broker *b, const row *r)
{
    char lines[LINES_MAX], more[LINES_MAX] = "";
    broker_prepare(b);
    fill_in(lines, sizeof lines, r->lines, files.folder);
    if (r->server) {
        snprintf(more, sizeof more, "cafile %s/ca.pem\ncertfile %s/%s.pem\nkeyfile %s/%s.key\n",
                 files.folder, files.folder, r->server, files.folder, r->server);
    }
    broker_configure(b, more);
    broker_configure(b, lines);
    broker_start(b);
}

static void judge(const row *r, const trial *t, const medsec_publisher_stats *stats)
{
    char got[256], want[256];
    snprintf(got, sizeof got, "%s: %s", r->name,
             stats->connected ? "connected"
             : stats->trouble ? stats->trouble
                              : "nothing");
    snprintf(want, sizeof want, "%s: %s", r->name, r->trouble ? r->trouble : "connected");
    assert_string_equal(got, want);
    assert_true(!r->trouble || stats->connects == 0);
    if (r->trouble) {
        assert_non_null(strstr(t->text, r->trouble));
        assert_non_null(strstr(t->text, r->hint));
    }
    assert_null(strstr(t->text, r->password ? r->password : "\n\n")); /* the password */
}

static void check_rows(int client)
{
    static broker brokers[ROWS];
    static trial trials[ROWS];
    medsec_publisher_stats stats[ROWS];
    memset(trials, 0, sizeof trials);
    for (size_t i = 0; i < ROWS; i++) {
        start_broker(&brokers[i], &rows[i]);
    }
    for (size_t i = 0; i < ROWS; i++) {
        const bool pinned_paho = client == PAHO && rows[i].pin;
        assert_int_equal(begin(&trials[i], client, &rows[i], &brokers[i]),
                         pinned_paho ? MEDSEC_ERR_ARGUMENT : MEDSEC_OK);
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (trials[i].publisher) {
            stats[i] = wait_verdict(&trials[i], rows[i].trouble);
        }
    }
    /* All before the first one is stopped: libuv ends descriptors where ThreadSanitizer does not
     * see it, and another thread's would look like a race. */
    for (size_t i = 0; i < ROWS; i++) {
        halt(&trials[i]);
    }
    for (size_t i = 0; i < ROWS; i++) {
        const bool tried = trials[i].publisher;
        end(&trials[i]);
        broker_remove(&brokers[i]);
        if (tried) {
            judge(&rows[i], &trials[i], &stats[i]);
        }
        free(trials[i].text);
    }
}

static void test_paho_tells_good_brokers_from_others(void **state)
{
    (void)state;
    check_rows(PAHO);
}

static void test_mosquitto_tells_good_brokers_from_others(void **state)
{
    (void)state;
    check_rows(MOSQUITTO);
}

static void publish(const trial *t, const char *topic, uint64_t token)
{
    const medsec_message m = {.topic = topic,
                              .topic_len = strlen(topic),
                              .payload = "1",
                              .payload_len = 1,
                              .qos = 1,
                              .token = token};
    assert_int_equal(t->publisher->ops->publish(t->publisher, &m), MEDSEC_OK);
}

static void check_refusal(int client)
{
    static const row r = {"access rules", "server", OPEN QUEUES "acl_file @/rules\n", BY_NAME,
                          .ca = "ca"};
    broker b;
    static trial t;
    memset(&t, 0, sizeof t);
    start_broker(&b, &r);
    assert_int_equal(begin(&t, client, &r, &b), MEDSEC_OK);
    assert_true(wait_verdict(&t, NULL).connected);
    publish(&t, "allowed/1", 1);
    publish(&t, "forbidden/2", 2);
    publish(&t, "allowed/3", 3);
    for (int i = 0; i < PATIENCE && atomic_load(&t.durable[3]) == 0; i++) {
        uv_sleep(10);
    }
    const medsec_publisher_stats stats = end(&t);
    broker_remove(&b);
    assert_int_equal(t.durable[1], 1);
    assert_int_equal(t.durable[2], MEDSEC_ERR_REFUSED);
    assert_int_equal(t.durable[3], 1);
    assert_int_equal(stats.refused, 1);
    assert_int_equal(stats.connects, 1);
    assert_int_equal(stats.published, 2);
    assert_int_equal(stats.lost, 0);
    assert_non_null(strstr(t.text, "forbidden/2"));
    assert_null(strstr(t.text, "allowed"));
    free(t.text);
}

static void test_paho_reports_what_access_rules_forbid(void **state)
{
    (void)state;
    check_refusal(PAHO);
}

static void test_mosquitto_reports_what_access_rules_forbid(void **state)
{
    (void)state;
    check_refusal(MOSQUITTO);
}

static int make_files(void **state)
{
    (void)state;
    static const certificate all[] = {
        {"ca", NULL, true, NULL, -DAY, DAY},
        {"stranger", NULL, true, NULL, -DAY, DAY},
        {"server", "ca", false, "DNS:localhost,IP:127.0.0.1", -DAY, DAY},
        {"expired", "ca", false, "DNS:localhost", -DAY, -60},
        {"future", "ca", false, "DNS:localhost", 3600, DAY},
        {"elsewhere", "ca", false, "DNS:elsewhere.example,IP:127.0.0.2", -DAY, DAY},
        {"client", "ca", false, NULL, -DAY, DAY},
        {"outsider", "stranger", false, NULL, -DAY, DAY}};
    scratch_open(&files);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        certificate_make(files.folder, &all[i]);
    }
    certificate_pin(server_pin, files.folder, "server");
    certificate_pin(other_pin, files.folder, "client");
    snprintf(two_pins, sizeof two_pins, "%s;%s", other_pin, server_pin);
    char line[PASSWORD_LINE_MAX];
    password_line(line, "gateway", "right");
    scratch_write(scratch_path(&files, "passwords"), line, strlen(line), 0600);
    static const char rules[] = "topic readwrite allowed/#\n";
    scratch_write(scratch_path(&files, "rules"), rules, sizeof rules - 1, 0600);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    scratch_close(&files);
    uv_library_shutdown(); /* before OpenSSL, which has something for each of its threads */
    return 0;
}

int main(void)
{
    if (!mosquitto_is_there()) {
        puts("skipped: no mosquitto");
        return 77;
    }
    if (getenv("MEDSEC_VALGRIND")) {
        puts("skipped: paho's thread reads what it has freed when a connection under TLS fails");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paho_tells_good_brokers_from_others),
        cmocka_unit_test(test_mosquitto_tells_good_brokers_from_others),
        cmocka_unit_test(test_paho_reports_what_access_rules_forbid),
        cmocka_unit_test(test_mosquitto_reports_what_access_rules_forbid),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
