/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_MQTT_CLIENT_H
#define MEDSEC_PUBLISHER_MQTT_CLIENT_H

#include "mqtt_options.h"
#include "queue.h"

#include <stdatomic.h>
#include <uv.h>

/*
 * What stands before a connection to the broker, whichever library keeps it: messages in a queue
 * with its limits, what is counted, what is told. A back end begins with one of these, and has what
 * is its own: how its thread is woken, the connection, and what is under way on it.
 */
typedef struct medsec__mqtt_client medsec__mqtt_client;

struct medsec__mqtt_client {
    medsec_publisher publisher;
    const medsec_publisher_listener *listener; /* NULL: not started yet */
    medsec__mqtt_options options;
    char *filter; /* of the subscription; NULL: none */
    bool started; /* and not stopped */
    void (*on_queued)(medsec__mqtt_client *client); /* wakes whoever sends; the lock is held */

    uv_mutex_t lock; /* for all below */
    medsec__queue queue;
    medsec_publisher_stats counts; /* with version and trouble; the rest is filled in by stats */
    bool linked;
    bool stopping;
    _Atomic bool is_pressed; /* read without the lock */
};

#define MEDSEC__MQTT_REPORTS 256u

/* What is reported to the listener after the lock is given back. */
typedef struct medsec__mqtt_report {
    size_t count;
    bool relieved;
    struct {
        uint64_t token;
        medsec_status status;
    } durable[MEDSEC__MQTT_REPORTS];
} medsec__mqtt_report;

/* Errors of medsec__mqtt_options_copy. After a failure there is nothing to close. */
MEDSEC_CHECK medsec_status medsec__mqtt_client_open(medsec__mqtt_client *client,
                                                    const medsec_publisher_ops *ops,
                                                    void (*on_queued)(medsec__mqtt_client *client),
                                                    const medsec_mqtt_options *options);
/* What is left in the queue is lost, and said so. */
void medsec__mqtt_client_close(medsec__mqtt_client *client);

/* ERR_ARGUMENT: no listener; ERR_STATE: it was started before. */
MEDSEC_CHECK medsec_status medsec__mqtt_client_start(medsec__mqtt_client *client,
                                                     const medsec_publisher_listener *listener);
/* At the end of stop. ERR_TIMEOUT: something is left. */
MEDSEC_CHECK medsec_status medsec__mqtt_client_end(medsec__mqtt_client *client);

/* As medsec_publisher_ops has them. */
MEDSEC_CHECK medsec_status medsec__mqtt_client_publish(medsec_publisher *publisher,
                                                       const medsec_message *message);
MEDSEC_CHECK medsec_status medsec__mqtt_client_subscribe(medsec_publisher *publisher,
                                                         const char *filter);
bool medsec__mqtt_client_pressed(medsec_publisher *publisher, bool droppable);
void medsec__mqtt_client_stats(medsec_publisher *publisher, medsec_publisher_stats *stats);

/* The oldest message is done with. The lock is held. */
void medsec__mqtt_client_release(medsec__mqtt_client *client, medsec__mqtt_report *report,
                                 uint64_t token, medsec_status status);
/* Whether that ended the pressure. The lock is held. */
void medsec__mqtt_client_relieve(medsec__mqtt_client *client, medsec__mqtt_report *report);
/* Without the lock. */
void medsec__mqtt_client_tell(const medsec__mqtt_client *client, const medsec__mqtt_report *report);
void medsec__mqtt_client_tell_linked(const medsec__mqtt_client *client, bool up);
/* Not what is retained: it comes again at each connection, after what was said later. */
void medsec__mqtt_client_tell_received(const medsec__mqtt_client *client, const char *topic,
                                       size_t topic_len, const void *payload, int payload_len,
                                       bool retained);

/* Gives back what is queued, of which nothing is under way. The lock is held at the call and
 * afterwards, not while somebody takes a message: the caller sees to it that none is sent then. */
void medsec__mqtt_client_give_back(medsec__mqtt_client *client, medsec_reclaim_fn *take,
                                   void *context);

#endif
