/* SPDX-License-Identifier: Apache-2.0 */
#include "led.h"

#define HALF_MS 500u /* of setup mode */
#define BLINK_MS 150u
#define GAP_MS 250u /* between two blinks */
#define PAUSE_MS 1600u /* behind the last one's gap */
#define NO_CODE 0xff

void led_start(led *led, const board *board)
{
    *led = (struct led){.board = board, .code = NO_CODE};
    board->led(board->context, false);
}

void led_show(led *led, led_code code, uint64_t now_ms)
{
    if (led->code != code) {
        led->code = (uint8_t)code;
        led->began_ms = now_ms;
    }
}

/* Whether it is on at this moment of its period, and how long that lasts. */
static bool at(uint8_t code, uint32_t ms, uint32_t *left_ms)
{
    if (code == LED_SETUP) {
        *left_ms = HALF_MS - ms % HALF_MS;
        return ms < HALF_MS;
    }
    uint32_t blinks_ms = code * (BLINK_MS + GAP_MS);
    if (ms >= blinks_ms) {
        *left_ms = blinks_ms + PAUSE_MS - ms;
        return false;
    }
    uint32_t in_blink_ms = ms % (BLINK_MS + GAP_MS);
    bool on = in_blink_ms < BLINK_MS;
    *left_ms = (on ? BLINK_MS : BLINK_MS + GAP_MS) - in_blink_ms;
    return on;
}

uint64_t led_poll(led *led, uint64_t now_ms)
{
    if (led->code == NO_CODE) {
        return UINT64_MAX;
    }
    uint32_t period_ms =
        led->code == LED_SETUP ? 2 * HALF_MS : led->code * (BLINK_MS + GAP_MS) + PAUSE_MS;
    uint32_t left_ms;
    bool on = at(led->code, (uint32_t)((now_ms - led->began_ms) % period_ms), &left_ms);
    if (on != led->on) {
        led->on = on;
        led->board->led(led->board->context, on);
    }
    return now_ms + left_ms;
}
