/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_TURN_H
#define MEDSEC_GATEWAY_TURN_H

#include "connection.h"

/* Between two looks at who is queued, and how many then have their turn: no more work at a time
 * than those who are connected already notice. */
#define MEDSEC__TURN_MS 2u
#define MEDSEC__TURNS_AT_ONCE 8u
#define MEDSEC__TURNS_CYCLE                                              \
    8u /* one of so many turns, and of half-open places, is a stranger's \
        */

/* Newcomers ask for work before they have proved anything. When the budget for that is used
 * up they wait their turn, first come, first served, and before all those from an address from
 * which a device proved itself: strangers have one turn of a cycle then, and what is left. */
MEDSEC_CHECK medsec_status medsec__turn_open(medsec__loop *loop);
bool medsec__turn_must_wait(medsec__connection *connection);
void medsec__turn_wait(medsec__connection *connection);

#endif
