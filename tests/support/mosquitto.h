/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_MOSQUITTO_H
#define MEDSEC_TESTS_MOSQUITTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A real broker on a free port of 127.0.0.1, with its files in a folder of its own. */
typedef struct broker {
    char dir[64];
    char url[64];
    uint16_t port;
    pid_t pid;
} broker;

/* A mosquitto_sub on everything, with a session that outlives a restart of the broker. */
typedef struct subscriber {
    pid_t pid;
    int fd;
    size_t len;
    char buffer[8192];
} subscriber;

bool mosquitto_is_there(void);

/* Picks a port and makes the folder; starts nothing. */
void broker_prepare(broker *b);
/* More lines for its configuration, before it starts. */
void broker_configure(const broker *b, const char *lines);
/* Writes a file into its folder; the path is good until the next call. */
const char *broker_file(const broker *b, const char *name, const char *text);
/* Comes back when it listens. What this forks holds all sockets of the test until it executes: a
 * client whose broker was stopped must have noticed, since the kernel goes on telling of a socket
 * that somebody else holds. */
void broker_start(broker *b);
/* Orderly, so that sessions are kept. */
void broker_stop(broker *b);
void broker_remove(broker *b);

/* Comes back when it is subscribed. */
void subscriber_start(subscriber *s, const broker *b);
/* The next line, `topic retain payload`. False: none comes. */
bool subscriber_line(subscriber *s, char *line, size_t cap);
/* Skips lines until this one. */
bool subscriber_expect(subscriber *s, const char *line);
/* Every number of 1..count comes on `t/number`, each for the first time after its predecessor in
 * the same quality of service: MQTT 5.0 section 4.6 orders no more. Each `mixed`-th has QoS 1, the
 * others 0; 0: all have the same. */
bool subscriber_expect_numbers(subscriber *s, unsigned count, unsigned mixed);
void subscriber_stop(subscriber *s);

#endif
