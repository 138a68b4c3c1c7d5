/* SPDX-License-Identifier: Apache-2.0 */
#include "credential_check.h"

#include "text.h"
#include "writer.h"

#include <string.h>

/* MAGIC, then a byte each: wire, suite, has_private, length of id, length of profile. */
#define MAGIC "MSC1"
enum { MAGIC_LEN = 4, WIRE = 4, SUITE, HAS_PRIVATE, ID_LEN, PROFILE_LEN, HEAD_LEN, SUM_LEN = 8 };

typedef struct field {
    size_t offset;
    size_t len;
} field;

#define FIELD(member)                                                                        \
    {                                                                                        \
        offsetof(medsec_credential, member), sizeof((const medsec_credential *)NULL)->member \
    }

static const field seed_keys[] = {FIELD(key), FIELD(iv)};
/* The first one is not there when the device keeps its private key to itself. */
static const field medsec1_keys[] = {FIELD(device_private), FIELD(device_public), FIELD(psk),
                                     FIELD(gateway_public)};

typedef struct fields {
    const field *first;
    size_t count;
} fields;

static fields keys_of(const medsec_credential *credential)
{
    if (credential->wire == MEDSEC_WIRE_SEED) {
        return (fields){seed_keys, sizeof seed_keys / sizeof seed_keys[0]};
    }
    size_t skip = credential->has_private ? 0 : 1;
    return (fields){medsec1_keys + skip, sizeof medsec1_keys / sizeof medsec1_keys[0] - skip};
}

static size_t keys_len(const medsec_credential *credential)
{
    fields keys = keys_of(credential);
    size_t len = 0;
    for (size_t i = 0; i < keys.count; i++) {
        len += keys.first[i].len;
    }
    return len;
}

static medsec_status sum_of(uint8_t sum[MEDSEC_SHA256_LEN], const medsec_crypto *crypto,
                            const uint8_t *block, size_t len)
{
    const medsec_bytes whole = {block, len};
    return crypto->sha256(sum, &whole, 1);
}

static void write_text(medsec__writer *writer, const medsec_credential *credential)
{
    const size_t id_len = medsec__length(credential->device, MEDSEC_DEVICE_ID_MAX);
    const size_t profile_len = medsec__length(credential->profile, MEDSEC_PROFILE_NAME_MAX);
    const uint8_t head[] = {credential->wire, credential->suite, credential->has_private,
                            (uint8_t)id_len, (uint8_t)profile_len};
    medsec__write(writer, MAGIC, MAGIC_LEN);
    medsec__write(writer, head, sizeof head);
    medsec__write(writer, credential->device, id_len);
    medsec__write(writer, credential->profile, profile_len);
}

static medsec_status write_block(medsec__writer *writer, const medsec_crypto *crypto,
                                 const medsec_credential *credential)
{
    uint8_t sum[MEDSEC_SHA256_LEN];
    fields keys = keys_of(credential);
    write_text(writer, credential);
    for (size_t i = 0; i < keys.count; i++) {
        const field *key = &keys.first[i];
        medsec__write(writer, (const uint8_t *)credential + key->offset, key->len);
    }
    if (writer->overflow) {
        return MEDSEC_ERR_BUFFER;
    }
    medsec_status status = sum_of(sum, crypto, (const uint8_t *)writer->out, writer->len);
    medsec__write(writer, sum, SUM_LEN);
    return status;
}

medsec_status medsec_credential_block_write(uint8_t *out, size_t cap, size_t *len,
                                            const medsec_crypto *crypto,
                                            const medsec_credential *credential)
{
    if (out == NULL || len == NULL || crypto == NULL || credential == NULL ||
        medsec__credential_check_whole(credential) != MEDSEC_OK) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec__writer writer = {.out = (char *)out, .cap = cap};
    medsec_status status = write_block(&writer, crypto, credential);
    if (status == MEDSEC_OK) {
        status = medsec__write_end(&writer, len);
    }
    if (status != MEDSEC_OK) {
        crypto->wipe(out, cap);
    }
    return status;
}

/* Reads on from `*at`; the caller has checked that the block is that long. */
static void take(void *out, const uint8_t *block, size_t *at, size_t len)
{
    memcpy(out, block + *at, len);
    *at += len;
}

/* What the head says; the length of the whole block, or 0: no block begins like that. */
static size_t read_head(medsec_credential *credential, const uint8_t *block, size_t cap)
{
    if (cap < HEAD_LEN || memcmp(block, MAGIC, MAGIC_LEN) != 0 || block[HAS_PRIVATE] > 1 ||
        block[ID_LEN] > MEDSEC_DEVICE_ID_MAX || block[PROFILE_LEN] > MEDSEC_PROFILE_NAME_MAX) {
        return 0;
    }
    credential->wire = block[WIRE];
    credential->suite = block[SUITE];
    credential->has_private = block[HAS_PRIVATE] == 1;
    return HEAD_LEN + (size_t)block[ID_LEN] + block[PROFILE_LEN] + keys_len(credential) + SUM_LEN;
}

static void read_body(medsec_credential *credential, const uint8_t *block)
{
    size_t at = HEAD_LEN;
    take(credential->device, block, &at, block[ID_LEN]);
    take(credential->profile, block, &at, block[PROFILE_LEN]);
    fields keys = keys_of(credential);
    for (size_t i = 0; i < keys.count; i++) {
        const field *key = &keys.first[i];
        take((uint8_t *)credential + key->offset, block, &at, key->len);
    }
}

/* One block for one credential: no NUL in a name, no private key on the seed wire. */
static bool is_canonical(const medsec_credential *credential, const uint8_t *block)
{
    return medsec__length(credential->device, sizeof credential->device) == block[ID_LEN] &&
           medsec__length(credential->profile, sizeof credential->profile) == block[PROFILE_LEN] &&
           !(credential->wire == MEDSEC_WIRE_SEED && credential->has_private);
}

/* The length of what was read; 0: no good. */
static size_t read_block(medsec_credential *credential, const medsec_crypto *crypto,
                         const uint8_t *block, size_t cap)
{
    uint8_t sum[MEDSEC_SHA256_LEN];
    size_t len = read_head(credential, block, cap);
    if (len == 0 || len > cap || sum_of(sum, crypto, block, len - SUM_LEN) != MEDSEC_OK ||
        !crypto->equal(sum, block + len - SUM_LEN, SUM_LEN)) {
        return 0;
    }
    read_body(credential, block);
    return is_canonical(credential, block) &&
                   medsec__credential_check_whole(credential) == MEDSEC_OK
               ? len
               : 0;
}

medsec_status medsec_credential_block_read(medsec_credential *credential,
                                           const medsec_crypto *crypto, const uint8_t *block,
                                           size_t cap, size_t *len)
{
    if (credential == NULL || crypto == NULL || (block == NULL && cap > 0) || len == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    memset(credential, 0, sizeof *credential);
    size_t got = read_block(credential, crypto, block, cap);
    if (got == 0) {
        crypto->wipe(credential, sizeof *credential);
        return MEDSEC_ERR_CORRUPT;
    }
    *len = got;
    return MEDSEC_OK;
}
