/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_BOARD_H
#define FIRMWARE_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * All that the firmware asks of the hardware: one table a board (boards/rp2040 bare metal,
 * boards/pico-sdk, boards/host), the same app on each. Every function gets `context` first.
 * Nothing here waits for the outside world: what takes long is asked again later.
 */

/* Flash is erased to 0xff in sectors and programmed in pages; a bit that is 0 stays 0 until then.
 */
#define BOARD_FLASH_SECTOR_LEN 4096u /* bytes */
#define BOARD_FLASH_PAGE_LEN 256u /* bytes */
#define BOARD_FLASH_LEN 0x200000u /* bytes: 2 MiB, as the Pico has */

typedef enum board_adc {
    BOARD_ADC_PULSE, /* GP26, ADC0: 0 to 3.3 V */
    BOARD_ADC_CHIP /* ADC4: the RP2040's own temperature sensor */
} board_adc;

typedef struct board {
    void *context;

    /* Microseconds since start; never goes back, does not wrap. */
    uint64_t (*now_us)(void *context);
    /* Busy for at least `us`, at most 1 000; longer by a microsecond or two at most when locked. */
    void (*delay_us)(void *context, uint32_t us);
    /* Sleeps until then, or until an interrupt came (or had come since the last call). */
    void (*sleep)(void *context, uint64_t until_us);
    /* Calls `fn` each `interval_us` (at least 1 000) from an interrupt, from one interval on; there
     * is one such ticker. NULL stops it. */
    void (*tick)(void *context, uint32_t interval_us, void (*fn)(void *argument), void *argument);
    /* No interrupts between these two; they do not nest. At most for a slot of 1-Wire (100 us), or
     * to take over what an interrupt left. */
    void (*lock)(void *context);
    void (*unlock)(void *context);

    /*
     * UART0 on GP0/GP1 to the ESP8266, 115 200 baud 8N1. What comes is kept by an interrupt (2
     * KiB); read gives what there is. write takes as many bytes as there is room for (256), and
     * returns at once. lost counts bytes that came while nothing had room for them, since start.
     */
    size_t (*uart_read)(void *context, uint8_t *out, size_t cap);
    size_t (*uart_write)(void *context, const uint8_t *data, size_t len);
    uint32_t (*uart_lost)(void *context);

    /* I2C1 on GP14 (SDA)/GP15 (SCL), 400 kHz, 7-bit addresses. Write `len` bytes; or write one
     * register number and read `len` bytes after a repeated start. false: no answer, or the bus
     * hung; it has been freed (nine clocks) then. Takes at most 5 ms. */
    bool (*i2c_write)(void *context, uint8_t address, const uint8_t *data, size_t len);
    bool (*i2c_read)(void *context, uint8_t address, uint8_t reg, uint8_t *out, size_t len);

    /* One conversion (2 us), 0..4095 of 3.3 V. May be called from the ticker and outside of it. */
    uint16_t (*adc_read)(void *context, board_adc channel);

    /* 1-Wire on GP16, open drain: drive low or let go; the level that is there. */
    void (*wire_low)(void *context, bool low);
    bool (*wire_level)(void *context);

    bool (*switch_work)(void *context); /* slide switch on GP17: true: work, false: configuration */
    void (*led)(void *context, bool on); /* the Pico's own, GP25 */

    /* All of the flash can be read here, but not while erase or program run. Offsets are from
     * its start. Erase one sector (up to 400 ms); program whole pages, `data` in RAM: a board keeps
     * no copy, as there are secrets in it. false: it does not hold what was written. */
    const uint8_t *flash;
    bool (*flash_erase)(void *context, uint32_t offset);
    bool (*flash_program)(void *context, uint32_t offset, const uint8_t *data, size_t len);

    /* Raw noise, one bit a byte's lowest bit (ring oscillator): biased, dependent, perhaps dead. */
    void (*noise)(void *context, uint8_t *out, size_t len);

    /* Begins the watchdog (8 s) or feeds it. */
    void (*watchdog)(void *context);
    /* Starts the chip anew. Returns on the host only. */
    void (*reset)(void *context);
} board;

#endif
