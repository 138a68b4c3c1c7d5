/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_SEED_WIRE_H
#define MEDSEC_TESTS_SEED_WIRE_H

#include <medsec/seed_frame.h>

/* Bytes of a seed stream made by a test. */
typedef struct seed_wire {
    char text[16384];
    size_t len;
} seed_wire;

#define SEED_KEY "k1-of-this-test!"
#define SEED_IV "an-initial-vect."
#define SEED_READING                                                                           \
    "{\"Temp\":\"36.600\",\"TempMcu\":\"23.700\",\"PulseSig\":\"1.755\",\"Acel_x\":\"0.000\"," \
    "\"Acel_y\":\"-0.50\",\"Acel_z\":\"0.000\",\"TempMpu\":\"23.400\"}"

/* One frame, under a key and SEED_IV. */
void seed_wire_frame(seed_wire *wire, medsec_seed_chaining chaining, const char *key,
                     const char *text, size_t text_len);

/* One frame of a text, under SEED_KEY. */
void seed_wire_add(seed_wire *wire, medsec_seed_chaining chaining, const char *text);

/* One block of 16 characters, per block chaining, and no `+`. */
void seed_wire_block(seed_wire *wire, const char *key, const char *text);

#endif
