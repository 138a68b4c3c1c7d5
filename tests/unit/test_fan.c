/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <medsec/publisher.h>
#include <stdatomic.h>
#include <string.h>
#include <uv.h>

/* Three publishers in memory behind a fan, and what the fan says. */
typedef struct fixture {
    medsec_publisher *fan;
    medsec_publisher *behind[3];
    medsec_publisher_listener listener;
    unsigned ups;
    _Atomic unsigned downs;
    bool is_up; /* as it was told last */
    bool loses_one; /* another member, while it is told that all are up */
    uv_thread_t loser;
    unsigned relieved;
    uint64_t durable;
} fixture;

static void on_durable(void *context, uint64_t token, medsec_status status)
{
    assert_int_equal(status, MEDSEC_OK);
    ((fixture *)context)->durable += token;
}

static void on_relieved(void *context)
{
    ((fixture *)context)->relieved++;
}

static void lose_one(void *context)
{
    medsec_publisher_memory_set_link(((fixture *)context)->behind[1], false);
}

static void on_linked(void *context, bool up)
{
    fixture *f = context;
    if (up && f->loses_one) {
        assert_int_equal(uv_thread_create(&f->loser, lose_one, f), 0);
        for (unsigned i = 0; i < 20 && f->downs < 2; i++) {
            uv_sleep(5); /* time to overtake; shorter would test less, not fail */
        }
    }
    f->is_up = up;
    f->ups += up;
    f->downs += !up;
}

static int set_up(void **state)
{
    static fixture f;
    memset(&f, 0, sizeof f);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(medsec_publisher_memory_create(&f.behind[i], 4), MEDSEC_OK);
    }
    assert_int_equal(medsec_publisher_fan_create(&f.fan, f.behind, 3), MEDSEC_OK);
    f.listener = (medsec_publisher_listener){
        .context = &f, .durable = on_durable, .relieved = on_relieved, .linked = on_linked};
    assert_int_equal(f.fan->ops->start(f.fan, &f.listener), MEDSEC_OK);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    medsec_publisher *fan = ((fixture *)*state)->fan;
    fan->ops->destroy(fan);
    return 0;
}

static medsec_status publish(const fixture *f, uint32_t lane, uint64_t token)
{
    const medsec_message m = {.topic = "t",
                              .topic_len = 1,
                              .payload = "p",
                              .payload_len = 1,
                              .token = token,
                              .lane = lane};
    return f->fan->ops->publish(f->fan, &m);
}

static void test_publish_same_lane_same_member_in_order(void **state)
{
    const fixture *f = *state;
    for (uint64_t token = 1; token <= 3; token++) {
        assert_int_equal(publish(f, 7, token), MEDSEC_OK);
    }
    medsec_message m;
    for (uint64_t token = 1; token <= 3; token++) {
        assert_int_equal(medsec_publisher_memory_take(f->behind[7 % 3], &m), MEDSEC_OK);
        assert_int_equal(m.token, token);
    }
    assert_int_equal(f->durable, 6);
}

static void test_publish_lanes_reach_every_member(void **state)
{
    const fixture *f = *state;
    for (uint32_t lane = 0; lane < 3; lane++) {
        assert_int_equal(publish(f, lane, lane + 1), MEDSEC_OK);
    }
    medsec_message m;
    for (uint32_t lane = 0; lane < 3; lane++) {
        assert_int_equal(medsec_publisher_memory_take(f->behind[lane], &m), MEDSEC_OK);
        assert_int_equal(m.lane, lane);
    }
}

static void test_pressed_when_one_member_is(void **state)
{
    const fixture *f = *state;
    assert_false(f->fan->ops->pressed(f->fan, false));
    assert_int_equal(publish(f, 2, 1), MEDSEC_OK);
    assert_int_equal(publish(f, 2, 1), MEDSEC_OK);
    assert_true(f->fan->ops->pressed(f->fan, false));
    medsec_message m;
    assert_int_equal(medsec_publisher_memory_take(f->behind[2], &m), MEDSEC_OK);
    assert_false(f->fan->ops->pressed(f->fan, false));
    assert_int_equal(f->relieved, 1);
}

static void test_linked_all_up_or_not(void **state)
{
    const fixture *f = *state;
    assert_int_equal(f->ups, 1); /* the third one to come up */
    medsec_publisher_memory_set_link(f->behind[1], false);
    medsec_publisher_memory_set_link(f->behind[1], false);
    medsec_publisher_memory_set_link(f->behind[2], false);
    assert_int_equal(f->downs, 1);
    medsec_publisher_memory_set_link(f->behind[1], true);
    assert_int_equal(f->ups, 1);
    medsec_publisher_memory_set_link(f->behind[2], true);
    assert_int_equal(f->ups, 2);
}

/* Members have threads of their own: what was told last is true. */
static void test_linked_is_told_in_order(void **state)
{
    fixture *f = *state;
    medsec_publisher_memory_set_link(f->behind[0], false);
    f->loses_one = true;
    medsec_publisher_memory_set_link(f->behind[0], true);
    assert_int_equal(uv_thread_join(&f->loser), 0);
    assert_int_equal(f->ups, 2);
    assert_int_equal(f->downs, 2);
    assert_false(f->is_up);
}

static bool count(void *context, const medsec_message *message)
{
    *(uint64_t *)context += message->token;
    return true;
}

static void test_reclaim_from_those_that_are_down(void **state)
{
    const fixture *f = *state;
    uint64_t sum = 0;
    assert_int_equal(publish(f, 0, 1), MEDSEC_OK);
    assert_int_equal(publish(f, 1, 10), MEDSEC_OK);
    medsec_publisher_memory_set_link(f->behind[1], false);
    f->fan->ops->reclaim(f->fan, count, &sum);
    assert_int_equal(sum, 10);
    assert_int_equal(f->fan->ops->stop(f->fan, 0), MEDSEC_OK);
    f->fan->ops->reclaim(f->fan, count, &sum);
    assert_int_equal(sum, 11);
}

static void test_stats_are_sums(void **state)
{
    const fixture *f = *state;
    medsec_publisher_stats stats;
    assert_int_equal(publish(f, 0, 1), MEDSEC_OK);
    assert_int_equal(publish(f, 1, 1), MEDSEC_OK);
    medsec_publisher_memory_set_link(f->behind[2], false);
    f->fan->ops->stats(f->fan, &stats);
    assert_int_equal(stats.queued, 2);
    assert_int_equal(stats.links, 3);
    assert_int_equal(stats.links_up, 2);
    assert_false(stats.connected);
}

/* A publisher that works in loops, as far as a fan can tell. */
typedef struct worker {
    medsec_publisher base;
    unsigned attached;
    unsigned detached;
    bool refuses;
    bool hurried;
} worker;

static medsec_status work_attach(medsec_publisher *p, struct uv_loop_s *loop, uint32_t index,
                                 uint32_t loops)
{
    worker *w = (worker *)p;
    assert_null(loop);
    assert_int_equal(index, 0);
    assert_int_equal(loops, 1);
    w->attached++;
    return w->refuses ? MEDSEC_ERR_MEMORY : MEDSEC_OK;
}

static void work_detach(medsec_publisher *p, uint32_t index, uint32_t loops)
{
    (void)index;
    (void)loops;
    ((worker *)p)->detached++;
}

static bool work_hurried(medsec_publisher *p, uint32_t index, uint32_t loops)
{
    assert_int_equal(index, 0);
    assert_int_equal(loops, 1);
    return ((worker *)p)->hurried;
}

static void work_destroy(medsec_publisher *p)
{
    (void)p;
}

static const medsec_publisher_ops work_ops = {
    .attach = work_attach, .detach = work_detach, .hurried = work_hurried, .destroy = work_destroy};

static void test_attach_members_to_loops_in_turn(void **state)
{
    (void)state;
    worker w[5] = {{.attached = 0}};
    medsec_publisher *behind[5], *fan;
    for (unsigned i = 0; i < 5; i++) {
        w[i].base.ops = &work_ops;
        behind[i] = &w[i].base;
    }
    assert_int_equal(medsec_publisher_fan_create(&fan, behind, 5), MEDSEC_OK);
    assert_int_equal(fan->ops->attach(fan, NULL, 1, 2), MEDSEC_OK);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(w[i].attached, i % 2);
    }
    w[2].hurried = true; /* in the other loop */
    assert_false(fan->ops->hurried(fan, 1, 2));
    assert_true(fan->ops->hurried(fan, 0, 2));
    w[3].hurried = true;
    assert_true(fan->ops->hurried(fan, 1, 2));
    fan->ops->detach(fan, 1, 2);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(w[i].detached, i % 2);
    }
    w[4].refuses = true;
    assert_int_equal(fan->ops->attach(fan, NULL, 0, 2), MEDSEC_ERR_MEMORY);
    assert_int_equal(w[0].detached + w[2].detached, 2);
    assert_int_equal(w[4].detached, 0);
    fan->ops->destroy(fan);
}

static void test_create_nothing_or_a_hole_is_refused(void **state)
{
    (void)state;
    medsec_publisher *fan, *behind[2] = {NULL, NULL};
    assert_int_equal(medsec_publisher_fan_create(&fan, NULL, 1), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_publisher_memory_create(&behind[0], 1), MEDSEC_OK);
    assert_int_equal(medsec_publisher_fan_create(&fan, behind, 0), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_publisher_fan_create(&fan, behind, 2), MEDSEC_ERR_ARGUMENT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(test_publish_same_lane_same_member_in_order),
                                       CASE(test_publish_lanes_reach_every_member),
                                       CASE(test_pressed_when_one_member_is),
                                       CASE(test_linked_all_up_or_not),
                                       CASE(test_linked_is_told_in_order),
                                       CASE(test_reclaim_from_those_that_are_down),
                                       CASE(test_stats_are_sums),
                                       cmocka_unit_test(test_attach_members_to_loops_in_turn),
                                       cmocka_unit_test(test_create_nothing_or_a_hole_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
