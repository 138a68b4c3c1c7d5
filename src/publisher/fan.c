/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/publisher.h>

#include <stdlib.h>
#include <uv.h>

/* One broker connection of several, and what it says. */
typedef struct member {
    struct fan *fan;
    medsec_publisher *publisher;
    medsec_publisher_listener listener;
    bool up;
} member;

typedef struct fan {
    medsec_publisher base;
    const medsec_publisher_listener *listener;
    uv_mutex_t lock; /* of `up`, here and there; held while the listener is told: in order */
    uint32_t up; /* how many members are linked */
    uint32_t count;
    member members[];
} fan;

static void on_durable(void *context, uint64_t token, medsec_status status)
{
    const medsec_publisher_listener *l = ((member *)context)->fan->listener;
    if (l->durable) {
        l->durable(l->context, token, status);
    }
}

/* Some other member may still be pressed: whoever reads on will see. */
static void on_relieved(void *context)
{
    const medsec_publisher_listener *l = ((member *)context)->fan->listener;
    if (l->relieved) {
        l->relieved(l->context);
    }
}

static void on_linked(void *context, bool up)
{
    member *m = context;
    fan *f = m->fan;
    uv_mutex_lock(&f->lock);
    if (m->up != up) {
        const bool all_before = f->up == f->count;
        m->up = up;
        f->up = up ? f->up + 1 : f->up - 1;
        const bool all_now = f->up == f->count;
        if (f->listener->linked && all_before != all_now) {
            f->listener->linked(f->listener->context, all_now);
        }
    }
    uv_mutex_unlock(&f->lock);
}

static void on_received(void *context, const char *topic, size_t topic_len, const uint8_t *payload,
                        size_t payload_len)
{
    const medsec_publisher_listener *l = ((member *)context)->fan->listener;
    if (l->received) {
        l->received(l->context, topic, topic_len, payload, payload_len);
    }
}

static medsec_status fan_start(medsec_publisher *publisher,
                               const medsec_publisher_listener *listener)
{
    fan *f = (fan *)publisher;
    if (!listener) {
        return MEDSEC_ERR_ARGUMENT;
    }
    f->listener = listener;
    for (uint32_t i = 0; i < f->count; i++) {
        medsec_publisher *p = f->members[i].publisher;
        medsec_status status = p->ops->start(p, &f->members[i].listener);
        while (status != MEDSEC_OK && i > 0) {
            p = f->members[--i].publisher;
            (void)p->ops->stop(p, 0);
        }
        if (status != MEDSEC_OK) {
            return status;
        }
    }
    return MEDSEC_OK;
}

static medsec_status fan_publish(medsec_publisher *publisher, const medsec_message *message)
{
    const fan *f = (const fan *)publisher;
    medsec_publisher *p = f->members[message->lane % f->count].publisher;
    return p->ops->publish(p, message);
}

static medsec_status fan_subscribe(medsec_publisher *publisher, const char *filter)
{
    medsec_publisher *first = ((fan *)publisher)->members[0].publisher;
    return first->ops->subscribe ? first->ops->subscribe(first, filter) : MEDSEC_OK;
}

static bool fan_pressed(medsec_publisher *publisher, bool droppable)
{
    const fan *f = (const fan *)publisher;
    for (uint32_t i = 0; i < f->count; i++) {
        medsec_publisher *p = f->members[i].publisher;
        if (p->ops->pressed(p, droppable)) {
            return true;
        }
    }
    return false;
}

static void add(medsec_publisher_stats *sum, const medsec_publisher_stats *one)
{
    sum->published += one->published;
    sum->busy += one->busy;
    sum->refused += one->refused;
    sum->lost += one->lost;
    sum->connects += one->connects;
    sum->queued += one->queued;
    sum->queued_bytes += one->queued_bytes;
    sum->links += one->links;
    sum->links_up += one->links_up;
    sum->mqtt_version = one->mqtt_version;
    sum->trouble = sum->trouble ? sum->trouble : one->trouble;
}

static void fan_stats(medsec_publisher *publisher, medsec_publisher_stats *stats)
{
    const fan *f = (const fan *)publisher;
    *stats = (medsec_publisher_stats){.links = 0};
    for (uint32_t i = 0; i < f->count; i++) {
        medsec_publisher *p = f->members[i].publisher;
        medsec_publisher_stats one;
        p->ops->stats(p, &one);
        add(stats, &one);
    }
    stats->connected = stats->links_up == stats->links;
}

static void detach_until(const fan *f, uint32_t end, uint32_t index, uint32_t count)
{
    for (uint32_t i = index; i < end; i += count) {
        medsec_publisher *p = f->members[i].publisher;
        if (p->ops->detach) {
            p->ops->detach(p, 0, 1);
        }
    }
}

static medsec_status fan_attach(medsec_publisher *publisher, struct uv_loop_s *loop, uint32_t index,
                                uint32_t count)
{
    const fan *f = (const fan *)publisher;
    for (uint32_t i = index; i < f->count; i += count) {
        medsec_publisher *p = f->members[i].publisher;
        medsec_status status = p->ops->attach ? p->ops->attach(p, loop, 0, 1) : MEDSEC_OK;
        if (status != MEDSEC_OK) {
            detach_until(f, i, index, count);
            return status;
        }
    }
    return MEDSEC_OK;
}

static void fan_detach(medsec_publisher *publisher, uint32_t index, uint32_t count)
{
    const fan *f = (const fan *)publisher;
    detach_until(f, f->count, index, count);
}

static bool fan_hurried(medsec_publisher *publisher, uint32_t index, uint32_t count)
{
    const fan *f = (const fan *)publisher;
    for (uint32_t i = index; i < f->count; i += count) {
        medsec_publisher *p = f->members[i].publisher;
        if (p->ops->hurried && p->ops->hurried(p, 0, 1)) {
            return true;
        }
    }
    return false;
}

static void fan_reclaim(medsec_publisher *publisher, medsec_reclaim_fn *take, void *context)
{
    const fan *f = (const fan *)publisher;
    for (uint32_t i = 0; i < f->count; i++) {
        medsec_publisher *p = f->members[i].publisher;
        if (p->ops->reclaim) {
            p->ops->reclaim(p, take, context);
        }
    }
}

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static medsec_status fan_stop(medsec_publisher *publisher, uint32_t timeout_ms)
{
    const fan *f = (const fan *)publisher;
    const uint64_t end = now_ms() + timeout_ms;
    medsec_status status = MEDSEC_OK;
    for (uint32_t i = 0; i < f->count; i++) {
        medsec_publisher *p = f->members[i].publisher;
        const uint64_t now = now_ms();
        medsec_status one = p->ops->stop(p, now < end ? (uint32_t)(end - now) : 0);
        status = status == MEDSEC_OK ? one : status;
    }
    return status;
}

static void destroy_all(medsec_publisher *const *behind, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (behind[i]) {
            behind[i]->ops->destroy(behind[i]);
        }
    }
}

static void fan_destroy(medsec_publisher *publisher)
{
    fan *f = (fan *)publisher;
    for (uint32_t i = 0; i < f->count; i++) {
        destroy_all(&f->members[i].publisher, 1);
    }
    uv_mutex_destroy(&f->lock);
    free(f);
}

static const medsec_publisher_ops fan_ops = {.start = fan_start,
                                             .publish = fan_publish,
                                             .subscribe = fan_subscribe,
                                             .pressed = fan_pressed,
                                             .stats = fan_stats,
                                             .attach = fan_attach,
                                             .detach = fan_detach,
                                             .hurried = fan_hurried,
                                             .reclaim = fan_reclaim,
                                             .stop = fan_stop,
                                             .destroy = fan_destroy};

static void join(fan *f, uint32_t i, medsec_publisher *publisher)
{
    member *m = &f->members[i];
    m->fan = f;
    m->publisher = publisher;
    m->listener = (medsec_publisher_listener){.context = m,
                                              .durable = on_durable,
                                              .relieved = on_relieved,
                                              .linked = on_linked,
                                              .received = on_received};
}

static bool are_all(medsec_publisher *const *behind, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!behind[i]) {
            return false;
        }
    }
    return count > 0;
}

medsec_status medsec_publisher_fan_create(medsec_publisher **publisher,
                                          medsec_publisher *const *behind, uint32_t count)
{
    if (!behind) {
        return MEDSEC_ERR_ARGUMENT;
    }
    bool usable = publisher && are_all(behind, count);
    fan *f = usable ? calloc(1, sizeof *f + count * sizeof *f->members) : NULL;
    if (!f || uv_mutex_init(&f->lock) != 0) {
        free(f);
        destroy_all(behind, count);
        return usable ? MEDSEC_ERR_MEMORY : MEDSEC_ERR_ARGUMENT;
    }
    f->base.ops = &fan_ops;
    f->count = count;
    for (uint32_t i = 0; i < count; i++) {
        join(f, i, behind[i]);
    }
    *publisher = &f->base;
    return MEDSEC_OK;
}
