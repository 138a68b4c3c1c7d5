/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_MQTT_OPTIONS_H
#define MEDSEC_PUBLISHER_MQTT_OPTIONS_H

#include "mqtt_url.h"

#include <medsec/publisher.h>

/* A connection on which nothing is confirmed for so long is given up, though pings are answered. */
#define MEDSEC__UNCONFIRMED_MAX_MS 30000u

/* medsec_mqtt_options as a back end keeps them: checked, copied, with the defaults filled in. */
typedef struct medsec__mqtt_options {
    medsec__mqtt_url url;
    char url_text[MEDSEC__MQTT_URL_MAX]; /* for the log */
    char *client_id;
    char *username;
    char *password; /* in locked memory */
    char *ca_file;
    char *pin;
    char *cert_file;
    char *key_file;
    bool allow_clear_text;
    char *will_topic;
    char *will_payload;
    char *online_payload;
    char *offline_payload;
    size_t queue_bytes;
    uint32_t keep_alive_s;
    medsec_log *log;
} medsec__mqtt_options;

/*
 * ERR_ARGUMENT: the URL is not understood; half a pair; a malformed pin; files or a pin without
 * TLS. ERR_CLEAR_TEXT: not with TLS to an address, given as a number, that is not private. ERR_IO,
 * ERR_CORRUPT, ERR_PERMISSION: a file of certificates or keys, which is logged. ERR_MEMORY. After
 * a failure there is nothing to free.
 */
MEDSEC_CHECK medsec_status medsec__mqtt_options_copy(medsec__mqtt_options *out,
                                                     const medsec_mqtt_options *in);

/* Frees the copies, wiped. Of zeros it does nothing. */
void medsec__mqtt_options_free(medsec__mqtt_options *options);

#endif
