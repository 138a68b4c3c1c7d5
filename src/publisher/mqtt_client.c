/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt_client.h"
#include "mqtt_message.h"

#include <stdlib.h>
#include <string.h>

medsec_status medsec__mqtt_client_open(medsec__mqtt_client *client, const medsec_publisher_ops *ops,
                                       void (*on_queued)(medsec__mqtt_client *client),
                                       const medsec_mqtt_options *options)
{
    medsec_status status = medsec__mqtt_options_copy(&client->options, options);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (uv_mutex_init(&client->lock) != 0) {
        medsec__mqtt_options_free(&client->options);
        return MEDSEC_ERR_MEMORY;
    }
    client->publisher.ops = ops;
    client->on_queued = on_queued;
    status =
        medsec__queue_open(&client->queue, client->options.queue_bytes + MEDSEC_MQTT_QUEUE_SLACK);
    if (status != MEDSEC_OK) {
        medsec__mqtt_client_close(client);
    }
    return status;
}

void medsec__mqtt_client_close(medsec__mqtt_client *client)
{
    if (client->queue.count > 0) {
        medsec_log_write(client->options.log, MEDSEC_LOG_ERROR, "messages-lost",
                         MEDSEC_LOG_INT("messages", client->queue.count));
    }
    medsec__queue_close(&client->queue);
    uv_mutex_destroy(&client->lock);
    medsec__mqtt_options_free(&client->options);
    free(client->filter);
}

medsec_status medsec__mqtt_client_start(medsec__mqtt_client *client,
                                        const medsec_publisher_listener *listener)
{
    if (!listener) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (client->listener) {
        return MEDSEC_ERR_STATE;
    }
    client->listener = listener;
    client->started = true;
    return MEDSEC_OK;
}

medsec_status medsec__mqtt_client_end(medsec__mqtt_client *client)
{
    client->started = false;
    return client->queue.count > 0 ? MEDSEC_ERR_TIMEOUT : MEDSEC_OK;
}

medsec_status medsec__mqtt_client_publish(medsec_publisher *publisher,
                                          const medsec_message *message)
{
    medsec__mqtt_client *c = (medsec__mqtt_client *)publisher;
    medsec_status status = medsec__mqtt_message_check(message);
    if (status != MEDSEC_OK) {
        return status;
    }
    uv_mutex_lock(&c->lock);
    status = c->stopping ? MEDSEC_ERR_STATE : medsec__queue_push(&c->queue, message);
    if (status == MEDSEC_OK) {
        c->on_queued(c);
    } else if (status == MEDSEC_ERR_BUSY) {
        c->counts.busy++;
    }
    if (c->queue.used >= c->options.queue_bytes) {
        c->is_pressed = true;
    }
    uv_mutex_unlock(&c->lock);
    return status;
}

medsec_status medsec__mqtt_client_subscribe(medsec_publisher *publisher, const char *filter)
{
    medsec__mqtt_client *c = (medsec__mqtt_client *)publisher;
    if (!filter) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (c->listener || c->filter) {
        return MEDSEC_ERR_STATE;
    }
    c->filter = strdup(filter);
    return c->filter ? MEDSEC_OK : MEDSEC_ERR_MEMORY;
}

bool medsec__mqtt_client_pressed(medsec_publisher *publisher, bool droppable)
{
    (void)droppable;
    return ((medsec__mqtt_client *)publisher)->is_pressed;
}

void medsec__mqtt_client_stats(medsec_publisher *publisher, medsec_publisher_stats *stats)
{
    medsec__mqtt_client *c = (medsec__mqtt_client *)publisher;
    uv_mutex_lock(&c->lock);
    *stats = c->counts;
    stats->queued = c->queue.count;
    stats->queued_bytes = c->queue.used;
    stats->links = 1;
    stats->links_up = c->linked ? 1 : 0;
    stats->connected = c->linked;
    stats->trouble = c->linked ? NULL : c->counts.trouble;
    uv_mutex_unlock(&c->lock);
}

void medsec__mqtt_client_release(medsec__mqtt_client *client, medsec__mqtt_report *report,
                                 uint64_t token, medsec_status status)
{
    (void)medsec__queue_release(&client->queue);
    if (status == MEDSEC_OK) {
        client->counts.published++;
    } else {
        client->counts.refused++;
    }
    if (token != 0) {
        report->durable[report->count].token = token;
        report->durable[report->count++].status = status;
    }
}

void medsec__mqtt_client_relieve(medsec__mqtt_client *client, medsec__mqtt_report *report)
{
    report->relieved = client->is_pressed && client->queue.used <= client->options.queue_bytes / 2;
    if (report->relieved) {
        client->is_pressed = false;
    }
}

void medsec__mqtt_client_tell(const medsec__mqtt_client *client, const medsec__mqtt_report *report)
{
    const medsec_publisher_listener *l = client->listener;
    for (size_t i = 0; l->durable && i < report->count; i++) {
        l->durable(l->context, report->durable[i].token, report->durable[i].status);
    }
    if (l->relieved && report->relieved) {
        l->relieved(l->context);
    }
}

void medsec__mqtt_client_tell_linked(const medsec__mqtt_client *client, bool up)
{
    const medsec_publisher_listener *l = client->listener;
    if (l->linked) {
        l->linked(l->context, up);
    }
}

void medsec__mqtt_client_tell_received(const medsec__mqtt_client *client, const char *topic,
                                       size_t topic_len, const void *payload, int payload_len,
                                       bool retained)
{
    const medsec_publisher_listener *l = client->listener;
    if (l->received && !retained && payload_len >= 0) {
        l->received(l->context, topic, topic_len, payload, (size_t)payload_len);
    }
}

/* A message stays where it is meanwhile: only the tail of the queue moves. */
void medsec__mqtt_client_give_back(medsec__mqtt_client *client, medsec_reclaim_fn *take,
                                   void *context)
{
    medsec_message m;
    bool taken = true;
    while (taken && medsec__queue_next(&client->queue, &m)) {
        uv_mutex_unlock(&client->lock);
        taken = take(context, &m);
        uv_mutex_lock(&client->lock);
        if (taken) {
            (void)medsec__queue_release(&client->queue);
        }
    }
    medsec__queue_rewind(&client->queue);
}
