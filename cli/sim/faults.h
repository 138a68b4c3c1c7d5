/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_FAULTS_H
#define MEDSEC_SIM_FAULTS_H

#include "prng.h"

#include <medsec/credential_file.h>

#include <stddef.h>

/* What a broken or hostile device does to its own bytes and keys. */

/* Flips one bit. */
void fault_corrupt(uint8_t *unit, size_t len, prng *random);

/* Flips one bit of the ciphertext of a seed frame, which stays well-formed. */
void fault_corrupt_hex(uint8_t *frame, size_t len, prng *random);

/* Bytes that are no frame and no record at all. */
void fault_garbage(uint8_t *out, size_t len, prng *random);

/* A key and IV, or a key pair, that no registry knows. */
void fault_wrong_key(medsec_credential *credential, prng *random);

/* Any other psk; any other gateway. */
void fault_wrong_psk(medsec_credential *credential, prng *random);
void fault_wrong_gateway_key(medsec_credential *credential, prng *random);

#endif
