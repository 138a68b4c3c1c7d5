/* SPDX-License-Identifier: Apache-2.0 */
#include "splits.h"

#include "guard.h"
#include "unit.h"

#include <string.h>

void trace_add(trace *log, const char *text, size_t len)
{
    assert_true(log->len + len + 1 < sizeof log->text);
    memcpy(log->text + log->len, text, len);
    log->len += len;
    log->text[log->len++] = '\n';
}

void trace_add_word(trace *log, const char *word)
{
    trace_add(log, word, strlen(word));
}

bool trace_is(const trace *log, const trace *other)
{
    return log->end == other->end && log->len == other->len &&
           memcmp(log->text, other->text, log->len) == 0;
}

/* The first `split` bytes, then `step` at a time; each piece ends at `guard`. */
static void run(const machine *m, const uint8_t *data, size_t len, size_t split, size_t step,
                uint8_t *guard, trace *log)
{
    log->len = 0;
    m->begin(m->context);
    for (size_t at = 0; at < len;) {
        size_t want = at < split ? split : step;
        size_t count = len - at < want ? len - at : want;
        memcpy(guard - count, data + at, count);
        m->push(m->context, guard - count, count, log);
        at += count;
    }
    log->end = m->end(m->context, log);
}

void run_whole(const machine *m, const void *data, size_t len, trace *log)
{
    uint8_t *guard = guard_end(len);
    run(m, data, len, len, 1, guard, log);
    guard_free(guard, len);
}

void run_every_split(const machine *m, const void *data, size_t len, trace *log)
{
    static trace other;
    uint8_t *guard = guard_end(len);
    run(m, data, len, len, 1, guard, log);
    for (size_t split = 1; split < len; split++) {
        run(m, data, len, split, len, guard, &other);
        assert_true(trace_is(&other, log));
    }
    run(m, data, len, 0, 1, guard, &other);
    assert_true(trace_is(&other, log));
    guard_free(guard, len);
}

void run_every_truncation(const machine *m, const void *data, size_t len)
{
    static trace whole;
    static trace bytes;
    uint8_t *guard = guard_end(len);
    for (size_t cut = 0; cut < len; cut++) {
        run(m, data, cut, cut, 1, guard, &whole);
        run(m, data, cut, 0, 1, guard, &bytes);
        assert_true(trace_is(&whole, &bytes));
    }
    guard_free(guard, len);
}

void expect_every_way(const machine *m, const void *data, size_t len, const char *lines)
{
    static trace log;
    run_every_split(m, data, len, &log);
    log.text[log.len] = '\0';
    assert_string_equal(log.text, lines);
    run_every_truncation(m, data, len);
}
