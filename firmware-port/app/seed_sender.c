/* SPDX-License-Identifier: Apache-2.0 */
#include "seed_sender.h"

#include "sensors.h"

#include "core/big_endian.h"

#include <medsec/message.h>
#include <string.h>

enum { SENDER_IDLE, SENDER_CONNECTING, SENDER_CONNECTED };

#define PICO (&medsec_profile_pico_vitals)
#define NEVER UINT64_MAX

medsec_status seed_sender_open(seed_sender *sender, const seed_sender_options *options,
                               uint64_t now_ms)
{
    const medsec_credential *credential = options->credential;
    if (credential->wire != MEDSEC_WIRE_SEED || options->ring_len < SEED_SENDER_SLOT_LEN ||
        PICO->count != SEED_SENDER_VITALS) {
        return MEDSEC_ERR_ARGUMENT;
    }
    memset(sender, 0, sizeof *sender);
    sender->crypto = options->crypto;
    sender->random = options->random;
    sender->random_context = options->random_context;
    sender->ring = options->ring;
    sender->slots = options->ring_len / SEED_SENDER_SLOT_LEN;
    sender->backoff_ms = MEDSEC_DEVICE_BACKOFF_MIN_MS;
    sender->retry_ms = now_ms;
    memcpy(sender->iv, credential->iv, sizeof sender->iv);
    return medsec_aes_cbc_open(&sender->aes, options->crypto, MEDSEC_ENCRYPT, credential->key);
}

/* The slot that is `index` behind the oldest. */
static uint8_t *slot_at(const seed_sender *sender, size_t index)
{
    return sender->ring + (sender->oldest + index) % sender->slots * SEED_SENDER_SLOT_LEN;
}

static void let_go(seed_sender *sender, size_t count)
{
    sender->oldest = (sender->oldest + count) % sender->slots;
    sender->count -= count;
}

void seed_sender_sample(seed_sender *sender, const medsec_reading *reading)
{
    medsec_sample sample;
    if (medsec_sample_from_reading(&sample, PICO, reading) != MEDSEC_OK ||
        sample.present != (1u << SEED_SENDER_VITALS) - 1) {
        sender->incomplete++;
        return;
    }
    if (sender->count == sender->slots) {
        let_go(sender, 1);
        sender->sending -= sender->sending > 0 ? 1 : 0;
        sender->dropped++;
    }
    memcpy(slot_at(sender, sender->count), sample.value, SEED_SENDER_SLOT_LEN);
    sender->count++;
}

void seed_sender_connected(seed_sender *sender)
{
    sender->state = SENDER_CONNECTED;
}

void seed_sender_sent(seed_sender *sender)
{
    let_go(sender, sender->sending);
    sender->sending = 0;
    sender->backoff_ms = MEDSEC_DEVICE_BACKOFF_MIN_MS;
}

/* As the other wire's: half of it to the whole, doubling, until something was sent. */
void seed_sender_disconnected(seed_sender *sender, uint64_t now_ms)
{
    uint8_t bytes[4];
    uint32_t pause_ms = sender->backoff_ms;
    sender->random(sender->random_context, bytes, sizeof bytes);
    sender->retry_ms =
        now_ms + pause_ms - (uint32_t)medsec__load_be(bytes, sizeof bytes) % (pause_ms / 2 + 1);
    sender->backoff_ms =
        pause_ms < MEDSEC_DEVICE_BACKOFF_MAX_MS / 2 ? 2 * pause_ms : MEDSEC_DEVICE_BACKOFF_MAX_MS;
    sender->state = SENDER_IDLE;
}

bool seed_sender_is_connected(const seed_sender *sender)
{
    return sender->state == SENDER_CONNECTED;
}

/* The frame of one reading; its length, or 0: it cannot be sent. */
static size_t write_frame(seed_sender *sender, size_t index, char *out, size_t cap)
{
    char text[MEDSEC_SEED_BLOCK_HEX_LEN * 6];
    size_t text_len = 0;
    size_t len = 0;
    medsec_reading reading;
    medsec_sample sample = {.present = (1u << SEED_SENDER_VITALS) - 1};
    memcpy(sample.value, slot_at(sender, index), SEED_SENDER_SLOT_LEN);
    medsec_sample_to_reading(&reading, PICO, &sample);
    sensors_print_as_seed(&reading);
    medsec_status status = medsec_reading_write_seed(text, sizeof text, &text_len, PICO, &reading);
    if (status == MEDSEC_OK) {
        status = medsec_seed_frame_encode(out, cap, &len, &sender->aes, MEDSEC_SEED_CHAINED,
                                          sender->iv, text, text_len);
    }
    sender->crypto->wipe(text, sizeof text);
    return status == MEDSEC_OK ? len : 0;
}

/* As many whole frames as there is room for. */
static size_t write_frames(seed_sender *sender, char *out, size_t cap)
{
    size_t len = 0;
    sender->sending = 0;
    while (sender->sending < sender->count && cap - len >= SEED_SENDER_FRAME_MAX) {
        size_t frame_len = write_frame(sender, sender->sending, out + len, cap - len);
        if (frame_len == 0) {
            break;
        }
        len += frame_len;
        sender->sending++;
    }
    return len;
}

void seed_sender_poll(seed_sender *sender, uint64_t now_ms, char *out, size_t cap,
                      medsec_step *step)
{
    *step = (medsec_step){.type = MEDSEC_STEP_WAIT, .until_ms = NEVER};
    if (sender->count == 0) {
        return;
    }
    if (sender->state == SENDER_IDLE) {
        if (now_ms < sender->retry_ms) {
            step->until_ms = sender->retry_ms;
            return;
        }
        sender->state = SENDER_CONNECTING;
        step->type = MEDSEC_STEP_CONNECT;
    } else if (sender->state == SENDER_CONNECTED && cap >= SEED_SENDER_FRAME_MAX) {
        step->len = write_frames(sender, out, cap);
        step->type = step->len > 0 ? MEDSEC_STEP_SEND : MEDSEC_STEP_WAIT;
    }
}
