/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/handshake.h>

#include "hkdf.h"
#include "text.h"

#include <string.h>

enum token { END, E, S, EE, ES, SE, SS, PSK };
enum {
    HAVE_STATIC = 1,
    HAVE_EPHEMERAL = 2,
    HAVE_REMOTE_STATIC = 4,
    HAVE_REMOTE_EPHEMERAL = 8,
    HAVE_PSK = 16,
    STARTED = 32
};
enum { MESSAGES_MAX = 3, TOKENS_MAX = 7, NAME_MAX_LEN = 64 };

typedef struct pattern_row {
    const char *name;
    bool responder_known; /* pre-message `<- s` */
    bool psk; /* then `e` is mixed into the key as well, section 9.2 */
    uint8_t messages;
    uint8_t tokens[MESSAGES_MAX][TOKENS_MAX];
} pattern_row;

#define SUITE "_25519_ChaChaPoly_SHA256"

/* Sections 7.5 and 9.4. Message 0, 2 go to the responder, message 1 to the initiator. */
static const pattern_row patterns[] = {
    [MEDSEC_PATTERN_NN] = {"Noise_NN" SUITE, false, false, 2, {{E}, {E, EE}}},
    [MEDSEC_PATTERN_XK] = {"Noise_XK" SUITE, true, false, 3, {{E, ES}, {E, EE}, {S, SE}}},
    [MEDSEC_PATTERN_IK] = {"Noise_IK" SUITE, true, false, 2, {{E, ES, S, SS}, {E, EE, SE}}},
    [MEDSEC_PATTERN_XX] = {"Noise_XX" SUITE, false, false, 3, {{E}, {E, EE, S, ES}, {S, SE}}},
    [MEDSEC_PATTERN_NNPSK0] = {"Noise_NNpsk0" SUITE, false, true, 2, {{PSK, E}, {E, EE}}},
    [MEDSEC_PATTERN_XKPSK3] =
        {"Noise_XKpsk3" SUITE, true, true, 3, {{E, ES}, {E, EE}, {S, SE, PSK}}},
    [MEDSEC_PATTERN_XXPSK3] =
        {"Noise_XXpsk3" SUITE, false, true, 3, {{E}, {E, EE, S, ES}, {S, SE, PSK}}},
    [MEDSEC_PATTERN_IKPSK1] =
        {"Noise_IKpsk1" SUITE, true, true, 2, {{E, ES, S, SS, PSK}, {E, EE, SE}}},
    [MEDSEC_PATTERN_IKPSK2] =
        {"Noise_IKpsk2" SUITE, true, true, 2, {{E, ES, S, SS}, {E, EE, SE, PSK}}},
};

static const pattern_row *pattern_of(const medsec_handshake *h)
{
    return &patterns[h->pattern];
}

static medsec_status mix_hash(medsec_handshake *h, const uint8_t *data, size_t len)
{
    const medsec_bytes parts[] = {{h->hash, sizeof h->hash}, {data, len}};
    return h->crypto->sha256(h->hash, parts, 2);
}

/* HKDF of section 4.3 with two or three outputs: chaining key, [hash input,] cipher key. */
static medsec_status mix_key(medsec_handshake *h, const uint8_t *input, size_t len, bool and_hash)
{
    uint8_t secret[MEDSEC_SHA256_LEN];
    uint8_t out[3 * MEDSEC_SHA256_LEN];
    size_t outputs = and_hash ? 3 : 2;
    medsec_status status = medsec__hkdf_extract(h->crypto, secret, h->chaining_key,
                                                sizeof h->chaining_key, input, len);
    if (status == MEDSEC_OK) {
        status = medsec__hkdf_expand(h->crypto, out, outputs * MEDSEC_SHA256_LEN, secret, NULL, 0);
    }
    if (status == MEDSEC_OK) {
        memcpy(h->chaining_key, out, sizeof h->chaining_key);
        memcpy(h->cipher.key, out + (outputs - 1) * MEDSEC_SHA256_LEN, sizeof h->cipher.key);
        h->cipher.nonce = 0;
        h->cipher.keyed = true;
        if (and_hash) {
            status = mix_hash(h, out + MEDSEC_SHA256_LEN, MEDSEC_SHA256_LEN);
        }
    }
    h->crypto->wipe(secret, sizeof secret);
    h->crypto->wipe(out, sizeof out);
    return status;
}

static size_t tag_len(const medsec_handshake *h)
{
    return h->cipher.keyed ? MEDSEC_CHACHAPOLY_TAG_LEN : 0;
}

static medsec_status encrypt_and_hash(medsec_handshake *h, uint8_t *out, const uint8_t *in,
                                      size_t len)
{
    size_t out_len = len + tag_len(h);
    if (h->cipher.keyed) {
        medsec_status status = h->crypto->chachapoly_seal(out, h->cipher.key, h->cipher.nonce++,
                                                          h->hash, sizeof h->hash, in, len);
        if (status != MEDSEC_OK) {
            return status;
        }
    } else if (len > 0) {
        memmove(out, in, len);
    }
    return mix_hash(h, out, out_len);
}

/* `len` counts the tag, which the caller has seen to be there. */
static medsec_status decrypt_and_hash(medsec_handshake *h, uint8_t *out, const uint8_t *in,
                                      size_t len)
{
    uint8_t before[MEDSEC_SHA256_LEN];
    memcpy(before, h->hash, sizeof before);
    medsec_status status = mix_hash(h, in, len); /* first: `out` may be `in` */
    if (status != MEDSEC_OK) {
        return status;
    }
    if (h->cipher.keyed) {
        return h->crypto->chachapoly_open(out, h->cipher.key, h->cipher.nonce++, before,
                                          sizeof before, in, len);
    }
    if (len > 0) { /* then `in` is not NULL: medsec_handshake_read saw to it */
        memmove(out, in, len); // NOLINT(clang-analyzer-core.NonNullParamChecker)
    }
    return MEDSEC_OK;
}

static medsec_status mix_dh(medsec_handshake *h, bool own_static, bool remote_static)
{
    unsigned needs = (own_static ? HAVE_STATIC : HAVE_EPHEMERAL) |
                     (remote_static ? HAVE_REMOTE_STATIC : HAVE_REMOTE_EPHEMERAL);
    if ((h->have & needs) != needs) {
        return MEDSEC_ERR_STATE;
    }
    uint8_t shared[MEDSEC_X25519_LEN];
    medsec_status status =
        h->crypto->x25519(shared, own_static ? h->static_private : h->ephemeral_private,
                          remote_static ? h->remote_static : h->remote_ephemeral);
    if (status == MEDSEC_OK) {
        status = mix_key(h, shared, sizeof shared, false);
    }
    h->crypto->wipe(shared, sizeof shared);
    return status;
}

/* The tokens that read the same in both directions. */
static medsec_status mix_token(medsec_handshake *h, uint8_t token)
{
    bool initiator = h->role == MEDSEC_INITIATOR;
    switch (token) {
    case EE:
        return mix_dh(h, false, false);
    case ES:
        return initiator ? mix_dh(h, false, true) : mix_dh(h, true, false);
    case SE:
        return initiator ? mix_dh(h, true, false) : mix_dh(h, false, true);
    case SS:
        return mix_dh(h, true, true);
    case PSK:
        return (h->have & HAVE_PSK) ? mix_key(h, h->psk, sizeof h->psk, true) : MEDSEC_ERR_STATE;
    default:
        return MEDSEC_ERR_STATE;
    }
}

static medsec_status mix_ephemeral(medsec_handshake *h, const uint8_t public_key[MEDSEC_X25519_LEN])
{
    medsec_status status = mix_hash(h, public_key, MEDSEC_X25519_LEN);
    if (status == MEDSEC_OK && pattern_of(h)->psk) {
        status = mix_key(h, public_key, MEDSEC_X25519_LEN, false);
    }
    return status;
}

static bool own_turn(const medsec_handshake *h)
{
    return !h->failed && h->message < pattern_of(h)->messages && (h->message & 1u) == h->role;
}

static bool other_turn(const medsec_handshake *h)
{
    return !h->failed && h->message < pattern_of(h)->messages && (h->message & 1u) != h->role;
}

static medsec_status fail(medsec_handshake *h, medsec_status status)
{
    medsec_handshake_close(h);
    h->failed = true;
    return status;
}

static void next_message(medsec_handshake *h)
{
    h->message++;
    h->token = 0;
    h->at = 0;
}

medsec_status medsec_handshake_open(medsec_handshake *handshake, const medsec_crypto *crypto,
                                    medsec_pattern pattern, medsec_role role,
                                    const uint8_t *prologue, size_t len)
{
    if (handshake == NULL || crypto == NULL || (prologue == NULL && len > 0) ||
        (unsigned)pattern >= sizeof patterns / sizeof patterns[0] || (unsigned)role > 1) {
        return MEDSEC_ERR_ARGUMENT;
    }
    memset(handshake, 0, sizeof *handshake);
    handshake->crypto = crypto;
    handshake->pattern = (uint8_t)pattern;
    handshake->role = (uint8_t)role;
    const char *name = pattern_of(handshake)->name;
    const medsec_bytes parts[] = {{(const uint8_t *)name, medsec__length(name, NAME_MAX_LEN)}};
    medsec_status status = MEDSEC_OK;
    if (parts[0].len <= sizeof handshake->hash) {
        memcpy(handshake->hash, name, parts[0].len);
    } else {
        status = crypto->sha256(handshake->hash, parts, 1);
    }
    memcpy(handshake->chaining_key, handshake->hash, sizeof handshake->hash);
    return status == MEDSEC_OK ? mix_hash(handshake, prologue, len) : status;
}

medsec_status medsec_handshake_set_static(medsec_handshake *handshake,
                                          const uint8_t private_key[MEDSEC_X25519_LEN],
                                          const uint8_t public_key[MEDSEC_X25519_LEN])
{
    if (handshake == NULL || private_key == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (handshake->failed) {
        return MEDSEC_ERR_STATE;
    }
    memcpy(handshake->static_private, private_key, MEDSEC_X25519_LEN);
    handshake->have |= HAVE_STATIC;
    if (public_key != NULL) {
        memcpy(handshake->static_public, public_key, MEDSEC_X25519_LEN);
        return MEDSEC_OK;
    }
    return handshake->crypto->x25519_public(handshake->static_public, private_key);
}

medsec_status medsec_handshake_set_ephemeral(medsec_handshake *handshake,
                                             const uint8_t private_key[MEDSEC_X25519_LEN])
{
    if (handshake == NULL || private_key == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (handshake->failed) {
        return MEDSEC_ERR_STATE;
    }
    memcpy(handshake->ephemeral_private, private_key, MEDSEC_X25519_LEN);
    handshake->have |= HAVE_EPHEMERAL;
    return handshake->crypto->x25519_public(handshake->ephemeral_public, private_key);
}

void medsec_handshake_set_remote_static(medsec_handshake *handshake,
                                        const uint8_t public_key[MEDSEC_X25519_LEN])
{
    memcpy(handshake->remote_static, public_key, MEDSEC_X25519_LEN);
    handshake->have |= HAVE_REMOTE_STATIC;
}

void medsec_handshake_set_psk(medsec_handshake *handshake, const uint8_t psk[MEDSEC_PSK_LEN])
{
    memcpy(handshake->psk, psk, MEDSEC_PSK_LEN);
    handshake->have |= HAVE_PSK;
}

const uint8_t *medsec_handshake_remote_static(const medsec_handshake *handshake)
{
    return (handshake->have & HAVE_REMOTE_STATIC) ? handshake->remote_static : NULL;
}

/* The pre-message `<- s` of section 7.2, once. */
static medsec_status start(medsec_handshake *h)
{
    if ((h->have & STARTED) || !pattern_of(h)->responder_known) {
        return MEDSEC_OK;
    }
    bool initiator = h->role == MEDSEC_INITIATOR;
    if (!(h->have & (initiator ? HAVE_REMOTE_STATIC : HAVE_STATIC))) {
        return MEDSEC_ERR_STATE;
    }
    h->have |= STARTED;
    return mix_hash(h, initiator ? h->remote_static : h->static_public, MEDSEC_X25519_LEN);
}

static medsec_status write_token(medsec_handshake *h, uint8_t token, uint8_t *out, size_t room,
                                 size_t *written)
{
    size_t need = token == E ? MEDSEC_X25519_LEN : token == S ? MEDSEC_X25519_LEN + tag_len(h) : 0;
    *written = need;
    if (need > room) {
        return MEDSEC_ERR_BUFFER;
    }
    if (token == E) {
        if (!(h->have & HAVE_EPHEMERAL)) {
            return MEDSEC_ERR_STATE;
        }
        memcpy(out, h->ephemeral_public, MEDSEC_X25519_LEN);
        return mix_ephemeral(h, h->ephemeral_public);
    }
    if (token == S) {
        return (h->have & HAVE_STATIC)
                   ? encrypt_and_hash(h, out, h->static_public, MEDSEC_X25519_LEN)
                   : MEDSEC_ERR_STATE;
    }
    return mix_token(h, token);
}

medsec_status medsec_handshake_write(medsec_handshake *handshake, uint8_t *out, size_t cap,
                                     size_t *len, const uint8_t *payload, size_t payload_len)
{
    medsec_handshake *h = handshake;
    if (h == NULL || out == NULL || len == NULL || (payload == NULL && payload_len > 0)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_status status = own_turn(h) ? start(h) : MEDSEC_ERR_STATE;
    if (status != MEDSEC_OK) {
        return status;
    }
    const uint8_t *tokens = pattern_of(h)->tokens[h->message];
    size_t at = 0;
    for (; tokens[h->token] != END; h->token++) {
        size_t written = 0;
        status = write_token(h, tokens[h->token], out + at, cap - at, &written);
        if (status != MEDSEC_OK) {
            return fail(h, status);
        }
        at += written;
    }
    if (payload_len > cap - at || tag_len(h) > cap - at - payload_len) {
        return fail(h, MEDSEC_ERR_BUFFER);
    }
    size_t total = at + payload_len + tag_len(h);
    status = encrypt_and_hash(h, out + at, payload, payload_len);
    if (status != MEDSEC_OK) {
        return fail(h, status);
    }
    next_message(h);
    *len = total;
    return MEDSEC_OK;
}

static medsec_status read_token(medsec_handshake *h, uint8_t token, const uint8_t *in, size_t left,
                                size_t *taken)
{
    size_t need = token == E ? MEDSEC_X25519_LEN : token == S ? MEDSEC_X25519_LEN + tag_len(h) : 0;
    *taken = need;
    if (need > left) {
        return MEDSEC_ERR_CRYPTO;
    }
    if (token == E) {
        memcpy(h->remote_ephemeral, in, MEDSEC_X25519_LEN);
        h->have |= HAVE_REMOTE_EPHEMERAL;
        return mix_ephemeral(h, h->remote_ephemeral);
    }
    if (token == S) {
        h->have |= HAVE_REMOTE_STATIC;
        return decrypt_and_hash(h, h->remote_static, in, need);
    }
    return mix_token(h, token);
}

medsec_status medsec_handshake_read(medsec_handshake *handshake, uint8_t *payload,
                                    size_t *payload_len, const uint8_t *message, size_t len)
{
    medsec_handshake *h = handshake;
    if (h == NULL || payload == NULL || payload_len == NULL || (message == NULL && len > 0)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_status status = other_turn(h) ? start(h) : MEDSEC_ERR_STATE;
    if (status != MEDSEC_OK) {
        return status;
    }
    if (len < h->at || len > MEDSEC_HANDSHAKE_MESSAGE_MAX) {
        return fail(h, MEDSEC_ERR_CRYPTO);
    }
    const uint8_t *tokens = pattern_of(h)->tokens[h->message];
    for (; tokens[h->token] != END; h->token++) {
        size_t taken = 0;
        uint8_t token = tokens[h->token];
        if (token == PSK && !(h->have & HAVE_PSK)) {
            return MEDSEC_ERR_STATE;
        }
        status = read_token(h, token, message + h->at, len - h->at, &taken);
        if (status != MEDSEC_OK) {
            return fail(h, status);
        }
        h->at = (uint16_t)(h->at + taken);
    }
    size_t left = len - h->at;
    if (left < tag_len(h)) {
        return fail(h, MEDSEC_ERR_CRYPTO);
    }
    size_t plain = left - tag_len(h);
    status = decrypt_and_hash(h, payload, message + h->at, left);
    if (status != MEDSEC_OK) {
        return fail(h, status);
    }
    next_message(h);
    *payload_len = plain;
    return MEDSEC_OK;
}

bool medsec_handshake_done(const medsec_handshake *handshake)
{
    return !handshake->failed && handshake->message == pattern_of(handshake)->messages;
}

medsec_status medsec_handshake_split(medsec_handshake *handshake,
                                     uint8_t to_responder[MEDSEC_CHACHAPOLY_KEY_LEN],
                                     uint8_t to_initiator[MEDSEC_CHACHAPOLY_KEY_LEN])
{
    if (handshake == NULL || to_responder == NULL || to_initiator == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (!medsec_handshake_done(handshake)) {
        return MEDSEC_ERR_STATE;
    }
    const medsec_crypto *crypto = handshake->crypto;
    uint8_t secret[MEDSEC_SHA256_LEN];
    uint8_t out[2 * MEDSEC_CHACHAPOLY_KEY_LEN];
    medsec_status status = medsec__hkdf_extract(crypto, secret, handshake->chaining_key,
                                                sizeof handshake->chaining_key, NULL, 0);
    if (status == MEDSEC_OK) {
        status = medsec__hkdf_expand(crypto, out, sizeof out, secret, NULL, 0);
    }
    if (status == MEDSEC_OK) {
        memcpy(to_responder, out, MEDSEC_CHACHAPOLY_KEY_LEN);
        memcpy(to_initiator, out + MEDSEC_CHACHAPOLY_KEY_LEN, MEDSEC_CHACHAPOLY_KEY_LEN);
    }
    crypto->wipe(secret, sizeof secret);
    crypto->wipe(out, sizeof out);
    return status;
}

void medsec_handshake_close(medsec_handshake *handshake)
{
    if (handshake == NULL || handshake->crypto == NULL) {
        return;
    }
    handshake->crypto->wipe(handshake, sizeof *handshake);
}
