/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PROXY_PROCESS_H
#define MEDSEC_PROXY_PROCESS_H

#include <signal.h>
#include <stdint.h>

/* As many descriptors as the system gives, and as root as `connections` need; a peer that is gone
 * is an error, not a signal. */
void process_prepare(uint32_t connections);

/* Keeps SIGTERM, SIGINT and SIGHUP for process_wait_signal, in this thread and those to come. */
void process_block_signals(sigset_t *signals);
/* 0: none came within `timeout_ms`; 0 milliseconds: waits for ever. */
int process_wait_signal(const sigset_t *signals, uint32_t timeout_ms);

/* Tells the service manager, if there is one: sd_notify(3). */
void process_notify(const char *state);
void process_notify_reloading(void);
/* How often the service manager wants to hear WATCHDOG=1 to let us live; 0: it does not. */
uint32_t process_watchdog_ms(void);

#endif
