/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_MQTT_URL_H
#define MEDSEC_PUBLISHER_MQTT_URL_H

#include <medsec/export.h>
#include <medsec/status.h>

#include <stdbool.h>
#include <stdint.h>

#define MEDSEC__MQTT_HOST_MAX 256u /* with NUL */
#define MEDSEC__MQTT_URL_MAX 280u /* a host, a scheme, brackets and a port */
#define MEDSEC__MQTT_PORT 1883u
#define MEDSEC__MQTTS_PORT 8883u

typedef struct medsec__mqtt_url {
    char host[MEDSEC__MQTT_HOST_MAX]; /* without brackets */
    uint16_t port;
    bool tls;
} medsec__mqtt_url;

/* `mqtt://host[:port]`, `mqtts://[address][:port]`. ERR_ARGUMENT. */
MEDSEC_CHECK medsec_status medsec__mqtt_url_parse(medsec__mqtt_url *url, const char *text);

/* `scheme://host:port`, with brackets around an IPv6 address. */
void medsec__mqtt_url_text(char out[MEDSEC__MQTT_URL_MAX], const char *scheme, const char *host,
                           uint16_t port);

#endif
