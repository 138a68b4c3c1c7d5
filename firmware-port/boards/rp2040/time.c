/* SPDX-License-Identifier: Apache-2.0 */

#include "rp2040.h"

/* Two alarms of the timer. They compare its lower 32 bits for equality: one that is set too late
 * would come after 71 minutes. */
enum { ALARM_TICK = 0, ALARM_WAKE = 1 };

#define SETTING_US 20u
#define SLEEP_MAX_US 0x40000000u /* less than the alarms' range */

static struct {
    void (*fn)(void *argument);
    void *argument;
    uint32_t interval_us;
    uint64_t due_us;
} ticker;

uint64_t time_now_us(void *context)
{
    (void)context;
    for (;;) {
        uint32_t high = get(TIMER_TIMERAWH);
        uint32_t low = get(TIMER_TIMERAWL);
        if (get(TIMER_TIMERAWH) == high) {
            return (uint64_t)high << 32 | low;
        }
    }
}

RAM_CODE void time_delay_us(void *context, uint32_t us)
{
    (void)context;
    uint32_t begin = get(TIMER_TIMERAWL);
    while (get(TIMER_TIMERAWL) - begin <= us) {
    }
}

/* WFE goes on at once if an interrupt returned since the last one: the return leaves an event
 * (ARMv6-M manual, B1.5.18). The event of the interrupt that ended this sleep is taken away by the
 * second WFE, since who called looks at everything anyhow. */
static void sleep_until_event(void)
{
    __asm__ volatile("wfe\n\tsev\n\twfe" ::: "memory");
}

void time_sleep(void *context, uint64_t until_us)
{
    uint64_t now = time_now_us(context);
    if (until_us <= now) {
        return;
    }
    if (until_us - now > SLEEP_MAX_US) {
        until_us = now + SLEEP_MAX_US;
    }
    put(TIMER_ALARM(ALARM_WAKE), (uint32_t)until_us);
    if (time_now_us(context) < until_us) {
        sleep_until_event();
    }
}

void time_on_wake(void)
{
    put(TIMER_INTR, 1u << ALARM_WAKE);
}

/* What is due, or nearly, when the last one has been done was missed: the alarm could not be set in
 * time for it, with code that comes out of flash. */
void time_on_tick(void)
{
    bool rang = (get(TIMER_INTR) & 1u << ALARM_TICK) != 0; /* not if it was set anew meanwhile */
    put(TIMER_INTR, 1u << ALARM_TICK);
    if (rang && ticker.fn) {
        ticker.fn(ticker.argument);
        do {
            ticker.due_us += ticker.interval_us;
        } while (ticker.due_us <= time_now_us(NULL) + SETTING_US);
        put(TIMER_ALARM(ALARM_TICK), (uint32_t)ticker.due_us);
    }
}

void time_tick(void *context, uint32_t interval_us, void (*fn)(void *argument), void *argument)
{
    uint32_t before = interrupts_off();
    ticker.fn = fn;
    ticker.argument = argument;
    ticker.interval_us = interval_us;
    ticker.due_us = time_now_us(context) + interval_us;
    put(TIMER_ARMED, 1u << ALARM_TICK);
    put(TIMER_INTR, 1u << ALARM_TICK);
    if (fn) {
        put(TIMER_ALARM(ALARM_TICK), (uint32_t)ticker.due_us);
    }
    interrupts_restore(before);
}

void time_interrupts(bool on)
{
    put(on ? NVIC_ISER : NVIC_ICER, 1u << IRQ_TIMER(ALARM_TICK) | 1u << IRQ_TIMER(ALARM_WAKE));
}

void time_start(void)
{
    blocks_start(RESET_TIMER);
    put(TIMER_INTE, 1u << ALARM_TICK | 1u << ALARM_WAKE);
    time_interrupts(true);
}
