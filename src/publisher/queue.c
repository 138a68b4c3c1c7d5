/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

#include <sodium.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct record {
    size_t size; /* of all, aligned */
    size_t topic_len;
    size_t payload_len;
    uint64_t token;
    uint32_t lane;
    uint8_t qos;
    bool retain;
    bool droppable;
} record;

static const size_t record_align = alignof(max_align_t);

static size_t record_size(const medsec_message *message)
{
    size_t bytes = sizeof(record) + message->topic_len + 1 + message->payload_len;
    return (bytes + record_align - 1) / record_align * record_align;
}

medsec_status medsec__queue_open(medsec__queue *queue, size_t size)
{
    memset(queue, 0, sizeof *queue);
    queue->size = size / record_align * record_align;
    queue->wrap = queue->size;
    queue->ring = malloc(queue->size);
    return queue->ring ? MEDSEC_OK : MEDSEC_ERR_MEMORY;
}

void medsec__queue_close(medsec__queue *queue)
{
    if (queue->ring) {
        sodium_memzero(queue->ring, queue->size); /* vitals */
    }
    free(queue->ring);
    memset(queue, 0, sizeof *queue);
}

/* Room for `size` bytes in one piece, by going on at the start when the end is too near. */
static bool find_room(medsec__queue *queue, size_t size)
{
    bool wrapped = queue->tail < queue->head || (queue->used > 0 && queue->tail == queue->head);
    if (wrapped) {
        return queue->head - queue->tail >= size;
    }
    if (queue->size - queue->tail >= size) {
        return true;
    }
    if (queue->head < size) {
        return false;
    }
    queue->used += queue->size - queue->tail;
    queue->wrap = queue->tail;
    if (queue->next == queue->tail) {
        queue->next = 0;
    }
    queue->tail = 0;
    return true;
}

medsec_status medsec__queue_push(medsec__queue *queue, const medsec_message *message)
{
    if (message->topic_len > queue->size || message->payload_len > queue->size) {
        return MEDSEC_ERR_LIMIT;
    }
    size_t size = record_size(message);
    if (size > queue->size) {
        return MEDSEC_ERR_LIMIT;
    }
    if (!find_room(queue, size)) {
        return MEDSEC_ERR_BUSY;
    }
    record *r = (record *)(void *)(queue->ring + queue->tail);
    *r = (record){.size = size,
                  .topic_len = message->topic_len,
                  .payload_len = message->payload_len,
                  .token = message->token,
                  .lane = message->lane,
                  .qos = message->qos,
                  .retain = message->retain,
                  .droppable = message->droppable};
    char *text = (char *)(r + 1);
    memcpy(text, message->topic, message->topic_len);
    text[message->topic_len] = '\0';
    if (message->payload_len > 0) {
        memcpy(text + message->topic_len + 1, message->payload, message->payload_len);
    }
    queue->tail += size;
    queue->peak = queue->tail > queue->peak ? queue->tail : queue->peak;
    queue->used += size;
    queue->count++;
    return MEDSEC_OK;
}

/* Where the record behind the one at `at` begins. */
static size_t step(const medsec__queue *queue, size_t at)
{
    at += ((const record *)(const void *)(queue->ring + at))->size;
    return at == queue->wrap && at != queue->tail ? 0 : at;
}

bool medsec__queue_peek(const medsec__queue *queue, medsec_message *message)
{
    if (queue->handed == queue->count) {
        return false;
    }
    const record *r = (const record *)(const void *)(queue->ring + queue->next);
    const char *text = (const char *)(r + 1);
    *message = (medsec_message){.topic = text,
                                .topic_len = r->topic_len,
                                .payload = text + r->topic_len + 1,
                                .payload_len = r->payload_len,
                                .token = r->token,
                                .lane = r->lane,
                                .qos = r->qos,
                                .retain = r->retain,
                                .droppable = r->droppable};
    return true;
}

bool medsec__queue_next(medsec__queue *queue, medsec_message *message)
{
    if (!medsec__queue_peek(queue, message)) {
        return false;
    }
    queue->next = step(queue, queue->next);
    queue->handed++;
    return true;
}

/* Whole pages, with the vitals in them. A failure costs nothing but the memory. */
static void give_back(medsec__queue *queue)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t into = (uintptr_t)queue->ring % page; /* where in its page the ring begins */
    const size_t begin = (into + MEDSEC__QUEUE_KEPT + page - 1) / page * page - into;
    const size_t end = (into + queue->peak) / page * page - into;
    if (end > begin) {
        (void)madvise(queue->ring + begin, end - begin, MADV_DONTNEED);
    }
}

/* An empty ring begins again at its start: a short queue stays in the same warm pages. */
static void restart(medsec__queue *queue)
{
    if (queue->peak > MEDSEC__QUEUE_KEPT) {
        give_back(queue);
    }
    queue->peak = 0;
    queue->head = queue->next = queue->tail = queue->used = queue->handed = 0;
    queue->wrap = queue->size;
}

bool medsec__queue_release(medsec__queue *queue)
{
    if (queue->count == 0) {
        return false;
    }
    size_t size = ((const record *)(const void *)(queue->ring + queue->head))->size;
    size_t next = step(queue, queue->head);
    if (queue->handed > 0) {
        queue->handed--;
    } else {
        queue->next = next;
    }
    queue->used -= size;
    if (next == 0) {
        queue->used -= queue->size - queue->wrap;
        queue->wrap = queue->size;
    }
    queue->head = next;
    if (--queue->count == 0) {
        restart(queue);
    }
    return true;
}

void medsec__queue_rewind(medsec__queue *queue)
{
    queue->next = queue->head;
    queue->handed = 0;
}
