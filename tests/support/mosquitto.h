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
void broker_start(broker *b);
/* Orderly, so that sessions are kept. */
void broker_stop(broker *b);
void broker_remove(broker *b);

void subscriber_start(subscriber *s, const broker *b);
/* The next line, `topic retain payload`. False: none in `timeout_ms`. */
bool subscriber_line(subscriber *s, char *line, size_t cap, int timeout_ms);
/* Skips lines until this one. */
bool subscriber_expect(subscriber *s, const char *line, int timeout_ms);
/* Every number of 1..count comes on `t/number`, each for the first time after its predecessor in
 * the same quality of service: MQTT 5.0 section 4.6 orders no more. Each `mixed`-th has QoS 1, the
 * others 0; 0: all have the same. */
bool subscriber_expect_numbers(subscriber *s, unsigned count, unsigned mixed, int timeout_ms);
void subscriber_stop(subscriber *s);

#endif
