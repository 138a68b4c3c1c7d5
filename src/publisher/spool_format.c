/* SPDX-License-Identifier: Apache-2.0 */
#include "spool_format.h"

#include <sodium.h>
#include <string.h>

#define MAGIC_LEN 8u
#define BLOCK_MAGIC 0x4d534231u
#define SUM_LEN 16u
#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define FLAG_QOS1 1u
#define FLAG_RETAIN 2u
#define FLAG_DROPPABLE 4u
#define FLAGS 7u
/* Of a block's header, what is bound to its seal: all but the nonce. */
#define BOUND_LEN (MEDSEC__SPOOL_BLOCK_HEADER_LEN - NONCE_LEN)

static const char segment_magic[MAGIC_LEN + 1] = "medspool";
static const char mark_magic[MAGIC_LEN + 1] = "medmark1";
static const char context[crypto_kdf_CONTEXTBYTES] = {'m', 'e', 'd', 's', 'p', 'o', 'o', 'l'};

static void put(uint8_t *out, size_t bytes, uint64_t number)
{
    for (size_t i = bytes; i > 0; i--) {
        out[i - 1] = (uint8_t)number;
        number >>= 8;
    }
}

static uint64_t get(const uint8_t *in, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++) {
        number = number << 8 | in[i];
    }
    return number;
}

static void sum(uint8_t out[SUM_LEN], const uint8_t *data, size_t len,
                const medsec__spool_keys *keys)
{
    crypto_generichash(out, SUM_LEN, data, len, keys->check, sizeof keys->check);
}

static bool sum_is(const uint8_t expected[SUM_LEN], const uint8_t *data, size_t len,
                   const medsec__spool_keys *keys)
{
    uint8_t made[SUM_LEN];
    sum(made, data, len, keys);
    return sodium_memcmp(made, expected, SUM_LEN) == 0;
}

void medsec__spool_keys_derive(medsec__spool_keys *keys, const uint8_t key[MEDSEC_SPOOL_KEY_LEN])
{
    crypto_kdf_derive_from_key(keys->seal, sizeof keys->seal, 1, context, key);
    crypto_kdf_derive_from_key(keys->check, sizeof keys->check, 2, context, key);
}

void medsec__spool_header_write(uint8_t out[MEDSEC__SPOOL_HEADER_LEN],
                                const medsec__spool_header *header, const medsec__spool_keys *keys)
{
    memcpy(out, segment_magic, MAGIC_LEN);
    put(out + 8, 8, (uint64_t)header->kind);
    put(out + 16, 8, header->first);
    put(out + 24, 8, header->time_ms);
    memcpy(out + 32, header->id, MEDSEC__SPOOL_ID_LEN);
    sum(out + 48, out, 48, keys);
}

bool medsec__spool_header_read(medsec__spool_header *header,
                               const uint8_t in[MEDSEC__SPOOL_HEADER_LEN],
                               const medsec__spool_keys *keys)
{
    const uint64_t kind = get(in + 8, 8);
    if (memcmp(in, segment_magic, MAGIC_LEN) != 0 || !sum_is(in + 48, in, 48, keys) ||
        kind >= MEDSEC__SPOOL_KINDS) {
        return false;
    }
    header->kind = (medsec__spool_kind)kind;
    header->first = get(in + 16, 8);
    header->time_ms = get(in + 24, 8);
    memcpy(header->id, in + 32, MEDSEC__SPOOL_ID_LEN);
    return true;
}

size_t medsec__spool_block_size(const medsec__spool_block *block)
{
    return MEDSEC__SPOOL_BLOCK_HEADER_LEN + block->len + MEDSEC__SPOOL_TAG_LEN;
}

/* What the seal authenticates beside the records: the header, whose segment, where in it. */
typedef struct bound {
    uint8_t bytes[BOUND_LEN + MEDSEC__SPOOL_ID_LEN + 8];
} bound;

static bound bind_to(const uint8_t *header, const uint8_t *id, uint64_t at)
{
    bound b;
    memcpy(b.bytes, header, BOUND_LEN);
    memcpy(b.bytes + BOUND_LEN, id, MEDSEC__SPOOL_ID_LEN);
    put(b.bytes + BOUND_LEN + MEDSEC__SPOOL_ID_LEN, 8, at);
    return b;
}

void medsec__spool_block_seal(uint8_t *out, const uint8_t *records,
                              const medsec__spool_block *block, const uint8_t *id, uint64_t at,
                              const medsec__spool_keys *keys)
{
    uint8_t *nonce = out + BOUND_LEN;
    put(out, 4, BLOCK_MAGIC);
    put(out + 4, 4, block->len);
    put(out + 8, 8, block->first);
    put(out + 16, 8, block->last);
    put(out + 24, 8, block->time_ms);
    put(out + 32, 8, block->count);
    randombytes_buf(nonce, NONCE_LEN);
    const bound b = bind_to(out, id, at);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + MEDSEC__SPOOL_BLOCK_HEADER_LEN, NULL, records,
                                               block->len, b.bytes, sizeof b.bytes, NULL, nonce,
                                               keys->seal);
}

bool medsec__spool_block_read(medsec__spool_block *block,
                              const uint8_t in[MEDSEC__SPOOL_BLOCK_HEADER_LEN])
{
    block->len = (size_t)get(in + 4, 4);
    block->first = get(in + 8, 8);
    block->last = get(in + 16, 8);
    block->time_ms = get(in + 24, 8);
    const uint64_t count = get(in + 32, 8);
    block->count = (uint32_t)count;
    return get(in, 4) == BLOCK_MAGIC && block->len <= MEDSEC__SPOOL_BLOCK_MAX && count > 0 &&
           count <= block->len / MEDSEC__SPOOL_RECORD_LEN && block->last >= block->first &&
           block->last - block->first >= count - 1;
}

medsec_status medsec__spool_block_open(uint8_t *records, const uint8_t *in,
                                       const medsec__spool_block *block, const uint8_t *id,
                                       uint64_t at, const medsec__spool_keys *keys)
{
    const bound b = bind_to(in, id, at);
    int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
        records, NULL, NULL, in + MEDSEC__SPOOL_BLOCK_HEADER_LEN,
        block->len + MEDSEC__SPOOL_TAG_LEN, b.bytes, sizeof b.bytes, in + BOUND_LEN, keys->seal);
    return failed != 0 ? MEDSEC_ERR_CRYPTO : MEDSEC_OK;
}

size_t medsec__spool_record_size(const medsec_message *message)
{
    if (message->topic_len > UINT16_MAX || message->payload_len > MEDSEC_SPOOL_MESSAGE_MAX ||
        message->topic_len + message->payload_len > MEDSEC_SPOOL_MESSAGE_MAX) {
        return 0;
    }
    return MEDSEC__SPOOL_RECORD_LEN + message->topic_len + message->payload_len;
}

void medsec__spool_record_write(uint8_t *out, uint64_t sequence, const medsec_message *message)
{
    put(out, 8, sequence);
    put(out + 8, 4, message->lane);
    put(out + 12, 2,
        (message->qos ? FLAG_QOS1 : 0) | (message->retain ? FLAG_RETAIN : 0) |
            (message->droppable ? FLAG_DROPPABLE : 0));
    put(out + 14, 2, message->topic_len);
    put(out + 16, 4, message->payload_len);
    out += MEDSEC__SPOOL_RECORD_LEN;
    if (message->topic_len > 0) {
        memcpy(out, message->topic, message->topic_len);
    }
    if (message->payload_len > 0) {
        memcpy(out + message->topic_len, message->payload, message->payload_len);
    }
}

size_t medsec__spool_record_read(uint64_t *sequence, medsec_message *message, const uint8_t *in,
                                 size_t len)
{
    if (len < MEDSEC__SPOOL_RECORD_LEN) {
        return 0;
    }
    const uint64_t flags = get(in + 12, 2);
    const size_t topic_len = (size_t)get(in + 14, 2);
    const size_t payload_len = (size_t)get(in + 16, 4);
    len -= MEDSEC__SPOOL_RECORD_LEN;
    if (flags > FLAGS || topic_len > len || payload_len > len - topic_len) {
        return 0;
    }
    *sequence = get(in, 8);
    const uint8_t *text = in + MEDSEC__SPOOL_RECORD_LEN;
    *message = (medsec_message){.topic = (const char *)text,
                                .topic_len = topic_len,
                                .payload = text + topic_len,
                                .payload_len = payload_len,
                                .lane = (uint32_t)get(in + 8, 4),
                                .qos = flags & FLAG_QOS1 ? 1 : 0,
                                .retain = (flags & FLAG_RETAIN) != 0,
                                .droppable = (flags & FLAG_DROPPABLE) != 0};
    return MEDSEC__SPOOL_RECORD_LEN + topic_len + payload_len;
}

void medsec__spool_mark_write(uint8_t out[MEDSEC__SPOOL_MARK_LEN], uint64_t sequence,
                              const medsec__spool_keys *keys)
{
    memcpy(out, mark_magic, MAGIC_LEN);
    sum(out + 8, out, 8, keys);
    put(out + 24, 8, sequence);
    sum(out + 32, out, 32, keys);
}

medsec_status medsec__spool_mark_read(uint64_t *sequence, const uint8_t in[MEDSEC__SPOOL_MARK_LEN],
                                      const medsec__spool_keys *keys)
{
    if (memcmp(in, mark_magic, MAGIC_LEN) != 0) {
        return MEDSEC_ERR_SYNTAX;
    }
    if (!sum_is(in + 8, in, 8, keys)) {
        return MEDSEC_ERR_CRYPTO;
    }
    *sequence = get(in + 24, 8);
    return sum_is(in + 32, in, 32, keys) ? MEDSEC_OK : MEDSEC_ERR_CORRUPT;
}
