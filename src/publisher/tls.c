/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include "host/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PINS_MAX 8u /* the one in use, those to come; RFC 7469 section 4.3 wants two */
#define KEY_FILE_MAX 16384u /* bytes; RSA of 8192 bits is 6.4 KiB */

/* Less than 112 bits of security is refused, and with it TLS 1.1: NIST SP 800-57 part 1. */
#define SECURITY_LEVEL 2

struct medsec__tls {
    SSL_CTX *context;
    size_t pin_count;
    uint8_t pins[PINS_MAX][crypto_hash_sha256_BYTES];
    char name[MEDSEC__MQTT_HOST_MAX]; /* of the host; empty when it is an address */
    atomic_int verify_error; /* of the last handshake; X509_V_OK */
    atomic_int alert; /* that the broker sent; -1: none */
    atomic_bool begun; /* a handshake, */
    atomic_bool done; /* and it was good */
};

/* `sha256//` and 32 bytes in base 64; `end` is behind it. */
static bool parse_pin(uint8_t pin[crypto_hash_sha256_BYTES], const char *text, const char **end)
{
    static const char scheme[] = "sha256//";
    size_t len = 0;
    if (strncmp(text, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    text += sizeof scheme - 1;
    return sodium_base642bin(pin, crypto_hash_sha256_BYTES, text, strcspn(text, ";"), NULL, &len,
                             end, sodium_base64_VARIANT_ORIGINAL) == 0 &&
           len == crypto_hash_sha256_BYTES;
}

static medsec_status parse_pins(medsec__tls *tls, const char *text)
{
    const char *at = text;
    while (at) {
        if (tls->pin_count == PINS_MAX || !parse_pin(tls->pins[tls->pin_count++], at, &at) ||
            (*at != '\0' && *at != ';')) {
            return MEDSEC_ERR_ARGUMENT;
        }
        at = *at == ';' ? at + 1 : NULL;
    }
    return MEDSEC_OK;
}

static bool is_pinned(const medsec__tls *tls, X509 *certificate)
{
    uint8_t *der = NULL;
    uint8_t hash[crypto_hash_sha256_BYTES];
    const int len = certificate ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der) : 0;
    if (len <= 0) {
        return false;
    }
    crypto_hash_sha256(hash, der, (unsigned long long)len);
    OPENSSL_free(der);
    for (size_t i = 0; i < tls->pin_count; i++) {
        if (memcmp(hash, tls->pins[i], sizeof hash) == 0) {
            return true;
        }
    }
    return tls->pin_count == 0;
}

/* In place of OpenSSL's own check of the chain, which it begins with. */
static int verify(X509_STORE_CTX *store, void *context)
{
    medsec__tls *tls = context;
    bool good = X509_verify_cert(store) > 0;
    if (good && !is_pinned(tls, X509_STORE_CTX_get0_cert(store))) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        good = false;
    }
    int error = X509_STORE_CTX_get_error(store);
    if (!good && error == X509_V_OK) {
        error = X509_V_ERR_UNSPECIFIED;
    }
    atomic_store(&tls->verify_error, good ? X509_V_OK : error);
    return good;
}

/* RFC 6066 section 3, whatever the client library has set, which may be an address. */
static void ask_for_name(SSL *ssl, medsec__tls *tls)
{
    char *host = tls->name[0] != '\0' ? tls->name : NULL;
    if (!SSL_is_init_finished(ssl)) {
        (void)SSL_set_tlsext_host_name(ssl, host);
    }
}

static void on_state(const SSL *ssl, int where, int value)
{
    medsec__tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (where & SSL_CB_HANDSHAKE_START) {
        ask_for_name((SSL *)ssl, tls);
        atomic_store(&tls->verify_error, X509_V_OK);
        atomic_store(&tls->alert, -1);
        atomic_store(&tls->begun, true);
    } else if (where & SSL_CB_HANDSHAKE_DONE) {
        atomic_store(&tls->done, true);
    } else if (where == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL) {
        atomic_store(&tls->alert, value & 0xff);
    }
}

static medsec_status set_up(medsec__tls *tls)
{
    SSL_CTX *c = tls->context;
    if (SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) != 1) {
        return MEDSEC_ERR_PROVIDER;
    }
    if (SSL_CTX_get_security_level(c) < SECURITY_LEVEL) {
        SSL_CTX_set_security_level(c, SECURITY_LEVEL);
    }
    SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(c, verify, tls);
    SSL_CTX_set_app_data(c, tls);
    SSL_CTX_set_info_callback(c, on_state);
    return MEDSEC_OK;
}

/* A certificate names no interface. */
static medsec_status set_name(medsec__tls *tls, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(tls->context);
    char plain[MEDSEC__MQTT_HOST_MAX];
    const size_t len = strcspn(host, "%");
    memcpy(plain, host, len);
    plain[len] = '\0';
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, plain) == 1) {
        return MEDSEC_OK;
    }
    memcpy(tls->name, plain, len + 1);
    return X509_VERIFY_PARAM_set1_host(param, plain, len) == 1 ? MEDSEC_OK : MEDSEC_ERR_ARGUMENT;
}

static medsec_status file_is_bad(const medsec__mqtt_options *o, const char *path,
                                 medsec_status status, const char *reason)
{
    medsec_log_write(o->log, MEDSEC_LOG_ERROR, "tls-file-unusable", MEDSEC_LOG_STR("file", path),
                     MEDSEC_LOG_STR("reason", reason));
    return status;
}

/* ERR_IO where the system says why, else what is in it is wrong. */
static medsec_status blame(const medsec__mqtt_options *o, const char *path, const char *reason)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return file_is_bad(o, path, MEDSEC_ERR_IO, strerror(errno));
    }
    close(fd);
    return file_is_bad(o, path, MEDSEC_ERR_CORRUPT, reason);
}

static medsec_status trust(const medsec__tls *tls, const medsec__mqtt_options *o)
{
    if (!o->ca_file) {
        return SSL_CTX_set_default_verify_paths(tls->context) == 1 ? MEDSEC_OK
                                                                   : MEDSEC_ERR_PROVIDER;
    }
    return SSL_CTX_load_verify_file(tls->context, o->ca_file) == 1
               ? MEDSEC_OK
               : blame(o, o->ca_file, "no certificates in PEM in it");
}

/* Instead of a question at the terminal. */
static int no_passphrase(char *out, int cap, int writing, void *context)
{
    (void)out;
    (void)cap;
    (void)writing;
    (void)context;
    return 0;
}

static medsec_status use_key(const medsec__tls *tls, const medsec__mqtt_options *o,
                             const char *text, size_t len)
{
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    if (!key) {
        return file_is_bad(o, o->key_file, MEDSEC_ERR_CORRUPT,
                           "no private key in PEM without a passphrase in it");
    }
    const bool fits = SSL_CTX_use_PrivateKey(tls->context, key) == 1 &&
                      SSL_CTX_check_private_key(tls->context) == 1;
    EVP_PKEY_free(key);
    return fits ? MEDSEC_OK
                : file_is_bad(o, o->key_file, MEDSEC_ERR_CORRUPT, "not the key of the certificate");
}

static medsec_status load_key(const medsec__tls *tls, const medsec__mqtt_options *o)
{
    char *text = sodium_malloc(KEY_FILE_MAX);
    size_t len = 0;
    if (!text) {
        return MEDSEC_ERR_MEMORY;
    }
    medsec_status status = medsec__secret_file_read(o->key_file, text, KEY_FILE_MAX, &len);
    if (status == MEDSEC_OK) {
        status = use_key(tls, o, text, len);
    } else if (status == MEDSEC_ERR_PERMISSION) {
        status = file_is_bad(o, o->key_file, status, "others may read it: chmod go-rwx");
    } else {
        status = file_is_bad(o, o->key_file, MEDSEC_ERR_IO,
                             status == MEDSEC_ERR_LIMIT ? "too long" : strerror(errno));
    }
    sodium_free(text);
    return status;
}

static medsec_status identify(const medsec__tls *tls, const medsec__mqtt_options *o)
{
    if (!o->cert_file) {
        return MEDSEC_OK;
    }
    if (SSL_CTX_use_certificate_chain_file(tls->context, o->cert_file) != 1) {
        return blame(o, o->cert_file, "no certificate in PEM in it");
    }
    return load_key(tls, o);
}

static medsec_status fill_in(medsec__tls *tls, const medsec__mqtt_options *o)
{
    medsec_status status = set_up(tls);
    if (status == MEDSEC_OK) {
        status = parse_pins(tls, o->pin);
    }
    if (status == MEDSEC_OK) {
        status = set_name(tls, o->url.host);
    }
    if (status == MEDSEC_OK) {
        status = trust(tls, o);
    }
    return status == MEDSEC_OK ? identify(tls, o) : status;
}

medsec_status medsec__tls_create(medsec__tls **tls, const medsec__mqtt_options *options)
{
    medsec__tls *t = sodium_init() >= 0 ? calloc(1, sizeof *t) : NULL;
    if (!t) {
        return MEDSEC_ERR_MEMORY;
    }
    atomic_init(&t->verify_error, X509_V_OK);
    atomic_init(&t->alert, -1);
    t->context = SSL_CTX_new(TLS_client_method());
    medsec_status status = t->context ? fill_in(t, options) : MEDSEC_ERR_MEMORY;
    ERR_clear_error(); /* what was said about files is no business of the next call */
    if (status != MEDSEC_OK) {
        medsec__tls_destroy(t);
        return status;
    }
    *tls = t;
    return MEDSEC_OK;
}

void medsec__tls_destroy(medsec__tls *tls)
{
    if (tls) {
        SSL_CTX_free(tls->context);
        free(tls);
    }
}

SSL_CTX *medsec__tls_context(const medsec__tls *tls)
{
    return tls->context;
}

bool medsec__tls_failure(medsec__link_failure *failure, const medsec__tls *tls)
{
    const int error = atomic_load(&tls->verify_error), alert = atomic_load(&tls->alert);
    if (error != X509_V_OK) {
        *failure = medsec__certificate_failure(error);
    } else if (alert >= 0) {
        *failure = medsec__alert_failure(alert);
    }
    const bool stuck = atomic_load(&tls->begun) && !atomic_load(&tls->done);
    if (error == X509_V_OK && alert < 0 && stuck) {
        *failure = medsec__status_failure(MEDSEC_ERR_WIRE);
    }
    return error != X509_V_OK || alert >= 0 || stuck;
}
