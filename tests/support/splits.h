/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_SPLITS_H
#define MEDSEC_TESTS_SPLITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a push parser gave out, as lines of text, and what it was in the end. */
typedef struct trace {
    char text[1 << 16];
    size_t len;
    int end;
} trace;

void trace_add(trace *log, const char *text, size_t len);
void trace_add_word(trace *log, const char *word);
bool trace_is(const trace *log, const trace *other);

/* A push parser under test: `begin` opens it afresh, `end` closes it and tells its last state. */
typedef struct machine {
    void *context;
    void (*begin)(void *context);
    void (*push)(void *context, uint8_t *data, size_t len, trace *log);
    int (*end)(void *context, trace *log);
} machine;

/* In one piece. */
void run_whole(const machine *m, const void *data, size_t len, trace *log);

/*
 * Whole, byte by byte, in two pieces at every place; each piece ends at an inaccessible page. All
 * must give the same; it is left in `log`.
 */
void run_every_split(const machine *m, const void *data, size_t len, trace *log);

/* Every beginning of the input, whole and byte by byte. */
void run_every_truncation(const machine *m, const void *data, size_t len);

/* Both; what it gave out must be these lines. */
void expect_every_way(const machine *m, const void *data, size_t len, const char *lines);

#endif
