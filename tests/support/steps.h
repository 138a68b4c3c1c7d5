/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TEST_STEPS_H
#define MEDSEC_TEST_STEPS_H

#include <stdbool.h>

/*
 * The steps of a program on the disk: the system calls in steps.c, which a test that includes this
 * puts in front of the C library's, for SQLite as well as for our own files. At one of them a child
 * dies: killed (what it wrote stays), in the middle of a write, or by a power cut (what no fsync
 * had confirmed is gone). Or nobody dies, and they fail from one on.
 */
typedef enum steps_death { KILLED, TORN, POWER_CUT, DEATHS } steps_death;

typedef enum steps_outcome { STEPS_DIED, STEPS_FINISHED, STEPS_FAILED } steps_outcome;

/* A child does `work`, which calls steps_go when its steps begin to count, and dies at the step
 * after `left` others, unless it ends before; with POWER_CUT the cut comes then. False of it: it
 * failed. */
steps_outcome steps_run(bool (*work)(void *), void *context, steps_death death, int left);
void steps_go(void);

/* A power cut takes the newest name back as well, unless this is said: a disk may write names in
 * any order. */
void steps_keep_newest_name(bool keep);

/* Each step behind `left` others fails with this errno, and half of a write is done; 0: no more. */
void steps_fail(int error, int left);

#endif
