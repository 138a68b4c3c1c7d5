/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_PRNG_H
#define MEDSEC_SIM_PRNG_H

#include <stdint.h>

/* SplitMix64 (Steele, Lea, Flood 2014): for the shape of a simulation, never for a secret. */
typedef struct prng {
    uint64_t state;
} prng;

static inline uint64_t prng_next(prng *random)
{
    uint64_t z = (random->state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 0 <= x < 1 */
static inline double prng_unit(prng *random)
{
    return (double)(prng_next(random) >> 11) / 9007199254740992.0;
}

#endif
