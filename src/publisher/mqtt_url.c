/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt_url.h"

#include <stdio.h>
#include <string.h>

static const char scheme[] = "mqtt://";

/* The length of the host, brackets included; 0 when there is none. */
static size_t host_length(const char *text)
{
    if (text[0] != '[') {
        return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._");
    }
    size_t len = strspn(text + 1, "0123456789abcdefABCDEF:.%");
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

medsec_status medsec__mqtt_url(char out[MEDSEC__MQTT_URL_MAX], uint16_t *port, const char *url)
{
    if (!url || strncmp(url, scheme, sizeof scheme - 1) != 0) {
        return MEDSEC_ERR_ARGUMENT;
    }
    const char *host = url + sizeof scheme - 1;
    size_t len = host_length(host);
    if (len == 0 || len > 255) {
        return MEDSEC_ERR_ARGUMENT;
    }
    unsigned number = MEDSEC__MQTT_PORT;
    medsec_status status = parse_port(&number, host + len);
    if (status != MEDSEC_OK) {
        return status;
    }
    *port = (uint16_t)number;
    snprintf(out, MEDSEC__MQTT_URL_MAX, "tcp://%.*s:%u", (int)len, host, number);
    return MEDSEC_OK;
}
