/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_LOOPS_H
#define MEDSEC_TESTS_LOOPS_H

#include <medsec/publisher.h>

/* Event loops in threads of their own, with a publisher attached, as the gateway has them. */
#define LOOPS_MAX 4u

typedef struct loops loops;

/* After the publisher was started. */
loops *loops_start(medsec_publisher *publisher, uint32_t count);
/* Detaches it, and joins the threads; no handle may be left in them. */
void loops_stop(loops *all);
/* Runs in the loop's thread; returns when it is done. */
void loops_run(loops *all, uint32_t index, void (*task)(void *context), void *context);

#endif
