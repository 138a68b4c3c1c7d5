/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_HELD_PUBLISHER_H
#define MEDSEC_TESTS_HELD_PUBLISHER_H

#include <medsec/publisher.h>

/* A publisher whose broker is the test: a message is durable when the test says so, in any order.
 * Takes nothing from the heap after it was made. */
#define HELD_MAX 65536u
#define HELD_TEXT_MAX 1024u

typedef struct held_message {
    uint64_t token;
    uint8_t qos;
    bool droppable;
    bool reported;
    char text[HELD_TEXT_MAX]; /* "topic payload" */
} held_message;

medsec_publisher *held_create(void);

/* How many messages there were so far. */
size_t held_count(medsec_publisher *publisher);
/* The message of this number, from 0. Waits for it; fails when it does not come. */
const held_message *held_at(medsec_publisher *publisher, size_t number);
/* The first one from `*from` on that begins so and holds `part`; *from is behind it then. */
const held_message *held_find(medsec_publisher *publisher, size_t *from, const char *begin,
                              const char *part);
/* Reports it, if it has a token and was not reported. */
void held_report(medsec_publisher *publisher, size_t number, medsec_status status);
/* Reports what was not yet, oldest first; returns how many. */
size_t held_report_all(medsec_publisher *publisher);

/* From now on: reported as soon as published, and its text is not kept. */
void held_automatic(medsec_publisher *publisher);
/* From now on publish() says this. */
void held_refuse(medsec_publisher *publisher, medsec_status status);
/* Between the two whoever publishes waits. */
void held_block(medsec_publisher *publisher);
/* Somebody waits. */
void held_wait_blocked(medsec_publisher *publisher);
void held_unblock(medsec_publisher *publisher);
void held_press(medsec_publisher *publisher, bool pressed);
/* Tells that whoever waits may look again. */
void held_relieve(medsec_publisher *publisher);
/* The next message ends the pressure, in the thread that publishes it. */
void held_relieve_inside(medsec_publisher *publisher);
/* Pressed for messages that are not droppable only. */
void held_press_kept(medsec_publisher *publisher);
/* The broker connection came up, or was lost. */
void held_link(medsec_publisher *publisher, bool up);
/* Times that a loop asked whether it may rest. */
size_t held_rests(medsec_publisher *publisher);
/* Messages that came when it was detached from a loop already. */
size_t held_late(medsec_publisher *publisher);
void held_deliver(medsec_publisher *publisher, const char *topic, const void *payload, size_t len);
/* What was subscribed to. */
const char *held_filter(medsec_publisher *publisher);

#endif
