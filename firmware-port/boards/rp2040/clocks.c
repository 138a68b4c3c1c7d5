/* SPDX-License-Identifier: Apache-2.0 */

#include "rp2040.h"

#define CRYSTAL_HZ 12000000u

void blocks_start(uint32_t blocks)
{
    set_bits(RESETS_RESET, blocks);
    clear_bits(RESETS_RESET, blocks);
    wait_for(RESETS_RESET_DONE, blocks);
}

static void crystal_start(void)
{
    put(XOSC_CTRL, 0xaa0u); /* 1 to 15 MHz */
    put(XOSC_STARTUP, 47u); /* 1 ms: 12 000 periods, in units of 256 */
    set_bits(XOSC_CTRL, 0xfabu << 12);
    wait_for(XOSC_STATUS, XOSC_STABLE);
}

/* crystal * multiple / divider1 / divider2; the oscillator in between has 750 to 1 600 MHz. */
static void pll_start(uint32_t pll, uint32_t multiple, uint32_t divider1, uint32_t divider2)
{
    put(pll + PLL_CS, 1);
    put(pll + PLL_FBDIV_INT, multiple);
    clear_bits(pll + PLL_PWR, PLL_PWR_PD | PLL_PWR_VCOPD);
    wait_for(pll + PLL_CS, PLL_CS_LOCK);
    put(pll + PLL_PRIM, divider1 << 16 | divider2 << 12);
    clear_bits(pll + PLL_PWR, PLL_PWR_POSTDIVPD);
}

/* From whatever drove the chip to what needs no PLL, so that those can be set. */
static void leave_plls(void)
{
    put(CLK_SYS_RESUS_CTRL, 0);
    clear_bits(CLK_SYS_CTRL, 1);
    wait_for(CLK_SYS_SELECTED, 1);
    put(CLK_REF_CTRL, 2); /* crystal */
    wait_for(CLK_REF_SELECTED, 1u << 2);
}

void clocks_start(void)
{
    crystal_start();
    leave_plls();
    blocks_start(RESET_PLL_SYS | RESET_PLL_USB);
    pll_start(PLL_SYS, 125, 6, 2); /* 125 MHz */
    pll_start(PLL_USB, 100, 5, 5); /* 48 MHz */
    put(CLK_SYS_CTRL, 0); /* auxiliary source: PLL_SYS */
    set_bits(CLK_SYS_CTRL, 1);
    wait_for(CLK_SYS_SELECTED, 1u << 1);
    put(CLK_PERI_CTRL, CLK_ENABLE); /* system clock */
    put(CLK_ADC_CTRL, CLK_ENABLE); /* PLL_USB */
    put(WATCHDOG_TICK, WATCHDOG_TICK_ENABLE | CRYSTAL_HZ / 1000000u);
}
