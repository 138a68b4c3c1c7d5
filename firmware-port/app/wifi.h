/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_WIFI_H
#define FIRMWARE_WIFI_H

#include "at_parser.h"
#include "board.h"

/*
 * The ESP8266 by its AT commands (Espressif, ESP8266 AT Instruction Set 2.2): as a station with one
 * TCP connection, or as an access point with a TCP server. Nothing waits: call poll again and again.
 *
 * The module is given up and reset (AT+RST) when it does not answer in time, and begun again as it
 * was started; what was open is told as CLOSED, and LEFT, before.
 */
#define WIFI_LINKS 4u /* connections to the server at a time */
#define WIFI_SEND_MAX 2048u /* bytes of one AT+CIPSEND; longer sends are cut into several */
#define WIFI_HOST_MAX 64u /* characters */

typedef enum wifi_event_type {
    WIFI_NONE, /* nothing more for now */
    WIFI_UP, /* station: joined, with an address; access point: the server listens */
    WIFI_LEFT, /* no longer: it tries again by itself, with growing pauses */
    WIFI_REFUSED, /* joining failed, for `reason`; it tries again by itself */
    WIFI_OPENED, /* station: wifi_open succeeded; access point: somebody connected */
    WIFI_FAILED, /* wifi_open did not succeed */
    WIFI_DATA, /* bytes from the other side, valid until the next poll */
    WIFI_SENT, /* all of wifi_send is with the module */
    WIFI_CLOSED /* whoever closed; what was not SENT may be lost */
} wifi_event_type;

typedef enum wifi_reason {
    WIFI_REASON_UNKNOWN,
    WIFI_REASON_TIMEOUT, /* +CWJAP:1 */
    WIFI_REASON_PASSWORD, /* +CWJAP:2 */
    WIFI_REASON_NOT_FOUND, /* +CWJAP:3: no access point of that name */
    WIFI_REASON_MODULE /* the ESP8266 itself does not answer */
} wifi_reason;

typedef struct wifi_event {
    wifi_event_type type;
    uint8_t link; /* 0 of a station; 0..WIFI_LINKS - 1 */
    wifi_reason reason;
    const uint8_t *data;
    size_t len;
} wifi_event;

typedef enum wifi_mode { WIFI_STATION, WIFI_ACCESS_POINT } wifi_mode;

typedef struct wifi_options {
    wifi_mode mode;
    const char *name; /* SSID, at most 32 bytes; must stay */
    const char *password; /* "": open; must stay */
    uint16_t port; /* access point: of the server */
} wifi_options;

typedef struct wifi wifi;

void wifi_start(wifi *wifi, const board *board, const wifi_options *options);
void wifi_poll(wifi *wifi, uint64_t now_ms, wifi_event *event);
/* When to poll again at the latest, if no byte comes before. */
uint64_t wifi_until_ms(const wifi *wifi);
/* Station, up, nothing open: begins a connection. `host` is a name or an address, and must stay. */
void wifi_open(wifi *wifi, const char *host, uint16_t port);
/* `data` must stay until SENT or CLOSED; one at a time on a link. false: not open, or not yet sent. */
bool wifi_send(wifi *wifi, uint8_t link, const uint8_t *data, size_t len);
void wifi_close(wifi *wifi, uint8_t link);

#endif
