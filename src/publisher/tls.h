/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_TLS_H
#define MEDSEC_PUBLISHER_TLS_H

#include "link_failure.h"
#include "mqtt_options.h"

#include <openssl/ssl.h>

/*
 * TLS towards the broker (RFC 8446, RFC 5246): version 1.2 or later; the broker's certificate must
 * chain up to an authority that is trusted and be for the host of the URL (RFC 5280, RFC 6125);
 * where there are pins, its public key must be one of them as well (RFC 7469 section 2.6). All of
 * it is in the SSL_CTX, so that whoever makes a connection of it cannot forget a part.
 */
typedef struct medsec__tls medsec__tls;

/* Reads the files; make a new one for each connection, so that renewed files are seen. What is
 * wrong with a file is logged. ERR_ARGUMENT: a malformed pin; ERR_IO, ERR_CORRUPT, ERR_PERMISSION
 * (the key can be read by others): a file; ERR_MEMORY. */
MEDSEC_CHECK medsec_status medsec__tls_create(medsec__tls **tls,
                                              const medsec__mqtt_options *options);

/* After whatever was made of its context. NULL is nothing. */
void medsec__tls_destroy(medsec__tls *tls);

/* Belongs to `tls`. */
SSL_CTX *medsec__tls_context(const medsec__tls *tls);

/* Why its last connection failed, as far as TLS knows: the broker's certificate did not please, or
 * the broker said no. False: there is nothing to tell. From any thread. */
bool medsec__tls_failure(medsec__link_failure *failure, const medsec__tls *tls);

#endif
