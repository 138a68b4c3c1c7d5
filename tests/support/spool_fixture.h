/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_SPOOL_FIXTURE_H
#define MEDSEC_TESTS_SPOOL_FIXTURE_H

#include "scratch.h"

#include <medsec/publisher.h>
#include <stdatomic.h>

#define SPOOL_TOKENS 65536u
#define SPOOL_PAYLOAD 65536u

/* A spool in front of a publisher in memory, and what they say. */
typedef struct spool_fixture {
    scratch files;
    medsec_publisher *spool;
    medsec_publisher *memory;
    medsec_publisher_listener listener;
    medsec_spool_options options; /* for the next spool_start */
    void (*listener_durable)(void *, uint64_t,
                             medsec_status); /* instead of counting; may be NULL */
    size_t memory_limit;
    size_t payload_len; /* of messages, if that is longer than their text; at most SPOOL_PAYLOAD */
    _Atomic unsigned durables;
    _Atomic unsigned failures; /* of them, not OK */
    _Atomic unsigned relieved;
    _Atomic unsigned ups;
    _Atomic unsigned downs;
    _Atomic uint8_t reported[SPOOL_TOKENS]; /* how often, by token */
} spool_fixture;

/* For cmocka: a folder, options, nothing started. */
int spool_fixture_setup(void **state);
int spool_fixture_teardown(void **state);

/* A new spool on the folder; the publisher in memory is linked or not. */
void spool_start(spool_fixture *f, bool linked);
/* The same in front of another publisher. */
void spool_start_with(spool_fixture *f, medsec_publisher *behind);
/* Stops and destroys it. What is in memory counts as never sent. */
medsec_status spool_end(spool_fixture *f);
/* The folder of the spool. */
const char *spool_folder(const spool_fixture *f);

/* A message of a lane: the payload is "lane:number:token". */
medsec_status spool_publish(const spool_fixture *f, uint32_t lane, unsigned number, uint64_t token);
medsec_status spool_publish_droppable(const spool_fixture *f, uint32_t lane, unsigned number,
                                      uint64_t token);

medsec_publisher_stats spool_stats(const spool_fixture *f);

/* These wait, for at most a minute. */
void spool_wait_durable(spool_fixture *f, unsigned count);
void spool_wait_direct(const spool_fixture *f);
void spool_wait_spooling(const spool_fixture *f);
/* What spool_publish wrote. */
void spool_read(const medsec_message *message, unsigned *lane, unsigned *number);
/* Takes the next message from the publisher in memory; its number, and lane if wanted. */
unsigned spool_take(const spool_fixture *f, uint32_t *lane);
/* Takes what comes until the spool is direct and nothing is left; how many. */
unsigned spool_drain(const spool_fixture *f, void (*each)(void *, const medsec_message *),
                     void *context);

/* True when `condition` came true within a minute. */
bool spool_wait(bool (*condition)(const void *), const void *context);

#endif
