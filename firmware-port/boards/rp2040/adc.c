/* SPDX-License-Identifier: Apache-2.0 */

#include "rp2040.h"

void adc_start(void)
{
    blocks_start(RESET_ADC);
    pin_start(PIN_PULSE, IO_NONE, PADS_NO_OUTPUT);
    put(ADC_CS, ADC_CS_EN | ADC_CS_TEMPERATURE);
    wait_for(ADC_CS, ADC_CS_READY);
}

uint16_t adc_read(void *context, board_adc channel)
{
    (void)context;
    uint32_t selected =
        ADC_CS_EN | ADC_CS_TEMPERATURE | ADC_CS_CHANNEL(channel == BOARD_ADC_PULSE ? 0u : 4u);
    uint32_t before = interrupts_off();
    put(ADC_CS, selected);
    put(ADC_CS, selected | ADC_CS_START);
    wait_for(ADC_CS, ADC_CS_READY);
    uint32_t result = get(ADC_RESULT);
    interrupts_restore(before);
    return (uint16_t)(result & 0xfffu);
}
