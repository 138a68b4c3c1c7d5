/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_CERTIFICATES_H
#define MEDSEC_TESTS_CERTIFICATES_H

#include <stdbool.h>
#include <stddef.h>

/* What a certificate says. */
typedef struct certificate {
    const char *name; /* of its files, <name>.pem and <name>.key, and its common name */
    const char *issuer; /* name of the authority; NULL: itself */
    bool authority;
    const char *names; /* "DNS:localhost,IP:127.0.0.1"; NULL: none */
    long from_s; /* from now */
    long to_s;
} certificate;

/* Writes the certificate and its key (P-256, mode 0600) into the folder, where its issuer is. */
void certificate_make(const char *folder, const certificate *what);

/* The pin of its public key, as --broker-pin has it. */
#define CERTIFICATE_PIN_MAX 64u
void certificate_pin(char out[CERTIFICATE_PIN_MAX], const char *folder, const char *name);

/* A line of mosquitto's password file. */
#define PASSWORD_LINE_MAX 256u
void password_line(char out[PASSWORD_LINE_MAX], const char *user, const char *password);

#endif
