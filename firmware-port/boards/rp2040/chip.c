/* SPDX-License-Identifier: Apache-2.0 */

#include "rp2040.h"

/* 8 s of a counter that goes down by two each microsecond (erratum RP2040-E1). */
#define WATCHDOG_COUNT 16000000u

/* Once a microsecond or two: some ten periods of the oscillator, which drifts against the crystal.
 */
void chip_noise(void *context, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        time_delay_us(context, 1);
        out[i] = (uint8_t)(get(ROSC_RANDOMBIT) & 1u);
    }
}

void chip_watchdog(void *context)
{
    (void)context;
    put(PSM_WDSEL, PSM_ALL_BUT_OSCILLATORS);
    put(WATCHDOG_LOAD, WATCHDOG_COUNT);
    set_bits(WATCHDOG_CTRL, WATCHDOG_ENABLE);
}

RAM_CODE _Noreturn void chip_reset(void)
{
    (void)interrupts_off();
    put(PSM_WDSEL, PSM_ALL_BUT_OSCILLATORS);
    put(WATCHDOG_SCRATCH4, 0); /* the ROM then starts from flash */
    set_bits(WATCHDOG_CTRL, WATCHDOG_TRIGGER);
    for (;;) {
    }
}
