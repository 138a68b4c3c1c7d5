/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_APP_H
#define FIRMWARE_APP_H

#include "setup_mode.h"
#include "slide.h"
#include "work_mode.h"

/*
 * The firmware: what main() of every board calls.
 *
 *     credential, boot record? --no--> LED: three short blinks, nothing else (identity.h,
 * boot_log.h) | yes flash, generator --fails--> LED: five short blinks, nothing else (drbg.h)
 *        |
 *     switch at configuration, or never configured --> setup mode (setup_mode.h)
 *        |                                                saved --> reset
 *     work mode (work_mode.h): join, connect, medsec/1 or the seed wire, for ever
 *        switch moved to configuration --> reset
 *
 * Settings that were just saved are gone to work with although the switch is at configuration; that
 * lasts until the switch was at work once, over any number of starts.
 */
typedef enum app_mode { APP_HALTED, APP_SETUP, APP_WORK } app_mode;

/* Do not touch members; they are here to give the size. */
typedef struct app {
    const board *board;
    uint8_t mode; /* app_mode */
    uint8_t code; /* led_code of a halted one */
    bool configured; /* there are settings */
    bool fresh; /* and the switch was not at work since they were saved */
    bool noisy; /* the ring oscillator is no constant */
    led led;
    slide slide;
    drbg drbg;
    medsec_credential credential;
    medsec_setup_settings settings;
    union {
        setup_mode setup;
        work_mode work;
    } in;
} app;

void app_start(app *app, const board *board);
/* One turn of the main loop; it sleeps at its end. false: board->reset was called, which returns on
 * the host only. Nothing secret is left in `app` then: start it anew. */
bool app_turn(app *app);
/* Both, for ever; returns as app_turn does. */
void app_run(app *app, const board *board);

#endif
