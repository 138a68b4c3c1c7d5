/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_CREDENTIAL_CHECK_H
#define MEDSEC_CORE_CREDENTIAL_CHECK_H

#include <medsec/credential.h>

/*
 * What a registry takes. ERR_DEVICE_ID; ERR_ARGUMENT: no profile name, no wire; seed: a suite, or
 * key or iv not printable; medsec/1: no suite, or a device's public key or psk of all zeros.
 */
MEDSEC_CHECK medsec_status medsec__credential_check(const medsec_credential *credential);

/* What a device can begin with: on medsec/1 that knows its gateway, too. */
MEDSEC_CHECK medsec_status medsec__credential_check_whole(const medsec_credential *credential);

#endif
