/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_PAHO_H
#define MEDSEC_PUBLISHER_PAHO_H

#include "link_failure.h"
#include "mqtt_client.h"

#include <MQTTAsync.h>
#include <uv.h>

/*
 * The paho back end in three files: publisher_paho.c has the table and the thread that connects,
 * paho_link.c one connection to the broker, paho_window.c what is under way on it.
 *
 * Paho's call-backs come with its own lock held, so ours is never held when paho is called. A new
 * handle is made for each connection, since paho sends what it has left after a reconnect, behind
 * our back and out of order.
 */
typedef enum paho_link { PAHO_DOWN, PAHO_CONNECTING, PAHO_UP } paho_link;

/* A message that paho has. */
typedef struct paho_slot {
    struct paho *owner;
    uint64_t token;
    medsec_status status;
    const char *topic; /* in the queue */
    uint8_t qos;
    bool done;
} paho_slot;

typedef struct paho {
    medsec__mqtt_client base;
    uv_thread_t thread;
    uv_cond_t changed; /* wakes our thread */

    /* Under base's lock. */
    MQTTAsync handle; /* NULL when there is none; changed by our thread only */
    int version; /* of MQTT, for the next attempt */
    paho_link link;
    medsec__link_failure failure; /* why the link is down; no reason: not known, or up */
    uint32_t attempt; /* of the addresses that the broker's name has; another after a failure */
    bool waiting; /* our thread sleeps until there is something to send */
    int fd; /* of the link; -1 when unknown */
    bool corked;
    bool pumping; /* some thread hands messages to paho, or gives them back */
    uint64_t deadline; /* of stop, uv_hrtime */
    paho_slot slots[MEDSEC_MQTT_IN_FLIGHT];
    size_t window; /* messages that paho may have at a time */
    uint32_t packet_max; /* bytes; the broker's, which paho does not look at */
    uint64_t handed; /* ordinal of the next message for paho */
    uint64_t released; /* ordinal of the oldest one that it has */
} paho;

/* Makes a handle and asks for a connection; `link` says what becomes of it. The lock is held. */
void medsec__paho_connect(paho *p);

/* Paho or the broker is silent for too long: the link is down. Lock held. */
void medsec__paho_give_up(paho *p);

/* Ends the connection and forgets the handle; messages under way are queued again. Lock held. */
void medsec__paho_disconnect(paho *p);

/* Publishes the retained state of this client, past the queue. Lock held. */
void medsec__paho_announce(paho *p, const char *payload);

/* Subscribes, if anybody wanted it. Lock held. */
void medsec__paho_subscribe(paho *p);

/* Hands messages to paho, as far as the window allows; `starting`: no more than one of QoS 0. The
 * lock is held at the call and afterwards, not all the time between. */
void medsec__paho_pump(paho *p, bool starting);

/* What was under way is queued again. Lock held. */
void medsec__paho_rewind(paho *p);

/* As medsec_publisher_ops has it. Takes the lock. */
void medsec__paho_reclaim(paho *p, medsec_reclaim_fn *take, void *context);

/* Nothing is with paho and something is queued: a pump must be started. Lock held. */
bool medsec__paho_must_start(const paho *p);

#endif
