/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_DRAIN_H
#define MEDSEC_GATEWAY_DRAIN_H

#include "connection.h"

/* The end of a loop. Its tick becomes that of the drain. */
#define MEDSEC__DRAIN_QUIET_MS 50u /* nothing came for so long */
#define MEDSEC__DRAIN_WAIT_MS 5u /* between two looks whether the other loops are done */
#define MEDSEC__DRAIN_LOOKS                                                                     \
    10u /* however much comes; between two looks all that are ready are read, on a machine that \
           takes long as well */

void medsec__drain_begin(medsec__loop *loop);

#endif
