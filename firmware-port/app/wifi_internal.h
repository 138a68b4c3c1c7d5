/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_WIFI_INTERNAL_H
#define FIRMWARE_WIFI_INTERNAL_H

#include "wifi.h"

/*
 * wifi.c turns the crank: bytes in, bytes out, time. wifi_command.c says what is to be said,
 * wifi_answer.c decides what follows from what the module says.
 *
 * A module that was given up may still wait for the bytes of an AT+CIPSEND, and would take AT+RST
 * for them. So filler goes in front: blank lines, as many bytes as it can wait for at most. The
 * same completes an AT+CIPSEND whose connection has ended, since its data need not be there any
 * more.
 */
typedef enum wifi_command {
    WIFI_COMMAND_NONE,
    WIFI_COMMAND_RESET, /* setting up, in this order */
    WIFI_COMMAND_ECHO,
    WIFI_COMMAND_STORE,
    WIFI_COMMAND_MODE,
    WIFI_COMMAND_MUX,
    WIFI_COMMAND_NETWORK, /* access point */
    WIFI_COMMAND_ADDRESS,
    WIFI_COMMAND_SERVER,
    WIFI_COMMAND_JOIN, /* station: again and again, until it is in */
    WIFI_COMMAND_OPEN,
    WIFI_COMMAND_SEND, /* until the prompt */
    WIFI_COMMAND_PAYLOAD, /* of SEND, from the prompt on */
    WIFI_COMMAND_CLOSE
} wifi_command;

/* A `ready` that comes before the OK is of a start that was under way already: either AT+RST was
 * not heard, or its own start is still to come. So it is said once more; a module that even then
 * gives no OK is believed. */
typedef enum wifi_reset { WIFI_RESET_SAID, WIFI_RESET_READY, WIFI_RESET_TAKEN } wifi_reset;

#define WIFI_PAUSE_MIN_MS 1000u /* before the second try; doubled with each */
#define WIFI_PAUSE_MAX_MS 60000u
#define WIFI_BUSY_MS 200u /* between two tries of a command that met `busy` */
#define WIFI_BUSY_MAX 150u /* tries: 30 s, longer than a module takes to join by itself */
#define WIFI_SILENCE_MS 2000u /* within a +IPD: bytes are missing */

/* Times are compared around the end of 32 bits; none is as far away as half of that, 24 days. */
static inline bool wifi__is_due(const wifi *w, uint32_t at_ms)
{
    return (uint32_t)w->now_ms - at_ms < UINT32_MAX / 2;
}

/* Begins a command that is about `link`. */
void wifi__begin(wifi *w, wifi_command command, uint8_t link);
/* Says it, perhaps once more. false: its text cannot be said (a control character in it). */
bool wifi__say(wifi *w);
/* From now on it has its time for an answer. */
void wifi__wait(wifi *w);

/* Anything but DATA. */
void wifi__answer(wifi *w, const at_event *event);
/* Gives the module up: it is reset after a pause. */
void wifi__fault(wifi *w);

#endif
