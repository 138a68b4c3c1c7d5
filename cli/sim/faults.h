/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_FAULTS_H
#define MEDSEC_SIM_FAULTS_H

#include "prng.h"

#include <medsec/credential_file.h>

#include <stddef.h>

/* What a broken or hostile device does to its own bytes. */

/* Flips one bit of the ciphertext; the frame stays well-formed. */
void fault_corrupt(char *frame, size_t len, prng *random);

/* Bytes that are no frame at all. */
void fault_garbage(char *out, size_t len, prng *random);

/* A key and IV that no registry knows. */
void fault_wrong_key(medsec_credential *credential, prng *random);

#endif
