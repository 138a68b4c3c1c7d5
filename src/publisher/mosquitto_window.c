/* SPDX-License-Identifier: Apache-2.0 */
#include "link_log.h"
#include "mosquitto_parts.h"

static mosq_slot *slot_at(mosq *p, uint64_t ordinal)
{
    return &p->slots[ordinal % MOSQ_SLOTS];
}

mosq_slot *medsec__mosq_claim(mosq *p, const medsec_message *m)
{
    mosq_slot *slot = slot_at(p, p->handed++);
    *slot = (mosq_slot){.token = m->token, .topic = m->topic};
    return slot;
}

/* What libmosquitto can take; it stays where it is until it is released. */
static size_t take(mosq *p, medsec_message messages[MEDSEC_MQTT_IN_FLIGHT])
{
    size_t count = 0;
    while (p->in_flight + count < p->window && p->handed + count - p->released < MOSQ_SLOTS &&
           medsec__queue_peek(&p->base.queue, &messages[count]) &&
           (count == 0 || messages[count].qos > 0)) {
        (void)medsec__queue_next(&p->base.queue, &messages[count++]);
    }
    return count;
}

static void refuse(const mosq *p, mosq_slot *slot, medsec_status status, const char *reason)
{
    slot->status = status;
    slot->done = true;
    medsec__link_log_refused(&p->base.options, slot->topic, reason);
}

/* False: the connection is of no use any more. */
static bool publish(mosq *p, const medsec_message *m, int *rc)
{
    mosq_slot *slot = medsec__mosq_claim(p, m);
    int id = 0;
    *rc = mosquitto_publish(p->handle, &id, m->topic, (int)m->payload_len, m->payload, m->qos,
                            m->retain);
    slot->id = (uint16_t)id;
    if (*rc == MOSQ_ERR_OVERSIZE_PACKET || *rc == MOSQ_ERR_QOS_NOT_SUPPORTED) {
        /* The broker said so when it accepted the connection. */
        const bool large = *rc == MOSQ_ERR_OVERSIZE_PACKET;
        refuse(p, slot, large ? MEDSEC_ERR_LIMIT : MEDSEC_ERR_REFUSED, mosquitto_strerror(*rc));
        *rc = MOSQ_ERR_SUCCESS;
    } else {
        p->in_flight++;
    }
    return *rc == MOSQ_ERR_SUCCESS;
}

size_t medsec__mosq_hand_over(mosq *p, int *rc)
{
    medsec_message messages[MEDSEC_MQTT_IN_FLIGHT];
    size_t composed = 0, count = 0;
    uv_mutex_lock(&p->base.lock);
    if (!p->reclaiming) {
        composed = medsec__mosq_compose(p);
        count = composed == 0 ? take(p, messages) : 0;
    }
    p->is_due = p->base.queue.handed < p->base.queue.count;
    uv_mutex_unlock(&p->base.lock);
    for (size_t i = 0; i < count; i++) {
        if (!publish(p, &messages[i], rc)) {
            break;
        }
    }
    return composed + count;
}

/* The oldest first: that is what is mostly reported. Our own state has an id that is not there. */
void medsec__mosq_settle(mosq *p, int id, int code)
{
    uint64_t i = p->released;
    while (i < p->handed && (slot_at(p, i)->done || slot_at(p, i)->id != id)) {
        i++;
    }
    if (i == p->handed) {
        return;
    }
    mosq_slot *slot = slot_at(p, i);
    slot->done = true;
    p->in_flight--;
    if (code >= MOSQ_REFUSES) {
        refuse(p, slot, MEDSEC_ERR_REFUSED, medsec__mqtt_refusal(code));
    }
}

void medsec__mosq_release(mosq *p)
{
    const mosq_slot *slot = slot_at(p, p->released);
    medsec__mqtt_report r;
    r.count = 0;
    if (p->released == p->handed || !slot->done) {
        return;
    }
    uv_mutex_lock(&p->base.lock);
    while (p->released < p->handed && slot->done) {
        medsec__mqtt_client_release(&p->base, &r, slot->token, slot->status);
        slot = slot_at(p, ++p->released);
    }
    medsec__mqtt_client_relieve(&p->base, &r);
    uv_mutex_unlock(&p->base.lock);
    medsec__mqtt_client_tell(&p->base, &r);
}

void medsec__mosq_rewind(mosq *p)
{
    medsec__queue_rewind(&p->base.queue);
    p->handed = p->released;
    p->in_flight = p->out_len = p->out_sent = 0;
}
