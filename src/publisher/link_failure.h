/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_LINK_FAILURE_H
#define MEDSEC_PUBLISHER_LINK_FAILURE_H

#include <medsec/status.h>

#include <stdint.h>

/* Why there is no connection to the broker, and what to do about it. The texts are constants; a
 * hint may be NULL. */
typedef struct medsec__link_failure {
    medsec_status status;
    const char *reason;
    const char *hint;
} medsec__link_failure;

/* What the broker says in CONNACK or DISCONNECT of MQTT 5 (section 2.4), or in CONNACK of 3.1.1
 * (section 3.2.2.3: 1 to 5). */
medsec__link_failure medsec__mqtt_failure(int code);

/* Why the broker does not take a message: reason codes of PUBACK (section 3.4.2.1). */
const char *medsec__mqtt_refusal(int code);

/* Of what is not said in MQTT: ERR_NOT_FOUND, ERR_CLEAR_TEXT, ERR_IO (no connection), ERR_WIRE (no
 * TLS there), ERR_STATE (closed before CONNACK), ERR_CLOSED, ERR_TIMEOUT and so on. */
medsec__link_failure medsec__status_failure(medsec_status status);

/* Of the checks of a certificate: X509_V_ERR_... */
medsec__link_failure medsec__certificate_failure(int verify_error);

/* Of an alert that the broker sent: SSL_AD_... (RFC 8446 section 6). */
medsec__link_failure medsec__alert_failure(int alert);

#endif
