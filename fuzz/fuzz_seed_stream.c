/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session takes a stream whole and in pieces, and gives the same events. Input: one byte that
 * chooses what the rest is, one that gives the size of the pieces, then
 *  - the stream as it stands, or
 *  - plaintexts, one a line, that are encrypted into frames (a fuzzer finds no AES block by
 * itself), in one chaining or the other, under a registered key or not. Nothing may come out unless
 * a registered key decrypts it.
 */
#include <medsec/session.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STREAM_MAX = 1 << 15, EVENTS_MAX = 1 << 16 };

enum { AS_IT_STANDS = 0, PER_BLOCK = 1, CHAINED = 2, UNKNOWN_KEY = 3, MODES = 4 };

#define PICO (&medsec_profile_pico_vitals)

static const uint8_t KEY[] = "a registered key";
static const uint8_t OTHER[] = "nobody has that.";
static const uint8_t IV[] = "a vector as well";

typedef struct events {
    char text[EVENTS_MAX];
    size_t len;
    size_t readings;
    medsec_status last;
    bool boundary;
} events;

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

/* The only device. */
static medsec_status identify(void *context, const uint8_t block[MEDSEC_AES_BLOCK_LEN],
                              medsec_identity *identity)
{
    medsec_aes_cbc aes;
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    uint8_t text[MEDSEC_AES_BLOCK_LEN];
    memcpy(iv, IV, sizeof iv);
    check(medsec_aes_cbc_open(&aes, medsec_crypto_openssl(), MEDSEC_DECRYPT, KEY) == MEDSEC_OK);
    check(medsec_aes_cbc_run(&aes, text, block, sizeof text, iv) == MEDSEC_OK);
    medsec_aes_cbc_close(&aes);
    memcpy(identity->key, KEY, sizeof identity->key);
    memcpy(identity->iv, IV, sizeof identity->iv);
    identity->profile = PICO;
    identity->device = context;
    return medsec_seed_text_begins_reading(PICO, text) ? MEDSEC_OK : MEDSEC_ERR_UNKNOWN_DEVICE;
}

static void take_event(events *log, const medsec_event *event, const void *device)
{
    size_t len = 0;
    switch (event->type) {
    case MEDSEC_EVENT_NONE:
        break;
    case MEDSEC_EVENT_IDENTIFIED:
        check(event->device == device && log->len == 0);
        log->text[log->len++] = '!';
        break;
    case MEDSEC_EVENT_READING:
        check(event->device == device && log->len > 0);
        check(medsec_reading_write_seed(log->text + log->len, sizeof log->text - log->len, &len,
                                        PICO, event->reading) == MEDSEC_OK);
        log->len += len;
        log->readings++;
        break;
    case MEDSEC_EVENT_REJECTED:
        check(event->reason != MEDSEC_OK);
        log->last = event->reason;
        break;
    default:
        check(false);
    }
}

static void run(const uint8_t *stream, size_t len, size_t step, events *log)
{
    static uint8_t piece[STREAM_MAX];
    const medsec_session_owner owner = {.identify = identify};
    medsec_session session;
    memset(log, 0, sizeof *log);
    medsec_session_open(&session, medsec_crypto_openssl(), &owner, log);
    for (size_t at = 0; at < len && log->last == MEDSEC_OK; at += step) {
        size_t left = len - at < step ? len - at : step;
        uint8_t *data = piece;
        memcpy(piece, stream + at, left);
        medsec_event event;
        do {
            size_t used = 0;
            medsec_session_push(&session, data, left, &used, &event);
            check(used <= left);
            data += used;
            left -= used;
            take_event(log, &event, log);
        } while (event.type != MEDSEC_EVENT_NONE && event.type != MEDSEC_EVENT_REJECTED);
        check(left == 0 || log->last != MEDSEC_OK);
    }
    log->boundary = medsec_session_at_boundary(&session);
    medsec_session_close(&session);
}

/* Frames of the lines of a text. */
static size_t encrypt(uint8_t *stream, int mode, const uint8_t *text, size_t len)
{
    medsec_aes_cbc aes;
    size_t total = 0;
    medsec_seed_chaining chaining = mode == CHAINED ? MEDSEC_SEED_CHAINED : MEDSEC_SEED_PER_BLOCK;
    check(medsec_aes_cbc_open(&aes, medsec_crypto_openssl(), MEDSEC_ENCRYPT,
                              mode == UNKNOWN_KEY ? OTHER : KEY) == MEDSEC_OK);
    while (len > 0) {
        const uint8_t *end = memchr(text, '\n', len);
        size_t line = end == NULL ? len : (size_t)(end - text);
        size_t frame = 0;
        if (medsec_seed_frame_encode((char *)stream + total, STREAM_MAX - total, &frame, &aes,
                                     chaining, IV, (const char *)text, line) != MEDSEC_OK) {
            break;
        }
        total += frame;
        text += line;
        len -= line;
        if (len > 0) {
            text++;
            len--;
        }
    }
    medsec_aes_cbc_close(&aes);
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t stream[STREAM_MAX];
    static events whole;
    static events pieces;
    if (size < 2 || size > STREAM_MAX) {
        return 0;
    }
    int mode = data[0] % MODES;
    size_t step = (size_t)data[1] % 64 + 1;
    size_t len = size - 2;
    if (mode == AS_IT_STANDS) {
        memcpy(stream, data + 2, len);
    } else {
        len = encrypt(stream, mode, data + 2, len);
    }
    run(stream, len, STREAM_MAX, &whole);
    run(stream, len, step, &pieces);
    check(whole.len == pieces.len && whole.last == pieces.last);
    check(memcmp(whole.text, pieces.text, whole.len) == 0 && whole.boundary == pieces.boundary);
    check(mode != UNKNOWN_KEY || whole.len == 0);
    check(whole.len == 0 || whole.readings > 0);
    return 0;
}
