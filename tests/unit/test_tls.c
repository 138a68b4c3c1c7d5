/* SPDX-License-Identifier: Apache-2.0 */
/* Against a server of OpenSSL in this process; test_broker_tls has a real broker. */
#include "publisher/broker_probe.h"
#include "publisher/tls.h"

#include "certificates.h"
#include "loops.h"
#include "scratch.h"
#include "unit.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define DAY 86400L
#define PATIENCE 6000 /* times 10 ms */

static scratch files;

/* Takes one connection after another until it is told to end. */
typedef struct server {
    SSL_CTX *context;
    int listening;
    uint16_t port;
    uv_thread_t thread;
    char name[64]; /* that the client asked for; RFC 6066 */
    int version; /* of the last handshake that was good */
    atomic_int heard; /* bytes that were said to it after a handshake */
} server;

static void serve_one(server *s, int fd)
{
    SSL *ssl = SSL_new(s->context);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        s->version = SSL_version(ssl);
        const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        snprintf(s->name, sizeof s->name, "%s", name ? name : "none");
        char byte;
        atomic_fetch_add(&s->heard, SSL_read(ssl, &byte, 1) > 0);
    }
    ERR_clear_error();
    SSL_free(ssl);
}

static void serve(void *context)
{
    server *s = context;
    for (int fd = accept(s->listening, NULL, NULL); fd >= 0;
         fd = accept(s->listening, NULL, NULL)) {
        serve_one(s, fd);
        close(fd);
    }
}

static void server_start(server *s, int max_version, const char *name)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    *s = (server){.listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(s->listening, (struct sockaddr *)&a, len), 0);
    assert_int_equal(listen(s->listening, 8), 0);
    assert_int_equal(getsockname(s->listening, (struct sockaddr *)&a, &len), 0);
    s->port = ntohs(a.sin_port);
    s->context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(s->context, 0);
    SSL_CTX_set_min_proto_version(s->context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(s->context, max_version);
    char chain[128], key[128];
    snprintf(chain, sizeof chain, "%s/%s.pem", files.folder, name);
    snprintf(key, sizeof key, "%s/%s.key", files.folder, name);
    assert_int_equal(SSL_CTX_use_certificate_file(s->context, chain, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(s->context, key, SSL_FILETYPE_PEM), 1);
    assert_int_equal(uv_thread_create(&s->thread, serve, s), 0);
}

static void server_stop(server *s)
{
    shutdown(s->listening, SHUT_RDWR);
    uv_thread_join(&s->thread);
    close(s->listening);
    SSL_CTX_free(s->context);
}

static medsec__mqtt_options options_for(const char *host, uint16_t port)
{
    static char ca[128];
    snprintf(ca, sizeof ca, "%s", scratch_path(&files, "ca.pem"));
    medsec__mqtt_options o = {.ca_file = ca};
    snprintf(o.url.host, sizeof o.url.host, "%s", host);
    o.url.port = port;
    o.url.tls = true;
    return o;
}

static void test_version_is_1_2_or_later(void **state)
{
    (void)state;
    static const struct {
        int max, got;
    } rows[] = {
        {TLS1_3_VERSION, TLS1_3_VERSION}, {TLS1_2_VERSION, TLS1_2_VERSION}, {TLS1_1_VERSION, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        server s;
        server_start(&s, rows[i].max, "server");
        const medsec__mqtt_options o = options_for("localhost", s.port);
        medsec__link_failure failure = {.reason = NULL};
        assert_true(medsec__broker_probe(&failure, &o));
        server_stop(&s);
        assert_int_equal(s.version, rows[i].got);
        assert_int_equal(failure.status, rows[i].got == 0 ? MEDSEC_ERR_CRYPTO : MEDSEC_ERR_CLOSED);
    }
}

/* Paho has a context of its own, which must not be laxer. */
static void test_version_of_paho_is_1_2_or_later(void **state)
{
    (void)state;
    server s;
    server_start(&s, TLS1_1_VERSION, "server");
    char url[64], ca[128];
    snprintf(url, sizeof url, "mqtts://localhost:%u", s.port);
    snprintf(ca, sizeof ca, "%s", scratch_path(&files, "ca.pem"));
    const medsec_mqtt_options o = {.url = url, .client_id = "c", .ca_file = ca};
    const medsec_publisher_listener listener = {.context = NULL};
    medsec_publisher *p = NULL;
    medsec_publisher_stats stats = {.trouble = NULL};
    assert_int_equal(medsec_publisher_paho_create(&p, &o), MEDSEC_OK);
    assert_int_equal(p->ops->start(p, &listener), MEDSEC_OK);
    for (int i = 0; i < PATIENCE && !stats.trouble; i++) {
        uv_sleep(10);
        p->ops->stats(p, &stats);
    }
    (void)p->ops->stop(p, 0);
    p->ops->destroy(p);
    server_stop(&s);
    assert_int_equal(s.version, 0);
    assert_string_equal(stats.trouble, "the broker speaks no TLS of version 1.2 or later");
}

static void expect_heard(medsec_status (*create)(medsec_publisher **, const medsec_mqtt_options *),
                         const char *broker, const char *authority, bool heard)
{
    server s;
    server_start(&s, TLS1_3_VERSION, broker);
    char url[64], ca[128];
    snprintf(url, sizeof url, "mqtts://localhost:%u", s.port);
    snprintf(ca, sizeof ca, "%s", scratch_path(&files, authority));
    const medsec_mqtt_options o = {
        .url = url, .client_id = "c", .username = "u", .password = "secret", .ca_file = ca};
    const medsec_publisher_listener listener = {.context = NULL};
    medsec_publisher *p = NULL;
    medsec_publisher_stats stats = {.trouble = NULL};
    assert_int_equal(create(&p, &o), MEDSEC_OK);
    assert_int_equal(p->ops->start(p, &listener), MEDSEC_OK);
    loops *l = loops_start(p, 1);
    for (int i = 0; i < PATIENCE && !stats.trouble && atomic_load(&s.heard) == 0; i++) {
        uv_sleep(10);
        p->ops->stats(p, &stats);
    }
    loops_stop(l);
    (void)p->ops->stop(p, 0);
    p->ops->destroy(p);
    server_stop(&s);
    assert_int_equal(atomic_load(&s.heard) > 0, heard);
}

/* The first thing that is said is the login. */
static void test_nothing_is_said_to_a_broker_that_is_not_the_one(void **state)
{
    (void)state;
    static medsec_status (*const creates[])(medsec_publisher **, const medsec_mqtt_options *) = {
        medsec_publisher_paho_create, medsec_publisher_mosquitto_create};
    for (size_t i = 0; i < 2; i++) {
        expect_heard(creates[i], "server", "ca.pem", true);
        expect_heard(creates[i], "elsewhere", "ca.pem", false);
        expect_heard(creates[i], "server", "stranger.pem", false);
    }
}

static void test_name_of_the_url_is_asked_for(void **state)
{
    (void)state;
    server s;
    medsec__link_failure failure;
    server_start(&s, TLS1_3_VERSION, "server");
    const medsec__mqtt_options by_name = options_for("localhost", s.port);
    assert_true(medsec__broker_probe(&failure, &by_name));
    server_stop(&s);
    assert_string_equal(s.name, "localhost");
    server_start(&s, TLS1_3_VERSION, "server");
    const medsec__mqtt_options by_number = options_for("127.0.0.1", s.port);
    assert_true(medsec__broker_probe(&failure, &by_number));
    server_stop(&s);
    assert_string_equal(s.name, "none");
}

static medsec_status try_pin(const char *pin)
{
    medsec__mqtt_options o = options_for("localhost", 1);
    char text[1024];
    snprintf(text, sizeof text, "%s", pin);
    o.pin = text;
    medsec__tls *tls = NULL;
    const medsec_status status = medsec__tls_create(&tls, &o);
    medsec__tls_destroy(tls);
    return status;
}

#define PIN "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void test_pin_must_be_whole(void **state)
{
    (void)state;
    static const char *const good[] = {PIN, PIN ";" PIN,
                                       PIN ";" PIN ";" PIN ";" PIN ";" PIN ";" PIN ";" PIN ";" PIN};
    static const char *const bad[] = {"",
                                      ";",
                                      PIN ";",
                                      ";" PIN,
                                      PIN PIN,
                                      PIN "x",
                                      PIN " ",
                                      "sha256//",
                                      "SHA256//AAAA",
                                      "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                                      "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                      "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                      "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                                      PIN ";" PIN ";" PIN ";" PIN ";" PIN ";" PIN ";" PIN ";" PIN
                                          ";" PIN};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(try_pin(good[i]), MEDSEC_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(try_pin(bad[i]), MEDSEC_ERR_ARGUMENT);
    }
}

/* Paths of files in the folder; NULL: none. */
static medsec_status try_files(char *log, size_t cap, const char *ca, const char *cert,
                               const char *key)
{
    char paths[3][128];
    const char *const names[3] = {ca, cert, key};
    char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);
    for (size_t i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%s", files.folder, names[i] ? names[i] : "");
    }
    medsec__mqtt_options o = options_for("localhost", 1);
    o.ca_file = ca ? paths[0] : NULL;
    o.cert_file = cert ? paths[1] : NULL;
    o.key_file = key ? paths[2] : NULL;
    o.log = medsec_log_create(stream, MEDSEC_LOG_DEBUG, MEDSEC_LOG_TEXT);
    medsec__tls *tls = NULL;
    const medsec_status status = medsec__tls_create(&tls, &o);
    medsec__tls_destroy(tls);
    medsec_log_destroy(o.log);
    fclose(stream);
    snprintf(log, cap, "%s", text);
    free(text);
    return status;
}

static void test_file_that_cannot_be_used_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *ca, *cert, *key, *blamed, *reason;
        medsec_status status;
    } rows[] = {
        {"ca.pem", "client.pem", "client.key", NULL, NULL, MEDSEC_OK},
        {NULL, "client.pem", "client.key", NULL, NULL, MEDSEC_OK},
        {"gone.pem", NULL, NULL, "gone.pem", "No such file", MEDSEC_ERR_IO},
        {"empty", NULL, NULL, "empty", "no certificates", MEDSEC_ERR_CORRUPT},
        {"client.key", NULL, NULL, "client.key", "no certificates", MEDSEC_ERR_CORRUPT},
        {"ca.pem", "gone.pem", "client.key", "gone.pem", "No such file", MEDSEC_ERR_IO},
        {"ca.pem", "empty", "client.key", "empty", "no certificate", MEDSEC_ERR_CORRUPT},
        {"ca.pem", "client.pem", "gone.key", "gone.key", "No such file", MEDSEC_ERR_IO},
        {"ca.pem", "client.pem", "empty", "empty", "no private key", MEDSEC_ERR_CORRUPT},
        {"ca.pem", "client.pem", "server.key", "server.key", "not the key", MEDSEC_ERR_CORRUPT},
        {"ca.pem", "client.pem", "rsa.key", "rsa.key", "not the key", MEDSEC_ERR_CORRUPT},
        {"ca.pem", "client.pem", "open.key", "open.key", "chmod", MEDSEC_ERR_PERMISSION},
        {"ca.pem", "client.pem", "locked.key", "locked.key", "passphrase", MEDSEC_ERR_CORRUPT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char log[1024];
        assert_int_equal(try_files(log, sizeof log, rows[i].ca, rows[i].cert, rows[i].key),
                         rows[i].status);
        if (rows[i].blamed) {
            assert_non_null(strstr(log, rows[i].blamed));
            assert_non_null(strstr(log, rows[i].reason));
        } else {
            assert_string_equal(log, "");
        }
        assert_int_equal(ERR_peek_error(), 0);
    }
}

static void copy_key(const char *name, unsigned mode)
{
    size_t len;
    char *text = scratch_read(scratch_path(&files, "client.key"), &len);
    scratch_write(scratch_path(&files, name), text, len, mode);
    free(text);
}

/* Under a passphrase, where there is one. */
static void write_key(const char *name, EVP_PKEY *key, const char *word)
{
    FILE *out = fopen(scratch_path(&files, name), "w");
    const int len = word ? (int)strlen(word) : 0;
    PEM_write_PrivateKey(out, key, word ? EVP_aes_128_cbc() : NULL, (const unsigned char *)word,
                         len, NULL, NULL);
    fclose(out);
    chmod(scratch_path(&files, name), 0600);
    EVP_PKEY_free(key);
}

static int make_files(void **state)
{
    (void)state;
    static const certificate all[] = {
        {"ca", NULL, true, NULL, -DAY, DAY},
        {"stranger", NULL, true, NULL, -DAY, DAY},
        {"server", "ca", false, "DNS:localhost,IP:127.0.0.1", -DAY, DAY},
        {"elsewhere", "ca", false, "DNS:elsewhere.example", -DAY, DAY},
        {"client", "ca", false, NULL, -DAY, DAY}};
    scratch_open(&files);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        certificate_make(files.folder, &all[i]);
    }
    copy_key("open.key", 0640);
    write_key("locked.key", EVP_EC_gen("P-256"), "word");
    write_key("rsa.key", EVP_RSA_gen(2048), NULL);
    scratch_write(scratch_path(&files, "empty"), "", 0, 0600);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_is_1_2_or_later),
        cmocka_unit_test(test_version_of_paho_is_1_2_or_later),
        cmocka_unit_test(test_nothing_is_said_to_a_broker_that_is_not_the_one),
        cmocka_unit_test(test_name_of_the_url_is_asked_for),
        cmocka_unit_test(test_pin_must_be_whole),
        cmocka_unit_test(test_file_that_cannot_be_used_is_named),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
