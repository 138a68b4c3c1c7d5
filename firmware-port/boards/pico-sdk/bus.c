/* SPDX-License-Identifier: Apache-2.0 */

#include <hardware/gpio.h>
#include <hardware/i2c.h>
#include <pico/time.h>

#include "pico_sdk.h"

#define HZ 400000u
#define LIMIT_US 2400u /* of each half of a transfer; freeing the bus takes another 100 */

void bus_start(void)
{
    (void)i2c_init(i2c1, HZ);
    gpio_set_function(PIN_SDA, GPIO_FUNC_I2C);
    gpio_set_function(PIN_SCL, GPIO_FUNC_I2C);
    gpio_pull_up(PIN_SDA);
    gpio_pull_up(PIN_SCL);
}

static void open_drain(unsigned pin, bool low)
{
    gpio_set_dir(pin, low);
    busy_wait_us_32(3);
}

/* A chip that was interrupted while it sent holds SDA until it has sent its byte: nine clocks, and
 * a stop (NXP UM10204, 3.1.16). */
static void bus_free(void)
{
    i2c_deinit(i2c1);
    gpio_init_mask(1u << PIN_SDA | 1u << PIN_SCL);
    for (unsigned i = 0; i < 9; i++) {
        open_drain(PIN_SCL, true);
        open_drain(PIN_SCL, false);
    }
    open_drain(PIN_SDA, true);
    open_drain(PIN_SDA, false);
    bus_start();
}

/* What the SDK's functions give: a number of bytes, or why there are none. */
static bool done(int result)
{
    if (result == PICO_ERROR_TIMEOUT) {
        bus_free();
    }
    return result >= 0;
}

bool bus_write(void *context, uint8_t address, const uint8_t *data, size_t len)
{
    (void)context;
    return len > 0 && done(i2c_write_timeout_us(i2c1, address, data, len, false, LIMIT_US));
}

bool bus_read(void *context, uint8_t address, uint8_t reg, uint8_t *out, size_t len)
{
    (void)context;
    return len > 0 && done(i2c_write_timeout_us(i2c1, address, &reg, 1, true, LIMIT_US)) &&
           done(i2c_read_timeout_us(i2c1, address, out, len, false, LIMIT_US));
}
