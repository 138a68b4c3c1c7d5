/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_LED_H
#define FIRMWARE_LED_H

#include "board.h"

/* What the LED says (docs/hardware.md): that many short blinks, then a pause. */
typedef enum led_code {
    LED_SETUP = 0, /* on and off in equal parts: setup mode, the access point is there */
    LED_WORKING = 1, /* in a session with the gateway */
    LED_CONNECTING = 2, /* no network, or no gateway, yet */
    LED_NOT_PROVISIONED = 3, /* no credential: medsec-keygen's file is to be put onto it */
    LED_REFUSED = 4, /* the network does not take the password, or is not there */
    LED_FAILED = 5, /* the flash or the generator: nothing can be sent safely */
    LED_NO_MODULE = 6 /* the ESP8266 does not answer */
} led_code;

typedef struct led {
    const board *board;
    uint64_t began_ms; /* of the code that is shown */
    uint8_t code; /* led_code */
    bool on;
} led;

void led_start(led *led, const board *board);
/* Shows a code from its beginning; the one that is shown goes on undisturbed. */
void led_show(led *led, led_code code, uint64_t now_ms);
/* Switches when it is time; gives when to call again. */
uint64_t led_poll(led *led, uint64_t now_ms);

#endif
