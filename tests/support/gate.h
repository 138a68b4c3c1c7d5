/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_GATE_H
#define MEDSEC_TESTS_GATE_H

#include <stdint.h>

/*
 * Some of what the gateway does goes by the clock, and how much comes in a while differs from
 * machine to machine. In a program that includes this the test says what the clock would.
 */
typedef enum gate_budget {
    GATE_AS_IT_IS,
    GATE_USED_UP, /* newcomers wait their turn */
    GATE_UNLIMITED
} gate_budget;

/* Of the time that loops spend on strangers. From any thread, as the next. */
void gate_set_budget(gate_budget budget);
/* Time stands still for the tokens of sources, in the loops, and in UTC. Timers go on. */
void gate_stop_time(void);
void gate_pass_ms(uint32_t ms);
/* After it was stopped. */
uint64_t gate_utc_ms(void);
/* All as it is. */
void gate_reset(void);

#endif
