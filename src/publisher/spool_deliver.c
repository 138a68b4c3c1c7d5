/* SPDX-License-Identifier: Apache-2.0 */
#include "spool.h"

#define ROUND 256u /* records; then the disk is looked after */
#define REFUSED_NS 10000000000u /* until a message that the broker refused is tried again */
#define GIVEN_BACK_NS 1000000000u

static medsec__spool_slot *slot_at(const medsec__spool *s, uint64_t index)
{
    return &s->slots[index % MEDSEC__SPOOL_WINDOW];
}

void medsec__spool_unsend(medsec__spool *s, uint64_t token)
{
    atomic_store(&slot_at(s, token & ~MEDSEC__SPOOL_OWN)->state, MEDSEC__SPOOL_UNSENT);
    atomic_store(&s->resend, true);
}

/* One that nobody will ever take. */
static void lose(medsec__spool *s, medsec__spool_slot *slot, medsec_status status)
{
    s->lost++;
    atomic_store(&slot->state, MEDSEC__SPOOL_DONE);
    medsec_log_write(s->log, MEDSEC_LOG_ERROR, "messages-lost", MEDSEC_LOG_INT("messages", 1),
                     MEDSEC_LOG_STR("reason", medsec_status_word(status)));
}

void medsec__spool_confirm(medsec__spool *s, uint64_t token, medsec_status status)
{
    if (status == MEDSEC_OK) {
        atomic_store(&slot_at(s, token & ~MEDSEC__SPOOL_OWN)->state, MEDSEC__SPOOL_DONE);
        return;
    }
    if (status == MEDSEC_ERR_LIMIT) { /* nor will what is behind it wait for ever */
        lose(s, slot_at(s, token & ~MEDSEC__SPOOL_OWN), status);
        return;
    }
    const uint64_t wait = status == MEDSEC_ERR_REFUSED ? REFUSED_NS : GIVEN_BACK_NS;
    medsec_log_write(s->log, MEDSEC_LOG_WARN, "spool-paused",
                     MEDSEC_LOG_STR("reason", medsec_status_word(status)),
                     MEDSEC_LOG_INT("retry_ms", wait / 1000000));
    atomic_store(&s->paused_until_ns, uv_hrtime() + wait);
    medsec__spool_unsend(s, token);
    atomic_store(&s->direct, false);
    medsec__spool_poke(s);
}

void medsec__spool_retire(medsec__spool *s, bool whole)
{
    const uint64_t tail = atomic_load(&s->tail);
    uint64_t head = atomic_load(&s->head);
    for (; head < tail && atomic_load(&slot_at(s, head)->state) == MEDSEC__SPOOL_DONE; head++) {
        const medsec__spool_slot *slot = slot_at(s, head);
        medsec__spool_disk_settle(&s->disk, slot->kind, slot->sequence);
        s->delivered++;
    }
    atomic_store(&s->head, head);
    s->cursor = s->cursor > head ? s->cursor : head;
    const uint64_t done = head < tail ? slot_at(s, head)->sequence : s->handed + 1;
    medsec__spool_disk_trim(&s->disk, done, whole);
}

/* Begins again with the oldest that is not confirmed; those that did not come back are skipped. */
static void go_back(medsec__spool *s)
{
    const uint64_t head = atomic_load(&s->head);
    if (head < atomic_load(&s->tail)) {
        medsec__spool_disk_seek(&s->disk, slot_at(s, head)->sequence);
        s->cursor = head;
    }
}

/* Up to the slot of this record. What came back and is no longer on disk is done with. */
static void follow(medsec__spool *s, uint64_t sequence)
{
    const uint64_t tail = atomic_load(&s->tail);
    for (; s->cursor < tail && slot_at(s, s->cursor)->sequence < sequence; s->cursor++) {
        int unsent = MEDSEC__SPOOL_UNSENT;
        (void)atomic_compare_exchange_strong(&slot_at(s, s->cursor)->state, &unsent,
                                             MEDSEC__SPOOL_DONE);
    }
}

static medsec_status peek(medsec__spool *s, medsec__spool_record *record)
{
    medsec_status status = medsec__spool_disk_peek(&s->disk, record);
    if (status != MEDSEC_ERR_IO) {
        follow(s, status == MEDSEC_OK ? record->sequence : UINT64_MAX);
    }
    return status;
}

bool medsec__spool_all_handed(medsec__spool *s)
{
    medsec__spool_record record;
    return !atomic_load(&s->resend) && s->cursor == atomic_load(&s->tail) &&
           peek(s, &record) == MEDSEC_ERR_NOT_FOUND;
}

/* The slot for a record; NULL: no room for it now. */
static medsec__spool_slot *choose_slot(medsec__spool *s, const medsec__spool_record *record)
{
    const uint64_t tail = atomic_load(&s->tail);
    if (s->cursor < tail) {
        return slot_at(s, s->cursor);
    }
    if (tail - atomic_load(&s->head) == MEDSEC__SPOOL_WINDOW) {
        return NULL;
    }
    medsec__spool_slot *slot = slot_at(s, tail);
    slot->sequence = record->sequence;
    slot->kind = record->kind;
    atomic_store(&slot->state, MEDSEC__SPOOL_UNSENT);
    atomic_store(&s->tail, tail + 1);
    return slot;
}

/* While what came back is read again: those between it were not to be sent again. */
static bool was_handed(const medsec__spool *s, const medsec__spool_record *record)
{
    return record->sequence <= s->handed && (s->cursor == atomic_load(&s->tail) ||
                                             slot_at(s, s->cursor)->sequence != record->sequence);
}

/* False: not now. */
static bool hand_over(medsec__spool *s, medsec__spool_record *record)
{
    if (was_handed(s, record)) {
        medsec__spool_disk_take(&s->disk, record);
        return true;
    }
    medsec__spool_slot *slot = choose_slot(s, record);
    if (!slot) {
        return false;
    }
    if (atomic_load(&slot->state) == MEDSEC__SPOOL_UNSENT) {
        record->message.token = MEDSEC__SPOOL_OWN | s->cursor;
        atomic_store(&slot->state, MEDSEC__SPOOL_SENT);
        medsec_status status = s->behind->ops->publish(s->behind, &record->message);
        if (status == MEDSEC_ERR_BUSY || status == MEDSEC_ERR_MEMORY ||
            status == MEDSEC_ERR_STATE) {
            atomic_store(&slot->state, MEDSEC__SPOOL_UNSENT);
            return false;
        }
        if (status != MEDSEC_OK) {
            lose(s, slot, status);
        }
    }
    medsec__spool_disk_take(&s->disk, record);
    s->handed = record->sequence > s->handed ? record->sequence : s->handed;
    s->cursor++;
    return true;
}

bool medsec__spool_deliver(medsec__spool *s)
{
    if (!atomic_load(&s->linked) || s->went_through ||
        uv_hrtime() < atomic_load(&s->paused_until_ns)) {
        return false;
    }
    if (atomic_exchange(&s->resend, false)) {
        go_back(s);
    }
    medsec__spool_record record;
    for (unsigned i = 0; i < ROUND; i++) {
        if (s->behind->ops->pressed(s->behind, false) || peek(s, &record) != MEDSEC_OK ||
            !hand_over(s, &record)) {
            return i > 0;
        }
    }
    return true;
}
