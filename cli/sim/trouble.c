/* SPDX-License-Identifier: Apache-2.0 */
#include "trouble.h"

#include "link.h"
#include "tool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 1000000.0

/* Digits with a point in them, if any, up to `end`. */
static bool read_number(double *number, const char *text, char end)
{
    const size_t len = strspn(text, "0123456789.");

    if (len == 0 || len > 16 || text[len] != end) {
        return false;
    }
    char *rest = NULL;
    *number = strtod(text, &rest);
    return rest == text + len && *number > 0 && *number <= NUMBER_MAX;
}

bool trouble_parse(double *amount, uint32_t *every_ms, const char *text)
{
    double seconds = 0;
    const char *at = strchr(text, '@');

    if (at == NULL || !read_number(amount, text, '@') || !read_number(&seconds, at + 1, '\0')) {
        return false;
    }
    *every_ms = (uint32_t)lround(seconds * 1000);
    return *every_ms > 0;
}

int trouble_load(trouble *t, const settings *set)
{
    double amount = 0;

    if (set->storm != NULL) {
        if (!trouble_parse(&amount, &t->storm_ms, set->storm) || amount != floor(amount)) {
            tool_error("--storm: N@S is needed, as 100@10: 100 devices every 10 seconds");
            return EXIT_USAGE;
        }
        t->storm_size = (uint32_t)amount;
    }
    if (set->outage != NULL) {
        if (!trouble_parse(&amount, &t->every_ms, set->outage) || amount * 1000 >= t->every_ms) {
            tool_error("--outage: S@S is needed, as 5@60: 5 of every 60 seconds");
            return EXIT_USAGE;
        }
        t->outage_ms = (uint32_t)lround(amount * 1000);
    }
    return EXIT_DONE;
}

static void on_storm(uv_timer_t *timer)
{
    trouble *t = timer->data;
    uint32_t left = t->storm_size;

    for (uint32_t i = 0; i < t->size && left > 0; i++) {
        left -= link_cut(&t->devices[t->next]) ? 1 : 0;
        t->next = (t->next + 1) % t->size;
    }
}

static void set_dark(trouble *t, bool dark)
{
    if (t->world->dark == dark) {
        return;
    }
    t->world->dark = dark;
    for (uint32_t i = 0; i < t->size; i++) {
        link_weather(&t->devices[i]);
    }
}

static void on_outage(uv_timer_t *timer)
{
    trouble *t = timer->data;

    set_dark(t, !t->world->dark);
    uv_timer_start(timer, on_outage, t->world->dark ? t->outage_ms : t->every_ms - t->outage_ms, 0);
}

void trouble_start(trouble *t, world *w, device *devices, uint32_t size)
{
    t->world = w;
    t->devices = devices;
    t->size = size;
    t->storm.data = t->outage.data = t;
    uv_timer_init(w->loop, &t->storm);
    uv_timer_init(w->loop, &t->outage);
    if (t->storm_ms > 0) {
        uv_timer_start(&t->storm, on_storm, t->storm_ms, t->storm_ms);
    }
    if (t->every_ms > 0) {
        uv_timer_start(&t->outage, on_outage, t->every_ms - t->outage_ms, 0);
    }
}

void trouble_end(trouble *t)
{
    uv_timer_stop(&t->storm);
    uv_timer_stop(&t->outage);
    set_dark(t, false);
}

void trouble_stop(trouble *t)
{
    uv_close((uv_handle_t *)&t->storm, NULL);
    uv_close((uv_handle_t *)&t->outage, NULL);
}
