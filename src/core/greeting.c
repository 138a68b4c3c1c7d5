/* SPDX-License-Identifier: Apache-2.0 */
#include "greeting.h"

medsec_status medsec__greeting_open(medsec_handshake *handshake, const medsec_crypto *crypto,
                                    medsec_role role, uint8_t flags)
{
    const uint8_t prologue[] = {'m', 'e', 'd', 's', 'e', 'c', '/', '1', flags};
    return medsec_handshake_open(handshake, crypto, MEDSEC_PATTERN_IKPSK1, role, prologue,
                                 sizeof prologue);
}
