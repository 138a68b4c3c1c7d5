/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include "summary.h"
#include "tool.h"

#include <signal.h>

#define GRACE_MS 1000u /* for what is queued, when the run ends */
#define PROGRESS_MS 1000u

static fleet *fleet_of(world *w)
{
    return (fleet *)w;
}

void fleet_count(const fleet *f, wire_counts *sum)
{
    *sum = (wire_counts){.sampled = 0};
    for (uint32_t i = 0; i < f->size; i++) {
        const wire *w = &f->devices[i].wire;
        w->ops->add_counts(w, sum);
    }
}

bool fleet_acknowledges(const fleet *f)
{
    for (uint32_t i = 0; i < f->size; i++) {
        if (f->devices[i].wire.ops->acknowledges) {
            return true;
        }
    }
    return false;
}

static uint64_t start_ns(const fleet *f, uint32_t number)
{
    return f->begin_ns + (uint64_t)number * 1000000000u / f->world.set->ramp;
}

static void on_ramp(uv_timer_t *timer)
{
    fleet *f = timer->data;
    const uint64_t now = uv_hrtime();

    while (f->started < f->size && start_ns(f, f->started) <= now) {
        device_start(&f->devices[f->started++]);
    }
    if (f->started < f->size) {
        const uint64_t next = start_ns(f, f->started);
        uv_timer_start(timer, on_ramp, (next - now + 999999u) / 1000000u, 0);
    }
}

static void on_grace_over(uv_timer_t *timer)
{
    fleet *f = timer->data;

    for (uint32_t i = 0; i < f->size; i++) {
        device_abort(&f->devices[i]);
    }
}

static void close_all(fleet *f)
{
    uv_handle_t *handles[] = {(uv_handle_t *)&f->ramp,      (uv_handle_t *)&f->duration,
                              (uv_handle_t *)&f->patience,  (uv_handle_t *)&f->progress,
                              (uv_handle_t *)&f->interrupt, (uv_handle_t *)&f->terminate};

    f->elapsed_ns = uv_hrtime() - f->begin_ns;
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
        uv_close(handles[i], NULL);
    }
    wheel_close(&f->world.wheel);
    trouble_stop(&f->trouble);
    menu_stop(&f->menu);
}

static void on_device_over(world *w)
{
    fleet *f = fleet_of(w);

    f->ended++;
    if (f->ended == f->size) {
        f->stopping = true;
        close_all(f);
    }
}

static void stop(fleet *f)
{
    if (f->stopping) {
        return;
    }
    f->stopping = true;
    uv_timer_stop(&f->ramp);
    uv_timer_start(&f->duration, on_grace_over,
                   GRACE_MS + (fleet_acknowledges(f) ? f->world.set->wait_ms : 0), 0);
    trouble_end(&f->trouble);
    for (uint32_t i = 0; i < f->size; i++) {
        device_finish(&f->devices[i]);
    }
}

static void on_duration_over(uv_timer_t *timer)
{
    stop(timer->data);
}

static void on_patience_over(uv_timer_t *timer)
{
    fleet *f = timer->data;

    if (f->world.count.connections == 0) {
        stop(f);
        on_grace_over(&f->duration);
    }
}

/* The second signal does not wait for what is queued. */
static void on_signal(uv_signal_t *handle, int number)
{
    fleet *f = handle->data;
    (void)number;

    f->interrupted = true;
    if (f->stopping) {
        on_grace_over(&f->duration);
    }
    stop(f);
}

static void on_progress(uv_timer_t *timer)
{
    fleet *f = timer->data;
    const counters *count = &f->world.count;
    wire_counts sum;

    fleet_count(f, &sum);
    tool_progress("%u of %u connected, %llu readings/s, %llu sent, %u refused, %u closed",
                  count->open, f->size, (unsigned long long)(sum.sent - f->shown),
                  (unsigned long long)sum.sent, count->refused, count->closed);
    f->shown = sum.sent;
}

static void start_timers(fleet *f)
{
    uv_timer_t *timers[] = {&f->ramp, &f->duration, &f->patience, &f->progress};
    const settings *set = f->world.set;

    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++) {
        uv_timer_init(&f->loop, timers[i]);
        timers[i]->data = f;
    }
    wheel_open(&f->world.wheel, &f->loop, device_due);
    if (set->duration_ms > 0) {
        uv_timer_start(&f->duration, on_duration_over, set->duration_ms, 0);
    }
    uv_timer_start(&f->ramp, on_ramp, 0, 0);
    uv_timer_start(&f->patience, on_patience_over, set->patience_ms, 0);
    if (!set->menu) { /* it would write over what is typed */
        uv_timer_start(&f->progress, on_progress, PROGRESS_MS, PROGRESS_MS);
    }
}

static int start_signals(fleet *f)
{
    signal(SIGPIPE, SIG_IGN);
    f->interrupt.data = f->terminate.data = f;
    int error = uv_signal_init(&f->loop, &f->interrupt);
    if (error == 0) {
        error = uv_signal_init(&f->loop, &f->terminate);
    }
    if (error == 0) {
        error = uv_signal_start(&f->interrupt, on_signal, SIGINT);
    }
    return error != 0 ? error : uv_signal_start(&f->terminate, on_signal, SIGTERM);
}

static int tell_missing(const fleet *f)
{
    const counters *count = &f->world.count;
    wire_counts sum;

    fleet_count(f, &sum);
    if (count->connections == 0 && (count->refused > 0 || !f->interrupted)) {
        const int error = count->refused > 0 ? count->last_error : UV_ETIMEDOUT;
        tool_error("no connection to %s: %s; is the gateway running there?", f->world.set->connect,
                   uv_strerror(error));
        return EXIT_NETWORK;
    }
    if (sum.pending > 0) {
        tool_error("%llu readings are not acknowledged; is the broker there, and are the devices "
                   "in the gateway's registry?",
                   (unsigned long long)sum.pending);
        return EXIT_NETWORK;
    }
    return EXIT_DONE;
}

static int report(const fleet *f)
{
    tool_progress_end();
    if (f->world.set->json) {
        summary_print_json(stdout, f);
    } else {
        summary_print_text(stdout, f);
    }
    return fflush(stdout) == 0 ? tell_missing(f) : EXIT_FAILED;
}

int fleet_run(fleet *f)
{
    f->world.over = on_device_over;
    f->begin_ns = uv_hrtime();
    uv_update_time(&f->loop);
    start_timers(f);
    trouble_start(&f->trouble, &f->world, f->devices, f->size);
    int error = start_signals(f);
    if (error == 0 && f->world.set->menu) {
        error = menu_start(&f->menu, &f->loop, f->devices, f->size);
    }
    if (error != 0) {
        tool_error("cannot start: %s", uv_strerror(error));
        return EXIT_FAILED;
    }
    uv_run(&f->loop, UV_RUN_DEFAULT);
    return report(f);
}
