/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_WIRE_H
#define MEDSEC_SIM_WIRE_H

#include <medsec/credential_file.h>
#include <medsec/seed_frame.h>

/* How a simulated device writes a reading: the only part of the simulator that knows keys. */
typedef enum wire_kind { WIRE_SEED, WIRE_SEED_CHAINED } wire_kind;

typedef struct wire {
    medsec_aes_cbc aes;
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    medsec_seed_chaining chaining;
} wire;

#define WIRE_TEXT_MAX 256u /* bytes of a reading's text; 7 vitals of 12 characters fit */
#define WIRE_FRAME_MAX MEDSEC_SEED_FRAME_LEN(WIRE_TEXT_MAX / MEDSEC_AES_BLOCK_LEN + 1) /* bytes */

MEDSEC_CHECK medsec_status wire_open(wire *w, wire_kind kind, const medsec_credential *credential);
MEDSEC_CHECK medsec_status wire_encode(wire *w, char *out, size_t cap, size_t *len,
                                       const medsec_reading *reading);
void wire_close(wire *w);

#endif
