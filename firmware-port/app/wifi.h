/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_WIFI_H
#define FIRMWARE_WIFI_H

#include "at_parser.h"
#include "board.h"

/*
 * The ESP8266 by its AT commands (Espressif: ESP8266 Non-OS AT Instruction Set 3.0; ESP-AT 2.2 for
 * the ESP8266): as a station with one TCP connection, or as an access point with a TCP server.
 * Nothing waits: call poll again and again. The module keeps nothing of it in its own flash.
 *
 * The module is given up and reset (AT+RST) when it does not answer in time, says what cannot be,
 * or bytes of it were lost, and begun again as it was started. What was open is told as CLOSED, and
 * a wifi_open under way as FAILED, before LEFT.
 */
#define WIFI_LINKS AT_LINKS /* connections to the server at a time */
#define WIFI_SEND_MAX 2048u /* bytes of one AT+CIPSEND; longer sends are cut into several */
#define WIFI_COMMAND_MAX 212u /* characters of the longest: AT+CWJAP_CUR, everything escaped */
#define WIFI_RECEIVE_LEN 256u /* bytes taken from the UART at a time; no DATA is longer */

#define WIFI_CHANNEL 5u /* access point */
#define WIFI_STATIONS 1u /* that it lets in at a time */
#define WIFI_ADDRESS "192.168.4.1"

typedef enum wifi_event_type {
    WIFI_NONE, /* nothing more for now */
    WIFI_UP, /* station: joined, with an address; access point: the server listens */
    WIFI_LEFT, /* no longer, for `reason`: it tries again by itself, with growing pauses */
    WIFI_REFUSED, /* did not come up, for `reason`; it tries again by itself, likewise */
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
    WIFI_REASON_MODULE /* the ESP8266 itself does not answer, or has started anew */
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
    const char *password; /* "": open; at most 63 characters; must stay */
    uint16_t port; /* access point: of the server */
} wifi_options;

/* One connection. Members are wifi*.c's own, here and below. */
typedef struct wifi_link {
    const uint8_t *data; /* what is to be sent; NULL: nothing */
    size_t len;
    bool open; /* for the caller: from OPENED to CLOSED, told or due */
    bool closing; /* AT+CIPCLOSE is to be sent */
    bool closed_due; /* events that are to be told, in this order */
    bool opened_due;
    bool sent_due;
} wifi_link;

typedef struct wifi {
    const board *board;
    wifi_options options;
    at_parser parser;
    wifi_link links[WIFI_LINKS];

    uint64_t now_ms; /* of the last poll; of all other times the lower half is kept */
    uint32_t retry_ms; /* when to go on with `step`, if `pausing` */
    uint32_t deadline_ms; /* of the command under way */
    uint32_t again_ms; /* when to say it again, if `again` */
    uint32_t data_ms; /* when bytes came last */
    uint32_t pause_ms; /* before the next try */
    uint32_t lost; /* bytes that the board had lost when the module was reset */

    uint8_t step; /* not up: the command that is next in setting up */
    uint8_t command; /* under way */
    uint8_t link; /* that it is about */
    bool pausing; /* something failed */
    bool again; /* the module was busy */
    uint8_t busy; /* how often it was said again */
    uint8_t reset; /* wifi_reset, of the one under way */
    uint8_t reason; /* for the next LEFT or REFUSED */
    bool current; /* the module knows commands with _CUR (Non-OS AT) */
    bool joined; /* once since its reset: it may join again by itself */
    bool orphan; /* what the command under way is about was closed meanwhile */
    bool up;
    bool more; /* the last poll gave an event */
    bool failed_due; /* events that are to be told, in this order */
    bool left_due;
    bool refused_due;
    bool up_due;

    const char *host; /* of wifi_open; NULL: none under way */
    uint16_t port;

    const uint8_t *payload; /* of AT+CIPSEND, after the prompt */
    uint16_t payload_left;
    uint16_t piece; /* bytes that this AT+CIPSEND is for */
    uint16_t filler; /* bytes without a meaning to be written first, see wifi_internal.h */
    uint16_t out_at;
    uint16_t out_len;
    uint16_t in_at;
    uint16_t in_len;
    char out[WIFI_COMMAND_MAX];
    uint8_t in[WIFI_RECEIVE_LEN];
} wifi;

void wifi_start(wifi *w, const board *board, const wifi_options *options);
/* One event at a time: call it until NONE. */
void wifi_poll(wifi *w, uint64_t now_ms, wifi_event *event);
/* When to poll again at the latest, if no byte comes before. */
uint64_t wifi_until_ms(const wifi *w);
/* Station, up, nothing open: begins a connection; gives OPENED or FAILED. `host` is a name or an
 * address, at most 64 characters, and must stay until then. */
void wifi_open(wifi *w, const char *host, uint16_t port);
/* `data` must stay until SENT or CLOSED; one at a time on a link. false: not open, being closed,
 * nothing to send, or the last one is not yet SENT. */
bool wifi_send(wifi *w, uint8_t link, const uint8_t *data, size_t len);
/* Gives CLOSED, after what is being sent; what was not begun is not sent. */
void wifi_close(wifi *w, uint8_t link);

#endif
