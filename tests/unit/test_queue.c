/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static medsec_message message(const char *topic, const char *payload)
{
    return (medsec_message){.topic = topic,
                            .topic_len = strlen(topic),
                            .payload = payload,
                            .payload_len = strlen(payload),
                            .token = 7,
                            .lane = 3,
                            .qos = 1,
                            .retain = true,
                            .droppable = true};
}

static void test_next_gives_what_was_pushed(void **state)
{
    (void)state;
    medsec__queue q;
    assert_int_equal(medsec__queue_open(&q, 1024), MEDSEC_OK);
    medsec_message in = message("a/b", "36.600"), out;
    assert_int_equal(medsec__queue_push(&q, &in), MEDSEC_OK);
    assert_true(medsec__queue_next(&q, &out));
    assert_int_equal(out.topic_len, 3);
    assert_string_equal(out.topic, "a/b");
    assert_int_equal(out.payload_len, 6);
    assert_memory_equal(out.payload, "36.600", 6);
    assert_int_equal(out.token, 7);
    assert_int_equal(out.lane, 3);
    assert_int_equal(out.qos, 1);
    assert_true(out.retain);
    assert_true(out.droppable);
    assert_false(medsec__queue_next(&q, &out));
    medsec__queue_close(&q);
}

static void test_push_full_is_busy_and_too_large_is_limit(void **state)
{
    (void)state;
    medsec__queue q;
    assert_int_equal(medsec__queue_open(&q, 256), MEDSEC_OK);
    char big[300];
    memset(big, 'x', sizeof(big));
    medsec_message m = message("t", "");
    m.payload = big;
    m.payload_len = sizeof(big);
    assert_int_equal(medsec__queue_push(&q, &m), MEDSEC_ERR_LIMIT);
    m.payload_len = SIZE_MAX;
    assert_int_equal(medsec__queue_push(&q, &m), MEDSEC_ERR_LIMIT);
    m.payload_len = 20;
    int pushed = 0;
    while (medsec__queue_push(&q, &m) == MEDSEC_OK)
        pushed++;
    assert_int_equal(medsec__queue_push(&q, &m), MEDSEC_ERR_BUSY);
    assert_true(pushed > 1);
    assert_true(medsec__queue_release(&q));
    assert_int_equal(medsec__queue_push(&q, &m), MEDSEC_OK);
    medsec__queue_close(&q);
}

static void test_rewind_hands_out_again(void **state)
{
    (void)state;
    medsec__queue q;
    assert_int_equal(medsec__queue_open(&q, 1024), MEDSEC_OK);
    medsec_message a = message("a", "1"), b = message("b", "2"), out;
    assert_int_equal(medsec__queue_push(&q, &a), MEDSEC_OK);
    assert_int_equal(medsec__queue_push(&q, &b), MEDSEC_OK);
    assert_true(medsec__queue_next(&q, &out) && medsec__queue_next(&q, &out));
    medsec__queue_rewind(&q);
    assert_true(medsec__queue_next(&q, &out));
    assert_string_equal(out.topic, "a");
    assert_true(medsec__queue_release(&q));
    medsec__queue_rewind(&q);
    assert_true(medsec__queue_next(&q, &out));
    assert_string_equal(out.topic, "b");
    medsec__queue_close(&q);
}

static void test_release_on_empty_says_so(void **state)
{
    (void)state;
    medsec__queue q;
    assert_int_equal(medsec__queue_open(&q, 256), MEDSEC_OK);
    assert_false(medsec__queue_release(&q));
    assert_int_equal(q.used, 0);
    medsec__queue_close(&q);
}

static uint32_t random_step(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void push_number(medsec__queue *q, uint32_t *pushed, size_t fill)
{
    char text[96];
    memset(text, 'f', sizeof(text));
    int n = snprintf(text, sizeof(text), "%u", *pushed);
    text[n] = 'f';
    medsec_message m = message("topic", "");
    m.payload = text;
    m.payload_len = (size_t)n + fill;
    m.token = *pushed;
    if (medsec__queue_push(q, &m) == MEDSEC_OK)
        (*pushed)++;
}

static void check_next(medsec__queue *q, uint32_t *handed, uint32_t pushed)
{
    medsec_message m;
    bool any = medsec__queue_next(q, &m);
    assert_int_equal(any, *handed < pushed);
    if (!any)
        return;
    char text[16];
    int n = snprintf(text, sizeof(text), "%u", *handed);
    assert_int_equal(m.token, *handed);
    assert_string_equal(m.topic, "topic");
    assert_memory_equal(m.payload, text, (size_t)n);
    (*handed)++;
}

/* Any sequence of operations, on rings of many sizes, keeps order and content across the wrap. */
static void test_wrap_around_keeps_order(void **state)
{
    (void)state;
    uint32_t seed = 42;
    for (size_t size = 128; size < 2048; size += 48) {
        medsec__queue q;
        assert_int_equal(medsec__queue_open(&q, size), MEDSEC_OK);
        uint32_t pushed = 0, handed = 0, released = 0;
        for (int i = 0; i < 4000; i++) {
            uint32_t r = random_step(&seed);
            if (r % 8 < 3) {
                push_number(&q, &pushed, r / 8 % 80);
            } else if (r % 8 < 5) {
                check_next(&q, &handed, pushed);
            } else if (r % 8 < 7) {
                assert_int_equal(medsec__queue_release(&q), released < pushed);
                released += released < pushed;
                handed = handed < released ? released : handed;
            } else if (r / 8 % 16 == 0) {
                medsec__queue_rewind(&q);
                handed = released;
            }
            assert_int_equal(q.count, pushed - released);
            assert_int_equal(q.handed, handed - released);
            assert_true(q.used <= q.size);
        }
        assert_true(pushed > 100);
        medsec__queue_close(&q);
    }
}

static size_t resident(const medsec__queue *q)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = q->size / page;
    unsigned char *in_memory = calloc(pages, 1);
    assert_non_null(in_memory);
    const uintptr_t begin = ((uintptr_t)q->ring + page - 1) / page * page;
    assert_int_equal(mincore((void *)begin, (pages - 1) * page, in_memory), 0);
    size_t count = 0;
    for (size_t i = 0; i < pages; i++) {
        count += in_memory[i] & 1u;
    }
    free(in_memory);
    return count * page;
}

static void fill_and_empty(medsec__queue *q, size_t bytes)
{
    static char payload[4000];
    medsec_message m = message("t", "");
    m.payload = payload;
    m.payload_len = sizeof payload;
    while (q->used < bytes) {
        assert_int_equal(medsec__queue_push(q, &m), MEDSEC_OK);
    }
    while (medsec__queue_next(q, &m)) {
        assert_memory_equal(m.payload, payload, sizeof payload);
        assert_true(medsec__queue_release(q));
    }
}

static void test_what_an_outage_filled_is_given_back(void **state)
{
    (void)state;
    medsec__queue q;
    assert_int_equal(medsec__queue_open(&q, 8 * MEDSEC__QUEUE_KEPT), MEDSEC_OK);
    fill_and_empty(&q, MEDSEC__QUEUE_KEPT - 8000);
    const size_t ordinary = resident(&q);
    assert_in_range(ordinary, MEDSEC__QUEUE_KEPT / 2, MEDSEC__QUEUE_KEPT);
    for (int i = 0; i < 2; i++) {
        fill_and_empty(&q, 6 * MEDSEC__QUEUE_KEPT);
        assert_in_range(resident(&q), ordinary, MEDSEC__QUEUE_KEPT + 8192);
    }
    medsec__queue_close(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_gives_what_was_pushed),
        cmocka_unit_test(test_push_full_is_busy_and_too_large_is_limit),
        cmocka_unit_test(test_rewind_hands_out_again),
        cmocka_unit_test(test_release_on_empty_says_so),
        cmocka_unit_test(test_wrap_around_keeps_order),
        cmocka_unit_test(test_what_an_outage_filled_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
