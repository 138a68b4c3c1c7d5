/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handshake between two scripted peers with somebody in between: it completes when nothing was
 * changed, and never when something was; in IKpsk1 whoever reads the change fails at once. Input:
 * one byte for the pattern, then changes of three bytes each (what, where, mask) to a message, its
 * length, or a key that the initiator has wrong. With the highest bit of the first byte set, the
 * rest stands in the place of the first message instead.
 */
#include <medsec/handshake.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATTERNS = MEDSEC_PATTERN_IKPSK2 + 1, AS_IT_STANDS = 0x80 };
enum { MESSAGES = 3, CHANGE_LEN = 3, PAYLOAD_LEN = 8, ROOM = 512 };
/* What a change is about: message 0, 1 or 2; its length; a key, or the prologue. */
enum { LENGTH = MESSAGES, PSK, STATIC, PROLOGUE, SUBJECTS };

typedef struct input {
    medsec_pattern pattern;
    bool as_it_stands;
    const uint8_t *data;
    size_t len;
} input;

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static bool has_psk(medsec_pattern pattern)
{
    return pattern >= MEDSEC_PATTERN_NNPSK0;
}

static bool knows_responder(medsec_pattern pattern)
{
    return pattern == MEDSEC_PATTERN_XK || pattern == MEDSEC_PATTERN_IK ||
           pattern == MEDSEC_PATTERN_XKPSK3 || pattern >= MEDSEC_PATTERN_IKPSK1;
}

/* Applies the changes about a subject; true when something is other than before. */
static bool change(const input *in, unsigned subject, uint8_t *bytes, size_t len)
{
    uint8_t before[ROOM];
    memcpy(before, bytes, len);
    for (size_t at = 0; !in->as_it_stands && in->len - at >= CHANGE_LEN; at += CHANGE_LEN) {
        if (in->data[at] % SUBJECTS == subject && len > 0) {
            bytes[in->data[at + 1] % len] ^= in->data[at + 2];
        }
    }
    return memcmp(before, bytes, len) != 0;
}

/* What the other side gets of a message; true when it is not the same. */
static bool tamper(const input *in, unsigned number, uint8_t message[ROOM], size_t *len)
{
    if (in->as_it_stands && number == 0) {
        uint8_t before[ROOM];
        size_t before_len = *len;
        memcpy(before, message, before_len);
        *len = in->len < ROOM ? in->len : ROOM;
        memcpy(message, in->data, *len);
        return *len != before_len || memcmp(message, before, before_len) != 0;
    }
    uint8_t lengths[MESSAGES] = {0}; /* added to it, as a signed number */
    bool changed = change(in, number, message, *len);
    bool resized = change(in, LENGTH, lengths, sizeof lengths) && lengths[number] != 0;
    size_t other = (*len + ROOM + lengths[number] - (lengths[number] & 0x80 ? 256u : 0u)) % ROOM;
    if (resized && other > *len) {
        memset(message + *len, 0, other - *len);
    }
    *len = other;
    return changed || resized;
}

/* The same secrets on every run; true when the initiator has something wrong. */
static bool begin(medsec_handshake *h, const input *in, medsec_role role)
{
    static const uint8_t own[2][MEDSEC_X25519_LEN] = {"initiator's own key, 32 bytes..",
                                                      "responder's own key, 32 bytes.."};
    static const uint8_t ephemeral[2][MEDSEC_X25519_LEN] = {"initiator's ephemeral, 32 bytes",
                                                            "responder's ephemeral, 32 bytes"};
    uint8_t prologue[] = "medsec/1 and a byte";
    uint8_t psk[MEDSEC_PSK_LEN] = "a key that only one device has.";
    uint8_t responder[MEDSEC_X25519_LEN];
    bool wrong = false;
    const medsec_crypto *crypto = medsec_crypto_openssl();
    check(crypto->x25519_public(responder, own[MEDSEC_RESPONDER]) == MEDSEC_OK);
    if (role == MEDSEC_INITIATOR) {
        wrong |= change(in, PROLOGUE, prologue, sizeof prologue);
        wrong |= change(in, STATIC, responder, sizeof responder) && knows_responder(in->pattern);
        wrong |= change(in, PSK, psk, sizeof psk) && has_psk(in->pattern);
    }
    check(medsec_handshake_open(h, crypto, in->pattern, role, prologue, sizeof prologue) ==
          MEDSEC_OK);
    check(medsec_handshake_set_static(h, own[role], NULL) == MEDSEC_OK);
    check(medsec_handshake_set_ephemeral(h, ephemeral[role]) == MEDSEC_OK);
    if (role == MEDSEC_INITIATOR && knows_responder(in->pattern)) {
        medsec_handshake_set_remote_static(h, responder);
    }
    /* A gateway learns who it is before it has the psk. */
    if (role == MEDSEC_INITIATOR || in->pattern != MEDSEC_PATTERN_IKPSK1) {
        medsec_handshake_set_psk(h, psk);
    }
    return wrong;
}

static medsec_status read_message(medsec_handshake *h, const uint8_t *message, size_t len)
{
    static const uint8_t psk[MEDSEC_PSK_LEN] = "a key that only one device has.";
    uint8_t payload[ROOM];
    size_t payload_len = 0;
    medsec_status status = medsec_handshake_read(h, payload, &payload_len, message, len);
    if (status == MEDSEC_ERR_STATE) {
        check(medsec_handshake_remote_static(h) != NULL);
        medsec_handshake_set_psk(h, psk);
        status = medsec_handshake_read(h, payload, &payload_len, message, len);
    }
    check(status != MEDSEC_OK || payload_len <= len);
    return status;
}

/* Nothing more can be done with it, and no secret is left in it. */
static void check_failed(medsec_handshake *h)
{
    static const medsec_handshake zero;
    uint8_t out[ROOM];
    size_t len = 0;
    check(!medsec_handshake_done(h));
    check(medsec_handshake_read(h, out, &len, out, 0) == MEDSEC_ERR_STATE);
    check(medsec_handshake_write(h, out, sizeof out, &len, out, 0) == MEDSEC_ERR_STATE);
    check(medsec_handshake_split(h, out, out) == MEDSEC_ERR_STATE);
    check(memcmp(h->static_private, zero.static_private, sizeof zero.static_private) == 0 &&
          memcmp(h->psk, zero.psk, sizeof zero.psk) == 0 &&
          memcmp(h->chaining_key, zero.chaining_key, sizeof zero.chaining_key) == 0);
}

static void check_same_keys(medsec_handshake peers[2])
{
    uint8_t keys[2][2][MEDSEC_CHACHAPOLY_KEY_LEN];
    for (int role = 0; role < 2; role++) {
        check(medsec_handshake_split(&peers[role], keys[role][0], keys[role][1]) == MEDSEC_OK);
    }
    check(memcmp(keys[0], keys[1], sizeof keys[0]) == 0);
}

static void run(const input *in)
{
    static const uint8_t payload[PAYLOAD_LEN] = "payload";
    medsec_handshake peers[2];
    bool changed = begin(&peers[MEDSEC_INITIATOR], in, MEDSEC_INITIATOR);
    (void)begin(&peers[MEDSEC_RESPONDER], in, MEDSEC_RESPONDER);
    for (unsigned number = 0; !medsec_handshake_done(&peers[number & 1u]); number++) {
        medsec_handshake *from = &peers[number & 1u];
        medsec_handshake *to = &peers[(number & 1u) ^ 1u];
        uint8_t message[ROOM];
        size_t len = 0;
        medsec_status status =
            medsec_handshake_write(from, message, sizeof message, &len, payload, sizeof payload);
        if (status != MEDSEC_OK) { /* a static key of low order, or an ephemeral one */
            check(changed && status == MEDSEC_ERR_CRYPTO);
            check_failed(from);
            return;
        }
        changed |= tamper(in, number, message, &len);
        status = read_message(to, message, len);
        check(changed || status == MEDSEC_OK);
        check(!changed || in->pattern != MEDSEC_PATTERN_IKPSK1 || status == MEDSEC_ERR_CRYPTO);
        if (status != MEDSEC_OK) {
            check_failed(to);
            return;
        }
    }
    check(!changed);
    check_same_keys(peers);
    medsec_handshake_close(&peers[0]);
    medsec_handshake_close(&peers[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    const input in = {.pattern = (medsec_pattern)((data[0] & 0x7f) % PATTERNS),
                      .as_it_stands = (data[0] & AS_IT_STANDS) != 0,
                      .data = data + 1,
                      .len = size - 1};
    run(&in);
    return 0;
}
