/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_MQTT_URL_H
#define MEDSEC_PUBLISHER_MQTT_URL_H

#include <medsec/export.h>
#include <medsec/status.h>

#include <stdint.h>

#define MEDSEC__MQTT_URL_MAX 272u /* a host name of 255, a scheme and a port */
#define MEDSEC__MQTT_PORT 1883u

/* `mqtt://host[:port]` or `mqtt://[address][:port]` as paho wants it, `tcp://host:port`, and the
 * port. ERR_ARGUMENT. */
MEDSEC_CHECK medsec_status medsec__mqtt_url(char out[MEDSEC__MQTT_URL_MAX], uint16_t *port,
                                            const char *url);

#endif
