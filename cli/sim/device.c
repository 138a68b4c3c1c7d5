/* SPDX-License-Identifier: Apache-2.0 */
#include "device.h"

#include "faults.h"
#include "link.h"
#include "sender.h"

#define STEPS_MAX 1000u /* of one device, before the loop looks at the others again */

static void use_wrong_keys(medsec_credential *credential, const settings *set, prng *random)
{
    if (set->wrong_key) {
        fault_wrong_key(credential, random);
    }
    if (set->wrong_psk) {
        fault_wrong_psk(credential, random);
    }
    if (set->wrong_gateway_key) {
        fault_wrong_gateway_key(credential, random);
    }
}

static void init_vitals(device *d, uint64_t seed, prng *random)
{
    const settings *set = d->world->set;
    const vitals_format format = set->wire == WIRE_SEED_CHAINED ? VITALS_PICO : VITALS_PSEUDO;
    /* The first device beats exactly as asked, the others up to a tenth faster or slower. */
    const double spread = d->number == 0 ? 0 : 0.2 * prng_unit(random) - 0.1;

    vitals_init(&d->vitals, format, &d->world->beat, set->heart_rate_bpm * (1 + spread), seed);
}

static medsec_status open_wire(device *d, const wire_ops *ops, const medsec_credential *credential)
{
    const settings *set = d->world->set;

    const medsec_status status = wire_open(&d->wire, ops, &d->world->setup, credential);
    if (status != MEDSEC_OK) {
        return status;
    }
    d->queue = set->coalesce + ops->queue;
    if (!outbox_open(&d->box, d->queue + TAMPER_UNITS - 1, ops->unit_max)) {
        wire_close(&d->wire);
        return MEDSEC_ERR_MEMORY;
    }
    return MEDSEC_OK;
}

medsec_status device_init(device *d, world *w, uint32_t number, const wire_ops *ops,
                          const medsec_credential *credential)
{
    const uint64_t seed = ((uint64_t)w->set->seed << 32) + number;
    medsec_credential used = *credential;
    prng random = {~seed};

    *d = (device){.world = w, .number = number};
    snprintf(d->id, sizeof d->id, "%s", credential->device);
    init_vitals(d, seed, &random);
    use_wrong_keys(&used, w->set, &random);
    tamper_open(&d->tamper, w->set, ops, prng_next(&random));
    const medsec_status status = open_wire(d, ops, &used);
    medsec_credential_wipe(&used);
    if (status != MEDSEC_OK) {
        return status;
    }
    d->timer.data = d->pace.data = d->tcp.data = d;
    uv_timer_init(w->loop, &d->timer); /* these cannot fail */
    uv_timer_init(w->loop, &d->pace);
    return MEDSEC_OK;
}

void device_free(device *d)
{
    wire_close(&d->wire);
    tamper_close(&d->tamper);
    outbox_close(&d->box);
}

size_t device_memory(const device *d)
{
    return sizeof *d + d->box.cap + d->wire.ops->memory(&d->wire);
}

uint64_t device_now(const device *d)
{
    return uv_now(d->world->loop) - d->began_ms;
}

static void end(device *d)
{
    d->state = DEVICE_OVER;
    wheel_clear(&d->due);
    uv_close((uv_handle_t *)&d->timer, NULL);
    uv_close((uv_handle_t *)&d->pace, NULL);
    d->world->over(d->world);
}

void device_apart(device *d, uint32_t unsent)
{
    d->state = DEVICE_APART;
    d->wire.ops->disconnected(&d->wire, device_now(d), unsent);
    if (d->aborted || d->world->set->no_reconnect || d->wire.ops->done(&d->wire)) {
        end(d);
    } else {
        device_drive(d);
    }
}

/* Where the wire may write its next unit; NULL: nowhere now. */
static uint8_t *room_for_unit(device *d)
{
    if (d->state != DEVICE_UP || d->box.units >= d->queue) {
        return NULL;
    }
    return outbox_room(&d->box, TAMPER_UNITS * d->wire.ops->unit_max, d->writing);
}

static void send_unit(device *d, uint8_t *room, size_t len)
{
    d->units++;
    if (tamper_pass(&d->tamper, &d->box, room, len)) {
        d->world->count.corrupted++;
    }
    sender_flush(d);
}

static void measure(device *d)
{
    const wire_ops *ops = d->wire.ops;

    const double step_s = ops->step_s(&d->wire, device_now(d));

    ops->sample(&d->wire, device_now(d), vitals_next(&d->vitals, step_s));
}

static void leave(device *d)
{
    if (d->state == DEVICE_UP && d->wire.ops->done(&d->wire)) {
        d->state = DEVICE_ENDING;
        wheel_clear(&d->due);
        sender_flush(d);
    } else {
        link_drop(d);
    }
}

void device_due(wheel_entry *entry)
{
    device_drive((device *)(void *)((char *)entry - offsetof(device, due)));
}

static void wait_until(device *d, uint64_t until_ms)
{
    if (until_ms == UINT64_MAX) {
        wheel_clear(&d->due);
    } else {
        wheel_set(&d->world->wheel, &d->due, d->began_ms + until_ms);
    }
}

/* False: there is no further step now. */
static bool take_step(device *d)
{
    medsec_step step;

    if (d->state != DEVICE_APART && d->state != DEVICE_CONNECTING && d->state != DEVICE_UP) {
        return false;
    }
    uint8_t *room = room_for_unit(d);
    d->wire.ops->poll(&d->wire, device_now(d), room, room != NULL ? d->wire.ops->unit_max : 0,
                      &step);
    switch (step.type) {
    case MEDSEC_STEP_SAMPLE:
        measure(d);
        return true;
    case MEDSEC_STEP_CONNECT:
        link_connect(d);
        return true;
    case MEDSEC_STEP_SEND:
        send_unit(d, room, step.len);
        return true;
    case MEDSEC_STEP_CLOSE:
        leave(d);
        return true;
    default:
        wait_until(d, step.until_ms);
        return false;
    }
}

void device_drive(device *d)
{
    uint32_t steps = 0;

    if (d->driving) { /* a step has led here; the loop below goes on after it */
        return;
    }
    d->driving = true;
    while (steps < STEPS_MAX && take_step(d)) {
        steps++;
    }
    d->driving = false;
    if (steps == STEPS_MAX) {
        wait_until(d, 0);
    }
}

void device_start(device *d)
{
    d->began_ms = uv_now(d->world->loop);
    d->state = DEVICE_APART;
    device_drive(d);
}

void device_finish(device *d)
{
    if (d->state == DEVICE_IDLE) {
        end(d);
        return;
    }
    d->wire.finishing = true;
    if (d->state == DEVICE_UP) {
        sender_flush(d);
    }
    const bool done = d->wire.ops->done(&d->wire);
    if (d->state == DEVICE_APART && done) {
        end(d);
    } else if (d->state == DEVICE_CONNECTING && done) {
        link_drop(d);
    } else {
        device_drive(d);
    }
}

void device_abort(device *d)
{
    d->aborted = true;
    switch (d->state) {
    case DEVICE_IDLE:
    case DEVICE_APART:
        end(d);
        break;
    case DEVICE_CLOSING:
    case DEVICE_OVER:
        break;
    default:
        link_drop(d);
        break;
    }
}
