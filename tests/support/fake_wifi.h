/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_FAKE_WIFI_H
#define MEDSEC_TESTS_FAKE_WIFI_H

#include "wifi.h"

/*
 * wifi.h without a module: the test says what happens, and sees what is wanted. What wifi.h asks of
 * its caller is checked. In a program that includes this, it takes the place of the real one.
 */
typedef struct fake_link {
    bool open; /* OPENED was pushed, CLOSED was not */
    bool closing; /* wifi_close was called */
    bool deaf; /* takes nothing to be sent: it is gone, and CLOSED is on its way */
    const uint8_t *data; /* of wifi_send; NULL: nothing is being sent */
    size_t len;
} fake_link;

typedef struct fake_wifi {
    unsigned starts;
    wifi_options options;
    bool up;
    bool opening; /* wifi_open, neither OPENED nor FAILED yet */
    const char *host; /* of the last wifi_open */
    uint16_t port;
    unsigned opens;
    uint64_t until_ms;
    fake_link links[WIFI_LINKS];
} fake_wifi;

extern fake_wifi fake_network;

void fake_wifi_reset(void);
/* Happens at the next polls. DATA is copied. */
void fake_wifi_push(wifi_event_type type, uint8_t link);
void fake_wifi_push_reason(wifi_event_type type, wifi_reason reason);
void fake_wifi_push_data(uint8_t link, const void *data, size_t len);

#endif
