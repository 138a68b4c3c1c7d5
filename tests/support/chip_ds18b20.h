/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_CHIP_DS18B20_H
#define MEDSEC_TESTS_CHIP_DS18B20_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A DS18B20 by the edges on its line (data sheet 19-7487 rev. 6), without time of its own: each
 * call says what time it is. It is the slowest and the quickest that the document allows at once:
 * what the master may not rely on does not hold, and is counted.
 */
typedef struct chip_ds18b20 {
    int32_t temperature_mdegc; /* what it will measure */
    uint8_t configuration; /* R1 and R0: 0x7f is 12 bits, and what 0 stands for */
    bool absent;
    bool shorted; /* the line stays low */
    unsigned flip_in; /* the read slot after so many more is disturbed; 0: none */
    unsigned violations; /* of the document's times, by the master */

    uint8_t scratchpad[9];
    uint8_t state;
    uint8_t byte; /* half received */
    uint8_t bits; /* received of it; or sent of the scratchpad */
    bool low; /* by the master */
    bool answers_zero; /* in this slot */
    bool was_reset;
    uint64_t fell_us;
    uint64_t rose_us;
    uint64_t quiet_us; /* no slot before that */
    uint64_t reset_us; /* the last reset pulse ended */
    uint64_t converted_us; /* the conversion is over; UINT64_MAX: there is none */
} chip_ds18b20;

/* As it is when its supply comes; what it measures, and its faults, stay as they are. */
void chip_ds18b20_power_on(chip_ds18b20 *chip);
/* The master drives the line low, or lets go. */
void chip_ds18b20_drive(chip_ds18b20 *chip, uint64_t now_us, bool low);
bool chip_ds18b20_level(const chip_ds18b20 *chip, uint64_t now_us);

#endif
