/* SPDX-License-Identifier: Apache-2.0 */
#include "meter.h"

#include <stdio.h>
#include <stdlib.h>

double meter_cpu_us(pid_t pid)
{
    struct timespec t;
    clockid_t id;

    if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &t) != 0) {
        return -1;
    }
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

void meter_pace_start(meter_pace *pace, double rate)
{
    clock_gettime(CLOCK_MONOTONIC, &pace->next);
    pace->interval_ns = (long)(1e9 / rate);
}

void meter_pace_wait(meter_pace *pace)
{
    pace->next.tv_nsec += pace->interval_ns;
    pace->next.tv_sec += pace->next.tv_nsec / 1000000000L;
    pace->next.tv_nsec %= 1000000000L;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &pace->next, NULL);
}

long meter_number(const char *text, long max)
{
    char *end = NULL;
    const long number = strtol(text, &end, 10);

    if (end == text || *end != '\0' || number < 1 || number > max) {
        fprintf(stderr, "%s: a number from 1 to %ld is needed\n", text, max);
        exit(2);
    }
    return number;
}
