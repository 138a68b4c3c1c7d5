/* SPDX-License-Identifier: Apache-2.0 */

#include "rp2040.h"

void pin_start(uint32_t pin, uint32_t function, uint32_t pad)
{
    put(PADS(pin), pad);
    put(IO_CTRL(pin), function);
}

void pins_start(void)
{
    blocks_start(RESET_IO_BANK0 | RESET_PADS_BANK0);
    put(SIO_GPIO_OUT_CLR, 1u << PIN_WIRE | 1u << PIN_LED | 1u << PIN_SDA | 1u << PIN_SCL);
    pin_start(PIN_WIRE, IO_SIO, PADS_INPUT | PADS_SCHMITT | PADS_PULL_UP | PADS_4MA);
    pin_start(PIN_SWITCH, IO_SIO, PADS_INPUT | PADS_SCHMITT | PADS_PULL_UP | PADS_NO_OUTPUT);
    pin_start(PIN_LED, IO_SIO, PADS_INPUT | PADS_SCHMITT | PADS_4MA);
    put(SIO_GPIO_OE_SET, 1u << PIN_LED);
}

void pin_low(uint32_t pin, bool low)
{
    put(low ? SIO_GPIO_OE_SET : SIO_GPIO_OE_CLR, 1u << pin);
}

bool pin_level(uint32_t pin)
{
    return (get(SIO_GPIO_IN) >> pin & 1u) != 0;
}

RAM_CODE void pin_wire_low(void *context, bool low)
{
    (void)context;
    put(low ? SIO_GPIO_OE_SET : SIO_GPIO_OE_CLR, 1u << PIN_WIRE);
}

RAM_CODE bool pin_wire_level(void *context)
{
    (void)context;
    return (get(SIO_GPIO_IN) >> PIN_WIRE & 1u) != 0;
}

bool pin_switch_work(void *context)
{
    (void)context;
    return pin_level(PIN_SWITCH);
}

void pin_led(void *context, bool on)
{
    (void)context;
    put(on ? SIO_GPIO_OUT_SET : SIO_GPIO_OUT_CLR, 1u << PIN_LED);
}
