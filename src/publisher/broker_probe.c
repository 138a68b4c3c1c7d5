/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_probe.h"

#include "broker_address.h"
#include "tls.h"

#include <netdb.h>
#include <openssl/err.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define CONNECT_S 3 /* to connect, and for each answer of the handshake */
#define VERDICT_MS 300 /* for the broker to say that it does not like our certificate */

/* Of both directions; that of sending is the one of connect() too. */
static void limit_wait(int fd, struct timeval limit)
{
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

static int connect_to(const struct addrinfo *address)
{
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    limit_wait(fd, (struct timeval){.tv_sec = CONNECT_S});
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_to_broker(const medsec__mqtt_options *options)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    char host[MEDSEC__BROKER_HOST_MAX], port[8];
    struct addrinfo *address = NULL;
    snprintf(port, sizeof port, "%u", options->url.port);
    if (medsec__broker_resolve(host, options, 0) != MEDSEC_OK ||
        getaddrinfo(host, port, &hints, &address) != 0) {
        return -1;
    }
    const int fd = connect_to(address);
    freeaddrinfo(address);
    return fd;
}

/* In TLS 1.3 the client is done before the broker has looked at its certificate: RFC 8446
 * section 4.4.2.4. A broker that is content waits for the first packet. */
static void shake_hands(SSL *ssl, int fd)
{
    char byte;
    if (SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1) {
        limit_wait(fd, (struct timeval){.tv_usec = VERDICT_MS * 1000});
        (void)SSL_read(ssl, &byte, 1);
    }
    ERR_clear_error();
}

static bool is_about_tls(medsec__link_failure *failure, const medsec__mqtt_options *options, int fd)
{
    medsec__tls *tls = NULL;
    if (!options->url.tls || medsec__tls_create(&tls, options) != MEDSEC_OK) {
        return false;
    }
    SSL *ssl = SSL_new(medsec__tls_context(tls));
    if (ssl) {
        shake_hands(ssl, fd);
    }
    SSL_free(ssl);
    const bool failed = medsec__tls_failure(failure, tls);
    medsec__tls_destroy(tls);
    return failed;
}

bool medsec__broker_probe(medsec__link_failure *failure, const medsec__mqtt_options *options)
{
    const int fd = connect_to_broker(options);
    if (fd < 0) {
        return false;
    }
    if (!is_about_tls(failure, options, fd)) {
        *failure = medsec__status_failure(MEDSEC_ERR_STATE);
    }
    close(fd);
    return true;
}
