/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_APP_H
#define FIRMWARE_APP_H

#include "board.h"

/*
 * The firmware: what main() of every board calls. Never returns from app_run but on the host, after
 * board->reset was called (then the caller starts it anew, as a chip would).
 *
 *     provisioned? --no--> LED: three short blinks, nothing else
 *        | yes
 *     boot record, generator --fails--> LED: five short blinks, nothing else
 *        |
 *     switch at configuration, or never configured --> setup mode (setup_mode.h)
 *        |                                                saved --> reset
 *     work mode (work_mode.h): join, connect, medsec/1 or the seed wire, for ever
 *        switch moved --> reset
 */
void app_run(const board *board);

#endif
