/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_AT_PARSER_H
#define FIRMWARE_AT_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the ESP8266 says, as events: push bytes as they come, in pieces of any size. Lines that mean
 * nothing here are passed over: echo, `Recv 5 bytes`, the garbage of a module that boots (its first
 * words come at another baud rate; a byte that no text has ends a line). Keeps no data: bytes of
 * +IPD are given out where they lie.
 */
#define AT_LINE_MAX 24u /* characters; all that mean something are shorter */
#define AT_DATA_MAX 8192u /* bytes of one +IPD; modules send 1 460 to 2 920 */
#define AT_LINKS 5u /* connections that a module has */

typedef enum at_event_type {
    AT_NONE, /* all taken; nothing more for now */
    AT_OK,
    AT_ERROR, /* ERROR, FAIL */
    AT_BUSY, /* busy p..., busy s...: what was just sent to the module is lost */
    AT_READY, /* the module has started */
    AT_PROMPT, /* > : it waits for the bytes of AT+CIPSEND */
    AT_SENT, /* SEND OK */
    AT_NOT_SENT, /* SEND FAIL */
    AT_CONNECT, /* [link,]CONNECT */
    AT_CLOSED, /* [link,]CLOSED, [link,]CONNECT FAIL */
    AT_JOINED, /* WIFI GOT IP */
    AT_LEFT, /* WIFI DISCONNECT */
    AT_JOIN_CODE, /* +CWJAP:code, in front of the ERROR */
    AT_DATA, /* bytes of +IPD[,link]: some of them, more may follow */
    AT_BROKEN /* what cannot be: a +IPD without a sound length, a link that was open already */
} at_event_type;

typedef struct at_event {
    at_event_type type;
    uint8_t link; /* CONNECT, CLOSED, DATA: 0 when the module names none; less than AT_LINKS */
    uint8_t code; /* JOIN_CODE */
    const uint8_t *data; /* DATA: within the bytes that were pushed */
    size_t len;
} at_event;

typedef struct at_parser {
    uint16_t left; /* bytes of +IPD that are to come */
    uint8_t link; /* theirs */
    uint8_t len; /* of `line`; AT_LINE_MAX + 1: too long, passed over */
    char line[AT_LINE_MAX];
} at_parser;

void at_parser_init(at_parser *parser);
/* Takes bytes up to the next event, gives how many. Call it again with the rest until AT_NONE. */
size_t at_parser_push(at_parser *parser, const uint8_t *data, size_t len, at_event *event);
/* Within a +IPD: its bytes come without a pause, so silence now means that some were lost. */
bool at_parser_in_data(const at_parser *parser);

#endif
