/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"
#include "wire.h"

#include <string.h>

#define UNIT_MAX 4096u /* bytes; a recording has no units of its own any more */

static medsec_status replay_open(wire *w, const wire_setup *setup,
                                 const medsec_credential *credential)
{
    (void)credential; /* that is the point of an attack */
    w->on.replay = (wire_replay){
        .data = setup->replay, .len = setup->replay_len, .retry.random.state = setup->set->seed};
    return MEDSEC_OK;
}

static bool replay_done(const wire *w)
{
    const wire_replay *replay = &w->on.replay;
    const bool is_sent = replay->at == replay->len;

    return w->finishing || is_sent || (replay->was_connected && replay->retry.state == RETRY_APART);
}

static void replay_poll(wire *w, uint64_t now_ms, uint8_t *out, size_t cap, medsec_step *step)
{
    wire_replay *replay = &w->on.replay;
    const size_t rest = replay->len - replay->at;

    if (replay_done(w)) {
        retry_leave(&replay->retry, step);
    } else if (replay->retry.state != RETRY_CONNECTED) {
        retry_poll(&replay->retry, now_ms, step);
    } else if (cap < UNIT_MAX) {
        *step = (medsec_step){.type = MEDSEC_STEP_WAIT, .until_ms = UINT64_MAX};
    } else {
        *step = (medsec_step){.type = MEDSEC_STEP_SEND, .len = rest < UNIT_MAX ? rest : UNIT_MAX};
        memcpy(out, replay->data + replay->at, step->len);
        replay->at += step->len;
    }
}

static void replay_connected(wire *w, uint64_t now_ms)
{
    w->on.replay.was_connected = true;
    retry_connected(&w->on.replay.retry, now_ms);
}

static void replay_disconnected(wire *w, uint64_t now_ms, uint32_t unsent)
{
    (void)unsent;
    retry_disconnected(&w->on.replay.retry, now_ms);
}

static void replay_sample(wire *w, uint64_t now_ms, const medsec_reading *reading)
{
    (void)w; /* it never asks for one */
    (void)now_ms;
    (void)reading;
}

static void replay_written(wire *w, uint32_t units)
{
    (void)w;
    (void)units;
}

static void replay_receive(wire *w, uint64_t now_ms, const uint8_t *data, size_t len)
{
    (void)w; /* it does not understand the answer */
    (void)now_ms;
    (void)data;
    (void)len;
}

static double replay_step_s(const wire *w, uint64_t now_ms)
{
    (void)w;
    (void)now_ms;
    return 0;
}

static void replay_add_counts(const wire *w, wire_counts *sum)
{
    (void)w; /* it measures nothing */
    (void)sum;
}

static size_t replay_memory(const wire *w)
{
    (void)w; /* the recording is the run's */
    return 0;
}

static void replay_close(wire *w)
{
    (void)w;
}

const wire_ops wire_replay_ops = {.name = "replay",
                                  .unit_max = UNIT_MAX,
                                  .queue = 4,
                                  .corrupt = fault_corrupt,
                                  .open = replay_open,
                                  .poll = replay_poll,
                                  .sample = replay_sample,
                                  .connected = replay_connected,
                                  .disconnected = replay_disconnected,
                                  .written = replay_written,
                                  .receive = replay_receive,
                                  .done = replay_done,
                                  .step_s = replay_step_s,
                                  .add_counts = replay_add_counts,
                                  .memory = replay_memory,
                                  .close = replay_close};
