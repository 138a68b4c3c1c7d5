/* SPDX-License-Identifier: Apache-2.0 */
#include "retry.h"

#define PAUSE_FIRST_MS 250u /* before the second attempt; doubles, with jitter */
#define PAUSE_MAX_MS 8000u
#define DOUBLINGS_MAX 6u
#define LASTING_MS 5000u /* a connection that held so long starts the pauses anew */

void retry_poll(retry *r, uint64_t now_ms, medsec_step *step)
{
    *step = (medsec_step){.type = MEDSEC_STEP_WAIT, .until_ms = UINT64_MAX};
    if (r->state != RETRY_APART) {
        return;
    }
    if (now_ms < r->until_ms) {
        step->until_ms = r->until_ms;
        return;
    }
    r->state = RETRY_CONNECTING;
    step->type = MEDSEC_STEP_CONNECT;
}

void retry_leave(retry *r, medsec_step *step)
{
    const bool first = r->state == RETRY_CONNECTED;

    *step =
        (medsec_step){.type = first ? MEDSEC_STEP_CLOSE : MEDSEC_STEP_WAIT, .until_ms = UINT64_MAX};
    if (first) {
        r->state = RETRY_LEAVING;
    }
}

void retry_connected(retry *r, uint64_t now_ms)
{
    r->state = RETRY_CONNECTED;
    r->connected_ms = now_ms;
}

/* Full jitter on the upper half: a thousand devices do not come back in one moment. */
void retry_disconnected(retry *r, uint64_t now_ms)
{
    const bool was_connected = r->state == RETRY_CONNECTED || r->state == RETRY_LEAVING;

    if (was_connected && now_ms - r->connected_ms >= LASTING_MS) {
        r->attempts = 0;
    }
    const uint32_t doublings = r->attempts < DOUBLINGS_MAX ? r->attempts : DOUBLINGS_MAX;
    uint64_t pause = (uint64_t)PAUSE_FIRST_MS << doublings;
    pause = pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
    r->until_ms = now_ms + pause / 2 + prng_next(&r->random) % (pause / 2 + 1);
    r->attempts++;
    r->state = RETRY_APART;
}
