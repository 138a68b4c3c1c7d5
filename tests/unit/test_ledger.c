/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ledger.h"
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

static medsec__ledger *create(void)
{
    medsec__ledger *ledger = calloc(1, sizeof *ledger);
    assert_non_null(ledger);
    medsec__ledger_open(ledger, 7);
    return ledger;
}

static void destroy(medsec__ledger *ledger)
{
    medsec__ledger_close(ledger);
    free(ledger);
}

static void test_batch_finishes_with_its_last_report(void **state)
{
    (void)state;
    medsec__ledger *ledger = create();
    medsec__batch *batch = medsec__ledger_begin(ledger, state);
    uint64_t token = medsec__ledger_add(ledger, batch);
    assert_int_not_equal(token, 0);
    assert_int_equal(medsec__ledger_add(ledger, batch), token);
    assert_int_equal(medsec__ledger_of(token), 7);
    assert_false(medsec__ledger_report(ledger, token, MEDSEC_OK)); /* before it is filled, too */
    assert_false(medsec__ledger_settle(ledger, batch, MEDSEC_OK));
    assert_null(medsec__ledger_take(ledger));
    assert_true(medsec__ledger_report(ledger, token, MEDSEC_OK));
    assert_ptr_equal(medsec__ledger_take(ledger), batch);
    assert_null(medsec__ledger_take(ledger));
    assert_false(batch->failed);
    destroy(ledger);
}

static void test_batch_without_messages_finishes_when_filled(void **state)
{
    (void)state;
    medsec__ledger *ledger = create();
    medsec__batch *batch = medsec__ledger_begin(ledger, state);
    assert_true(medsec__ledger_settle(ledger, batch, MEDSEC_OK));
    assert_ptr_equal(medsec__ledger_take(ledger), batch);
    destroy(ledger);
}

static void test_one_failure_fails_the_batch(void **state)
{
    (void)state;
    medsec__ledger *ledger = create();
    for (int failing = 0; failing < 3; failing++) {
        medsec__batch *batch = medsec__ledger_begin(ledger, state);
        uint64_t token = 0;
        for (int i = 0; i < 3; i++) {
            token = medsec__ledger_add(ledger, batch);
        }
        assert_false(medsec__ledger_settle(ledger, batch, MEDSEC_OK));
        for (int i = 0; i < 3; i++) {
            bool last = medsec__ledger_report(ledger, token, i == failing ? MEDSEC_ERR_CLOSED : 0);
            assert_int_equal(last, i == 2);
        }
        assert_ptr_equal(medsec__ledger_take(ledger), batch);
        assert_true(batch->failed);
        medsec__ledger_free(ledger, batch);
    }
    medsec__batch *next = medsec__ledger_begin(ledger, state);
    assert_false(next->failed);
    destroy(ledger);
}

static void test_finished_come_in_their_order_and_wake_once(void **state)
{
    (void)state;
    medsec__ledger *ledger = create();
    medsec__batch *a = medsec__ledger_begin(ledger, state);
    medsec__batch *b = medsec__ledger_begin(ledger, state);
    assert_true(medsec__ledger_settle(ledger, b, MEDSEC_OK));
    assert_false(medsec__ledger_settle(ledger, a, MEDSEC_OK));
    assert_ptr_equal(medsec__ledger_take(ledger), b);
    assert_ptr_equal(b->next_finished, a);
    assert_null(a->next_finished);
    destroy(ledger);
}

static void test_stale_and_foreign_tokens_are_ignored(void **state)
{
    (void)state;
    medsec__ledger *ledger = create();
    assert_false(medsec__ledger_report(ledger, 1, MEDSEC_OK)); /* no chunk yet */
    medsec__batch *batch = medsec__ledger_begin(ledger, state);
    uint64_t stale = medsec__ledger_add(ledger, batch);
    assert_false(medsec__ledger_report(ledger, stale, MEDSEC_OK));
    assert_true(medsec__ledger_settle(ledger, batch, MEDSEC_OK));
    assert_false(medsec__ledger_report(ledger, stale, MEDSEC_ERR_IO)); /* once too often */
    assert_ptr_equal(medsec__ledger_take(ledger), batch);
    medsec__ledger_free(ledger, batch);
    assert_ptr_equal(medsec__ledger_begin(ledger, state), batch);
    uint64_t token = medsec__ledger_add(ledger, batch);
    assert_int_not_equal(token, stale);
    assert_false(medsec__ledger_report(ledger, stale, MEDSEC_ERR_IO));
    assert_false(medsec__ledger_report(ledger, token ^ 0xffffff, MEDSEC_ERR_IO)); /* no such slot */
    assert_false(batch->failed);
    assert_int_equal(batch->left, 2);
    destroy(ledger);
}

static void test_begin_gives_out_until_the_limit(void **state)
{
    (void)state;
    medsec__ledger *ledger = create();
    for (uint32_t i = 0; i < MEDSEC__LEDGER_CHUNK * MEDSEC__LEDGER_CHUNKS; i++) {
        assert_non_null(medsec__ledger_begin(ledger, state));
    }
    assert_null(medsec__ledger_begin(ledger, state));
    destroy(ledger);
}

/* Two publishers' threads against a loop: every batch finishes once. */
#define ROUNDS 500u
#define MESSAGES 64u

typedef struct race {
    medsec__ledger *ledger;
    _Atomic uint64_t token;
    _Atomic uint32_t round;
    _Atomic uint32_t reported;
    _Atomic uint32_t wakes;
} race;

static void *report_all(void *context)
{
    race *r = context;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        while (atomic_load(&r->round) < round) {
            sched_yield();
        }
        for (unsigned i = 0; i < MESSAGES / 2; i++) {
            atomic_fetch_add(&r->wakes, medsec__ledger_report(r->ledger, r->token, MEDSEC_OK));
        }
        atomic_fetch_add(&r->reported, 1);
    }
    return NULL;
}

static void test_reports_from_threads_finish_a_batch_once(void **state)
{
    (void)state;
    race r = {.ledger = create()};
    pthread_t threads[2];
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, report_all, &r), 0);
    }
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        medsec__batch *batch = medsec__ledger_begin(r.ledger, &r);
        for (unsigned i = 0; i < MESSAGES; i++) {
            atomic_store(&r.token, medsec__ledger_add(r.ledger, batch));
        }
        atomic_store(&r.round, round);
        atomic_fetch_add(&r.wakes, medsec__ledger_settle(r.ledger, batch, MEDSEC_OK));
        while (atomic_load(&r.reported) < 2 * round) {
            sched_yield();
        }
        assert_int_equal(r.wakes, round);
        assert_ptr_equal(medsec__ledger_take(r.ledger), batch);
        assert_null(medsec__ledger_take(r.ledger));
        medsec__ledger_free(r.ledger, batch);
    }
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    destroy(r.ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_finishes_with_its_last_report),
        cmocka_unit_test(test_batch_without_messages_finishes_when_filled),
        cmocka_unit_test(test_one_failure_fails_the_batch),
        cmocka_unit_test(test_finished_come_in_their_order_and_wake_once),
        cmocka_unit_test(test_stale_and_foreign_tokens_are_ignored),
        cmocka_unit_test(test_begin_gives_out_until_the_limit),
        cmocka_unit_test(test_reports_from_threads_finish_a_batch_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
