/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_IDENTITY_H
#define FIRMWARE_IDENTITY_H

#include "board.h"

#include <medsec/credential.h>

/*
 * Who the device is: the credential that medsec-keygen's file put into the flash. false: there is
 * none that checks, or the device was to be wiped: then that is carried on with.
 */
bool identity_load(medsec_credential *credential, const board *board, const medsec_crypto *crypto);
/*
 * Decommissioning: nothing secret is left in the flash, neither credential nor settings nor seeds:
 * all bits to 0, then erased. Once it has begun, the next start carries on. false: it could not.
 */
bool identity_wipe(const board *board);

#endif
