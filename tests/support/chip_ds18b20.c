/* SPDX-License-Identifier: Apache-2.0 */
#include "chip_ds18b20.h"

#include <string.h>

enum state { WAITS_FOR_RESET, ROM_COMMAND, COMMAND, SENDS };
enum command { SKIP_ROM = 0xcc, CONVERT = 0x44, READ_SCRATCHPAD = 0xbe };
enum { CONFIGURATION = 4, SUM = 8, BITS_12 = 0x7f };

/* Microseconds, as the document bounds them. */
enum {
    RESET_MIN = 480,
    PRESENCE_BEGINS = 60, /* at the latest */
    PRESENCE_ENDS = 75, /* at the earliest */
    ONE_MAX = 15, /* a low time beyond it is perhaps a 0 */
    ZERO_MIN = 60, /* and below that perhaps a 1 */
    ZERO_MAX = 120,
    VALID = 15, /* what is read may be gone then */
    SLOT_MIN = 60,
    RECOVERY_MIN = 1,
    RISES = 1 /* the line, with its pull-up */
};

static uint8_t sum_of(const uint8_t *data, size_t len)
{
    unsigned sum = 0;
    for (size_t bit = 0; bit < 8 * len; bit++) {
        unsigned feedback = (sum ^ (unsigned)data[bit / 8] >> bit % 8) & 1;
        sum = (sum >> 1) ^ (feedback != 0 ? 0x8cu : 0u);
    }
    return (uint8_t)sum;
}

void chip_ds18b20_power_on(chip_ds18b20 *chip)
{
    static const uint8_t fresh[SUM] = {0x50, 0x05, 0x4b, 0x46, BITS_12, 0xff, 0x0c, 0x10};
    memcpy(chip->scratchpad, fresh, sizeof fresh);
    if (chip->configuration != 0) {
        chip->scratchpad[CONFIGURATION] = chip->configuration;
    }
    chip->scratchpad[SUM] = sum_of(chip->scratchpad, SUM);
    chip->state = WAITS_FOR_RESET;
    chip->converted_us = UINT64_MAX;
    chip->was_reset = false;
}

/* Bits beyond the resolution are undefined: here they are 1. */
static void finish_conversion(chip_ds18b20 *chip, uint64_t now_us)
{
    if (now_us < chip->converted_us) {
        return;
    }
    unsigned unused = 3u - (chip->scratchpad[CONFIGURATION] >> 5 & 3u);
    int32_t scaled = chip->temperature_mdegc * 16;
    int32_t raw = (scaled - (scaled < 0 ? 999 : 0)) / 1000; /* towards the colder */
    unsigned bits = ((unsigned)raw & (0xffffu << unused)) | ((1u << unused) - 1);
    chip->scratchpad[0] = (uint8_t)bits;
    chip->scratchpad[1] = (uint8_t)(bits >> 8);
    chip->scratchpad[SUM] = sum_of(chip->scratchpad, SUM);
    chip->converted_us = UINT64_MAX;
}

static void obey(chip_ds18b20 *chip, uint64_t now_us)
{
    unsigned unused = 3u - (chip->scratchpad[CONFIGURATION] >> 5 & 3u);
    uint8_t state = chip->state;
    chip->state = WAITS_FOR_RESET;
    chip->bits = 0;
    if (state == ROM_COMMAND && chip->byte == SKIP_ROM) {
        chip->state = COMMAND;
    } else if (state == COMMAND && chip->byte == READ_SCRATCHPAD) {
        chip->state = SENDS;
    } else if (state == COMMAND && chip->byte == CONVERT) {
        chip->converted_us = now_us + (750000u >> unused);
    }
}

static void receive(chip_ds18b20 *chip, uint64_t now_us, bool one)
{
    chip->byte = (uint8_t)(chip->byte >> 1 | (one ? 0x80 : 0));
    if (++chip->bits == 8) {
        obey(chip, now_us);
    }
}

static bool next_bit(chip_ds18b20 *chip)
{
    if (chip->bits >= 8 * sizeof chip->scratchpad) {
        return true;
    }
    bool bit = (chip->scratchpad[chip->bits / 8] >> chip->bits % 8 & 1) != 0;
    chip->bits++;
    return chip->flip_in > 0 && --chip->flip_in == 0 ? !bit : bit;
}

static bool receives(const chip_ds18b20 *chip)
{
    return chip->state == ROM_COMMAND || chip->state == COMMAND;
}

static void fall(chip_ds18b20 *chip, uint64_t now_us)
{
    bool fell_before = chip->rose_us > 0;
    bool early =
        now_us < chip->quiet_us || (fell_before && now_us < chip->rose_us + RECOVERY_MIN + RISES);
    chip->violations += early ? 1 : 0;
    chip->fell_us = now_us;
    chip->quiet_us = now_us + SLOT_MIN;
    finish_conversion(chip, now_us);
    chip->answers_zero = chip->state == SENDS && !next_bit(chip);
}

static void begin_anew(chip_ds18b20 *chip, uint64_t now_us)
{
    chip->state = ROM_COMMAND;
    chip->bits = 0;
    chip->was_reset = true;
    chip->answers_zero = false;
    chip->reset_us = now_us;
    chip->quiet_us = now_us + RESET_MIN;
}

static void rise(chip_ds18b20 *chip, uint64_t now_us)
{
    uint64_t low_us = now_us - chip->fell_us;
    chip->rose_us = now_us;
    if (low_us >= RESET_MIN) {
        begin_anew(chip, now_us);
        return;
    }
    bool unclear = (low_us >= ONE_MAX && low_us < ZERO_MIN) || low_us > ZERO_MAX;
    chip->violations += unclear ? 1 : 0;
    if (receives(chip)) {
        receive(chip, now_us, low_us < ONE_MAX);
    }
}

void chip_ds18b20_drive(chip_ds18b20 *chip, uint64_t now_us, bool low)
{
    if (low != chip->low && !chip->absent) {
        (low ? fall : rise)(chip, now_us);
    }
    chip->low = low;
}

bool chip_ds18b20_level(const chip_ds18b20 *chip, uint64_t now_us)
{
    if (chip->low || chip->shorted) {
        return false;
    }
    bool rising = now_us < chip->rose_us + RISES;
    bool present = chip->was_reset && now_us >= chip->reset_us + PRESENCE_BEGINS &&
                   now_us < chip->reset_us + PRESENCE_ENDS;
    bool zero = chip->answers_zero && now_us < chip->fell_us + VALID;
    return chip->absent || (!rising && !present && !zero);
}
