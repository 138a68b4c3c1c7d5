/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_MENU_H
#define MEDSEC_SIM_MENU_H

#include "device.h"

/*
 * The menu of the published pseudo device, on standard input: a line `N` takes step N on every
 * device, `N ID` on that one. Terminal, pipe or file; it ends with the input or `q`, the run goes
 * on.
 */
#define MENU_LINE_MAX 128u /* characters */

typedef struct menu {
    uv_poll_t poll;
    device *devices;
    uint32_t size;
    char line[MENU_LINE_MAX];
    size_t len;
    int old_flags; /* of standard input, which the loop makes non-blocking */
    bool active;
} menu;

/* Returns 0 or an error of libuv. */
int menu_start(menu *m, uv_loop_t *loop, device *devices, uint32_t size);
void menu_stop(menu *m);

#endif
