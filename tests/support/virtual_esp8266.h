/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_VIRTUAL_ESP8266_H
#define MEDSEC_TESTS_VIRTUAL_ESP8266_H

#include "virtual_board.h"

/*
 * An ESP8266 with Non-OS AT firmware on the UART of a virtual board, and the world that it is in:
 * one network, one server, or a visitor. Its words come at 115 200 baud, and what the board does
 * not read is lost after 2 KiB. It is busy while it works on a command, and says so.
 */
#define ESP8266_LINKS 5u
#define ESP8266_QUEUE_LEN 65536u

/* Bytes and ends of connections, told to whoever is at the other end of them. */
typedef struct esp8266_peer {
    void *context;
    void (*opened)(void *context, unsigned link); /* station: the board connected */
    void (*received)(void *context, unsigned link, const uint8_t *data, size_t len);
    void (*closed)(void *context, unsigned link);
} esp8266_peer;

typedef struct virtual_esp8266 {
    virtual_board *board;
    esp8266_peer peer;
    const char *ssid; /* of the network that is there; NULL: none */
    const char *password;
    const char *host; /* of the server that can be reached; NULL: none */
    uint16_t port;
    bool mute; /* it hangs: it neither listens nor speaks */
    bool late; /* says SEND OK only after what the other end answered */

    unsigned commands; /* carried out so far */
    unsigned joins;
    unsigned opens;
    unsigned sends;
    bool echo;
    bool station;
    bool joined;
    bool serves;
    bool open[ESP8266_LINKS];

    char line[256]; /* of the board, half received */
    size_t line_len;
    unsigned send_link;
    size_t send_left; /* bytes of AT+CIPSEND that are to come */
    size_t send_len;
    uint8_t send[2048];
    uint64_t heard_us; /* when the last byte of the board was through */
    uint64_t busy_us; /* with a command, until then */
    uint64_t said_us; /* when the last byte to the board is through */
    size_t queue_begin;
    size_t queue_end;
    uint64_t due_us[ESP8266_QUEUE_LEN];
    uint8_t queue[ESP8266_QUEUE_LEN];
} virtual_esp8266;

/* Fresh from its supply, and connected to the board. */
void virtual_esp8266_open(virtual_esp8266 *e, virtual_board *v);

/* The other end says something, or closes. */
void virtual_esp8266_say(virtual_esp8266 *e, unsigned link, const void *data, size_t len);
void virtual_esp8266_hang_up(virtual_esp8266 *e, unsigned link);
/* Access point: somebody connects. false: no server, or that link is taken. */
bool virtual_esp8266_visit(virtual_esp8266 *e, unsigned link);
/* The network goes away; ssid says whether it is there again. */
void virtual_esp8266_drop(virtual_esp8266 *e);
/* Its supply fails for a moment. */
void virtual_esp8266_restart(virtual_esp8266 *e);

#endif
