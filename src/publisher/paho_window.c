/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_socket.h"
#include "link_log.h"
#include "paho.h"

bool medsec__paho_must_start(const paho *p)
{
    return p->link == PAHO_UP && !p->pumping && p->handed == p->released && p->base.queue.count > 0;
}

static void release_settled(paho *p, medsec__mqtt_report *r)
{
    const paho_slot *slot = &p->slots[p->released % MEDSEC_MQTT_IN_FLIGHT];
    while (p->released < p->handed && slot->done) {
        medsec__mqtt_client_release(&p->base, r, slot->token, slot->status);
        slot = &p->slots[++p->released % MEDSEC_MQTT_IN_FLIGHT];
    }
    medsec__mqtt_client_relieve(&p->base, r);
}

/* Paho hears of a PUBACK in one thread and sends in another: refill by the half then. QoS 0 is
 * reported where it is sent; and a send is what wakes paho after it could not write. */
static bool must_refill(const paho *p, uint8_t qos)
{
    return qos == 0 || p->handed - p->released <= p->window / 2;
}

static void set_corked(paho *p, bool on)
{
    if (p->corked != on) {
        medsec__broker_cork(p->fd, on);
    }
    p->corked = on;
}

/* Lock held. */
static void finish(paho_slot *slot, medsec_status status, medsec__mqtt_report *r)
{
    r->count = 0;
    slot->done = true;
    slot->status = status;
    release_settled(slot->owner, r);
}

static void settle(paho_slot *slot, medsec_status status)
{
    paho *p = slot->owner;
    medsec__mqtt_report r;
    uv_mutex_lock(&p->base.lock);
    uint8_t qos = slot->qos;
    finish(slot, status, &r);
    if (must_refill(p, qos)) {
        medsec__paho_pump(p, false);
    }
    if (p->handed == p->released) {
        set_corked(p, false);
    }
    if (p->base.stopping) {
        uv_cond_broadcast(&p->changed);
    }
    uv_mutex_unlock(&p->base.lock);
    medsec__mqtt_client_tell(&p->base, &r);
}

static void on_sent5(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    settle(context, MEDSEC_OK);
}

static void on_sent(void *context, MQTTAsync_successData *data)
{
    (void)data;
    settle(context, MEDSEC_OK);
}

/* False: given back meanwhile; what its topic was may be something else by now. Lock held. */
static bool is_under_way(const paho *p, const paho_slot *slot)
{
    const uint64_t place = (uint64_t)(slot - p->slots) + MEDSEC_MQTT_IN_FLIGHT;
    const uint64_t oldest = p->released % MEDSEC_MQTT_IN_FLIGHT;
    return (place - oldest) % MEDSEC_MQTT_IN_FLIGHT < p->handed - p->released;
}

/* Lock held. */
static void log_refused(const paho_slot *slot, int reason)
{
    const paho *p = slot->owner;
    if (is_under_way(p, slot)) {
        medsec__link_log_refused(&p->base.options, slot->topic, medsec__mqtt_refusal(reason));
    }
}

/* The broker refuses this message. (A lost connection comes here too: that is not the end of it.)
 * The topic is in the queue, which keeps it until the message is settled. */
static void on_refused5(void *context, MQTTAsync_failureData5 *data)
{
    paho_slot *slot = context;
    if (data->reasonCode >= MQTTREASONCODE_UNSPECIFIED_ERROR) {
        paho *p = slot->owner;
        uv_mutex_lock(&p->base.lock);
        log_refused(slot, (int)data->reasonCode);
        uv_mutex_unlock(&p->base.lock);
        settle(slot, MEDSEC_ERR_REFUSED);
    }
}

/* A PUBLISH of MQTT 5 without properties: section 3.3. A broker would hang up on it, and again. */
static bool is_too_large(const paho *p, const medsec_message *m)
{
    size_t length = 2 + m->topic_len + (m->qos > 0 ? 2 : 0) + 1 + m->payload_len;
    size_t head = 2;
    for (size_t rest = length >> 7; rest > 0; rest >>= 7) {
        head++;
    }
    return head + length > p->packet_max;
}

/* By the pump, which goes on itself. */
static void refuse_too_large(paho_slot *slot)
{
    paho *p = slot->owner;
    medsec__mqtt_report r;
    uv_mutex_lock(&p->base.lock);
    log_refused(slot, MQTTREASONCODE_PACKET_TOO_LARGE);
    finish(slot, MEDSEC_ERR_LIMIT, &r);
    if (p->handed == p->released) {
        set_corked(p, false);
    }
    uv_mutex_unlock(&p->base.lock);
    medsec__mqtt_client_tell(&p->base, &r);
}

static int hand_over(const paho *p, paho_slot *slot, const medsec_message *m)
{
    if (is_too_large(p, m)) {
        refuse_too_large(slot);
        return MQTTASYNC_SUCCESS;
    }
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    response.context = slot;
    if (p->version == MQTTVERSION_5) {
        response.onSuccess5 = on_sent5;
        response.onFailure5 = on_refused5;
    } else {
        response.onSuccess = on_sent;
    }
    return MQTTAsync_send(p->handle, m->topic, (int)m->payload_len, m->payload, m->qos, m->retain,
                          &response);
}

static paho_slot *claim_slot(paho *p, const medsec_message *m)
{
    paho_slot *slot = &p->slots[p->handed++ % MEDSEC_MQTT_IN_FLIGHT];
    *slot = (paho_slot){
        .owner = p, .token = m->token, .topic = m->topic, .qos = m->qos, .status = MEDSEC_OK};
    return slot;
}

void medsec__paho_pump(paho *p, bool starting)
{
    if (p->pumping) {
        return;
    }
    p->pumping = true;
    medsec_message m;
    bool enough = false;
    while (!enough && p->link == PAHO_UP && p->handed - p->released < p->window &&
           medsec__queue_next(&p->base.queue, &m)) {
        paho_slot *slot = claim_slot(p, &m);
        enough = starting && m.qos == 0;
        /* Of QoS 0 the end of a run is known, and the cork drawn then; QoS 1 must not wait. */
        set_corked(p, m.qos == 0 && (p->corked || p->handed - p->released == 1));
        uv_mutex_unlock(&p->base.lock);
        int rc = hand_over(p, slot, &m);
        uv_mutex_lock(&p->base.lock);
        if (rc != MQTTASYNC_SUCCESS) {
            p->link = PAHO_DOWN;
        }
    }
    p->pumping = false;
    if (p->link != PAHO_UP) {
        uv_cond_broadcast(&p->changed);
    }
}

void medsec__paho_rewind(paho *p)
{
    medsec__queue_rewind(&p->base.queue);
    p->handed = p->released;
}

/* A late report of a message that was under way finds an empty window, and is nothing. */
void medsec__paho_reclaim(paho *p, medsec_reclaim_fn *take, void *context)
{
    medsec__mqtt_report r;
    r.count = 0;
    uv_mutex_lock(&p->base.lock);
    /* The end of a pump is told only while the link is down. */
    while (p->pumping && p->link != PAHO_UP) {
        uv_cond_wait(&p->changed, &p->base.lock);
    }
    if (p->link == PAHO_UP) {
        uv_mutex_unlock(&p->base.lock);
        return;
    }
    p->pumping = true;
    medsec__paho_rewind(p);
    medsec__mqtt_client_give_back(&p->base, take, context);
    p->pumping = false;
    medsec__mqtt_client_relieve(&p->base, &r);
    uv_cond_broadcast(&p->changed);
    uv_mutex_unlock(&p->base.lock);
    medsec__mqtt_client_tell(&p->base, &r);
}
