/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_GREETING_H
#define MEDSEC_CORE_GREETING_H

#include <medsec/handshake.h>

/* Begins the handshake of medsec/1, at either end: the pattern, and the prologue that binds the
 * HELLO's flags, and with them the suite (docs/wire.md). */
MEDSEC_CHECK medsec_status medsec__greeting_open(medsec_handshake *handshake,
                                                 const medsec_crypto *crypto, medsec_role role,
                                                 uint8_t flags);

#endif
