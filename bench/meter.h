/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_BENCH_METER_H
#define MEDSEC_BENCH_METER_H

#include <sys/types.h>
#include <time.h>

/* CPU time of a process, user and system, all threads; 0: this one. -1: there is no such process.
 */
double meter_cpu_us(pid_t pid);

/* A clock that ticks `rate` times a second, however long what is done between two ticks takes. */
typedef struct meter_pace {
    struct timespec next;
    long interval_ns;
} meter_pace;

void meter_pace_start(meter_pace *pace, double rate);
void meter_pace_wait(meter_pace *pace);

/* A number of the command line from 1 to max; exits with status 2 for another. */
long meter_number(const char *text, long max);

#endif
