/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt_url.h"

#include <stdio.h>
#include <string.h>

static const char clear_scheme[] = "mqtt://";
static const char tls_scheme[] = "mqtts://";

/* What is behind the scheme; NULL when it is neither of the two. */
static const char *skip_scheme(bool *tls, const char *text)
{
    *tls = strncmp(text, tls_scheme, sizeof tls_scheme - 1) == 0;
    if (*tls) {
        return text + sizeof tls_scheme - 1;
    }
    return strncmp(text, clear_scheme, sizeof clear_scheme - 1) == 0
               ? text + sizeof clear_scheme - 1
               : NULL;
}

/* The length of the host, brackets included; 0 when there is none. */
static size_t host_length(const char *text)
{
    if (text[0] != '[') {
        return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._");
    }
    size_t len = strspn(text + 1, "0123456789abcdefABCDEF:.");
    if (text[1 + len] == '%') { /* the interface of a link-local address: RFC 4007 section 11 */
        len += 1 + strspn(text + len + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                          "0123456789-._");
    }
    return len > 0 && text[1 + len] == ']' ? len + 2 : 0;
}

static medsec_status parse_port(unsigned *port, const char *text)
{
    if (*text == '\0') {
        return MEDSEC_OK;
    }
    if (*text++ != ':') {
        return MEDSEC_ERR_ARGUMENT;
    }
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != '\0') {
        return MEDSEC_ERR_ARGUMENT;
    }
    *port = 0;
    while (*text) {
        *port = *port * 10 + (unsigned)(*text++ - '0');
    }
    return *port > 0 && *port <= 65535 ? MEDSEC_OK : MEDSEC_ERR_ARGUMENT;
}

medsec_status medsec__mqtt_url_parse(medsec__mqtt_url *url, const char *text)
{
    bool tls = false;
    const char *host = text ? skip_scheme(&tls, text) : NULL;
    size_t len = host ? host_length(host) : 0;
    if (len == 0 || len >= MEDSEC__MQTT_HOST_MAX) {
        return MEDSEC_ERR_ARGUMENT;
    }
    unsigned port = tls ? MEDSEC__MQTTS_PORT : MEDSEC__MQTT_PORT;
    medsec_status status = parse_port(&port, host + len);
    if (status != MEDSEC_OK) {
        return status;
    }
    const size_t bracket = host[0] == '[' ? 1 : 0;
    *url = (medsec__mqtt_url){.port = (uint16_t)port, .tls = tls};
    memcpy(url->host, host + bracket, len - 2 * bracket);
    return MEDSEC_OK;
}

void medsec__mqtt_url_text(char out[MEDSEC__MQTT_URL_MAX], const char *scheme, const char *host,
                           uint16_t port)
{
    const bool is_v6 = strchr(host, ':') != NULL;
    snprintf(out, MEDSEC__MQTT_URL_MAX, "%s://%s%s%s:%u", scheme, is_v6 ? "[" : "", host,
             is_v6 ? "]" : "", port);
}
