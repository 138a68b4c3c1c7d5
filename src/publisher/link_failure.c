/* SPDX-License-Identifier: Apache-2.0 */
#include "link_failure.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stddef.h>

typedef struct row {
    int code;
    medsec__link_failure failure;
} row;

static const char check_login[] = "check --broker-user and --broker-password-file";
static const char check_clock[] = "look at this machine's clock";
static const char check_authority[] =
    "give the certificate of the authority that signed the broker's with --broker-ca";
static const char check_name[] =
    "--broker must have a name that is in the certificate (subjectAltName)";
static const char check_own[] = "check --broker-cert and --broker-key against what the broker "
                                "trusts";

/* 3.1.1 has 1 to 5, MQTT 5 the numbers from 0x80 on. */
static const row mqtt_rows[] = {
    {0x01, {MEDSEC_ERR_REFUSED, "the broker does not speak this version of MQTT", NULL}},
    {0x02, {MEDSEC_ERR_REFUSED, "the broker refuses the client's name", "choose another --name"}},
    {0x03, {MEDSEC_ERR_BUSY, "the broker is not available now", NULL}},
    {0x04, {MEDSEC_ERR_REFUSED, "the broker refuses the login", check_login}},
    {0x05, {MEDSEC_ERR_REFUSED, "the broker refuses the login", check_login}},
    {0x80, {MEDSEC_ERR_REFUSED, "the broker refuses and does not say why", "look at its log"}},
    {0x81, {MEDSEC_ERR_MESSAGE, "the broker found a packet malformed", "look at its log"}},
    {0x82, {MEDSEC_ERR_MESSAGE, "the broker found a breach of MQTT", "look at its log"}},
    {0x84, {MEDSEC_ERR_REFUSED, "the broker does not speak this version of MQTT", NULL}},
    {0x85, {MEDSEC_ERR_REFUSED, "the broker refuses the client's name", "choose another --name"}},
    {0x86, {MEDSEC_ERR_REFUSED, "the broker refuses the login", check_login}},
    {0x87, {MEDSEC_ERR_REFUSED, "the broker refuses the login", check_login}},
    {0x88, {MEDSEC_ERR_BUSY, "the broker is not available now", NULL}},
    {0x89, {MEDSEC_ERR_BUSY, "the broker is busy", NULL}},
    {0x8a, {MEDSEC_ERR_REFUSED, "the broker has banned this client", "look at its log"}},
    {0x8b, {MEDSEC_ERR_CLOSED, "the broker is shutting down", NULL}},
    {0x8d, {MEDSEC_ERR_TIMEOUT, "the broker heard nothing for too long", NULL}},
    {0x8e,
     {MEDSEC_ERR_REFUSED, "another client came with the same name",
      "give each gateway its --name"}},
    {0x90, {MEDSEC_ERR_REFUSED, "the broker refuses a topic", "look at its access rules"}},
    {0x95, {MEDSEC_ERR_LIMIT, "a packet was too large for the broker", "look at its limits"}},
    {0x97, {MEDSEC_ERR_LIMIT, "a quota of the broker is used up", "look at its limits"}},
    {0x9f, {MEDSEC_ERR_BUSY, "too many connections a second for the broker", NULL}},
};

static const row certificate_rows[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED,
     {MEDSEC_ERR_EXPIRED, "the broker's certificate has expired",
      "renew it; if it is still good, look at this machine's clock"}},
    {X509_V_ERR_CERT_NOT_YET_VALID,
     {MEDSEC_ERR_EXPIRED, "the broker's certificate is not good yet", check_clock}},
    {X509_V_ERR_HOSTNAME_MISMATCH,
     {MEDSEC_ERR_CRYPTO, "the broker's certificate is for another name", check_name}},
    {X509_V_ERR_IP_ADDRESS_MISMATCH,
     {MEDSEC_ERR_CRYPTO, "the broker's certificate is not for this address", check_name}},
    {X509_V_ERR_APPLICATION_VERIFICATION,
     {MEDSEC_ERR_CRYPTO, "the broker's public key is not the pinned one",
      "if it was changed on purpose, change --broker-pin; else somebody is in between"}},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
     {MEDSEC_ERR_CRYPTO, "no trusted authority has signed the broker's certificate",
      check_authority}},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
     {MEDSEC_ERR_CRYPTO, "no trusted authority has signed the broker's certificate",
      check_authority}},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
     {MEDSEC_ERR_CRYPTO, "no trusted authority has signed the broker's certificate",
      check_authority}},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
     {MEDSEC_ERR_CRYPTO, "no trusted authority has signed the broker's certificate",
      check_authority}},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
     {MEDSEC_ERR_CRYPTO, "the broker's certificate is signed by nobody but itself",
      check_authority}},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE,
     {MEDSEC_ERR_CRYPTO, "the signature under the broker's certificate is wrong", check_authority}},
    {X509_V_ERR_INVALID_PURPOSE,
     {MEDSEC_ERR_CRYPTO, "the broker's certificate is not for a server", NULL}},
};

static const row alert_rows[] = {
    {SSL_AD_HANDSHAKE_FAILURE,
     {MEDSEC_ERR_CRYPTO, "the broker refuses the TLS handshake",
      "it may want a certificate of ours: --broker-cert and --broker-key"}},
    {SSL_AD_CERTIFICATE_REQUIRED,
     {MEDSEC_ERR_REFUSED, "the broker wants a certificate of ours",
      "give it with --broker-cert and --broker-key"}},
    {SSL_AD_BAD_CERTIFICATE, {MEDSEC_ERR_REFUSED, "the broker refuses our certificate", check_own}},
    {SSL_AD_UNSUPPORTED_CERTIFICATE,
     {MEDSEC_ERR_REFUSED, "the broker refuses our certificate", check_own}},
    {SSL_AD_CERTIFICATE_REVOKED, {MEDSEC_ERR_REFUSED, "our certificate is revoked", check_own}},
    {SSL_AD_CERTIFICATE_EXPIRED,
     {MEDSEC_ERR_EXPIRED, "our certificate has expired", "renew what --broker-cert names"}},
    {SSL_AD_CERTIFICATE_UNKNOWN,
     {MEDSEC_ERR_REFUSED, "the broker refuses our certificate", check_own}},
    {SSL_AD_UNKNOWN_CA,
     {MEDSEC_ERR_REFUSED, "the broker does not know the authority of our certificate", check_own}},
    {SSL_AD_PROTOCOL_VERSION,
     {MEDSEC_ERR_CRYPTO, "the broker speaks no TLS of version 1.2 or later",
      "bring it up to date"}},
};

static const row status_rows[] = {
    {MEDSEC_ERR_NOT_FOUND,
     {MEDSEC_ERR_NOT_FOUND, "no such host", "check --broker and the name service"}},
    {MEDSEC_ERR_CLEAR_TEXT,
     {MEDSEC_ERR_CLEAR_TEXT, "not without TLS to an address that is not private",
      "use mqtts://, or --insecure-broker"}},
    {MEDSEC_ERR_TIMEOUT,
     {MEDSEC_ERR_TIMEOUT, "no answer in time", "is it a broker, and is the port right?"}},
    {MEDSEC_ERR_WIRE,
     {MEDSEC_ERR_WIRE, "what answers there does not speak TLS",
      "is it the broker's port for mqtts?"}},
    {MEDSEC_ERR_STATE,
     {MEDSEC_ERR_CLOSED, "the broker closed the connection before it answered",
      "is it the port for what --broker says, mqtt or mqtts? look at the broker's log"}},
    {MEDSEC_ERR_CLOSED, {MEDSEC_ERR_CLOSED, "the broker closed the connection", NULL}},
    {MEDSEC_ERR_IO,
     {MEDSEC_ERR_IO, "nobody listens there, or the network does not lead there",
      "is the broker running, and are --broker's host and port right?"}},
};

static const row refusal_rows[] = {
    {0x80, {MEDSEC_ERR_REFUSED, "the broker does not say why", NULL}},
    {0x83, {MEDSEC_ERR_REFUSED, "the broker has a rule of its own", NULL}},
    {0x87, {MEDSEC_ERR_REFUSED, "its access rules forbid the topic", NULL}},
    {0x90, {MEDSEC_ERR_REFUSED, "it does not take such a topic", NULL}},
    {0x97, {MEDSEC_ERR_REFUSED, "a quota is used up", NULL}},
};

#define FIND(rows, code, otherwise) find(rows, sizeof(rows) / sizeof *(rows), code, otherwise)

static medsec__link_failure find(const row *rows, size_t count, int code,
                                 medsec__link_failure otherwise)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].code == code) {
            return rows[i].failure;
        }
    }
    return otherwise;
}

medsec__link_failure medsec__mqtt_failure(int code)
{
    return FIND(mqtt_rows, code,
                ((medsec__link_failure){MEDSEC_ERR_REFUSED, "the broker refuses the connection",
                                        "look at its log"}));
}

const char *medsec__mqtt_refusal(int code)
{
    return FIND(refusal_rows, code,
                ((medsec__link_failure){MEDSEC_ERR_REFUSED, "the broker refuses it", NULL}))
        .reason;
}

medsec__link_failure medsec__status_failure(medsec_status status)
{
    return FIND(status_rows, (int)status,
                ((medsec__link_failure){status, medsec_strerror(status), NULL}));
}

medsec__link_failure medsec__certificate_failure(int verify_error)
{
    return FIND(
        certificate_rows, verify_error,
        ((medsec__link_failure){MEDSEC_ERR_CRYPTO, X509_verify_cert_error_string(verify_error),
                                "look at the broker's certificate"}));
}

medsec__link_failure medsec__alert_failure(int alert)
{
    return FIND(alert_rows, alert,
                ((medsec__link_failure){MEDSEC_ERR_CRYPTO, SSL_alert_desc_string_long(alert),
                                        "the broker ended TLS: look at its log"}));
}
