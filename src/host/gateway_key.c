/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <string.h>

/* In the file: one or two key pairs, sealed, under this name in `meta`. */
#define NAME "gateway"
#define SEALED_LEN(count) ((count) * sizeof(medsec_keypair) + MEDSEC__SEAL_EXTRA)

/* What the audit log knows of them by: an id that no device has. */
#define NO_DEVICE ""

static void begin(medsec__hash *hash, const medsec__keys *keys)
{
    medsec__hash_begin(hash, keys->row);
    medsec__hash_text(hash, NO_DEVICE);
    medsec__hash_text(hash, NAME);
}

/* What is sealed with them. */
static void bind(uint8_t bound[MEDSEC__HASH_LEN], const medsec__keys *keys)
{
    medsec__hash hash;
    begin(&hash, keys);
    medsec__hash_end(&hash, bound);
}

static void digest_of(uint8_t digest[MEDSEC__HASH_LEN], const medsec__keys *keys,
                      const uint8_t *sealed, size_t count)
{
    medsec__hash hash;
    begin(&hash, keys);
    medsec__hash_bytes(&hash, sealed, SEALED_LEN(count));
    medsec__hash_end(&hash, digest);
}

static medsec_status read_sealed(medsec_registry *registry, uint8_t sealed[SEALED_LEN(2)],
                                 size_t *count)
{
    medsec_status status = MEDSEC_ERR_CORRUPT;
    for (*count = 1; *count <= 2; (*count)++) {
        status = medsec__meta_get(registry, NAME, sealed, SEALED_LEN(*count));
        if (status != MEDSEC_ERR_CORRUPT) {
            break;
        }
    }
    return status;
}

medsec_status medsec__gateway_digest(medsec_registry *registry, uint8_t digest[MEDSEC__HASH_LEN])
{
    uint8_t sealed[SEALED_LEN(2)];
    size_t count;
    medsec_status status = read_sealed(registry, sealed, &count);
    if (status == MEDSEC_OK) {
        digest_of(digest, registry->keys, sealed, count);
    }
    return status;
}

medsec_status medsec__gateway_load(medsec_registry *registry, medsec__gateway_keys *keys)
{
    uint8_t sealed[SEALED_LEN(2)];
    uint8_t bound[MEDSEC__HASH_LEN];
    *keys = (medsec__gateway_keys){0};
    medsec_status status = read_sealed(registry, sealed, &keys->count);
    if (status == MEDSEC_OK) {
        bind(bound, registry->keys);
        status = medsec__unseal((uint8_t *)keys->pair, keys->count * sizeof(medsec_keypair),
                                registry->keys, sealed, SEALED_LEN(keys->count), bound);
    }
    if (status == MEDSEC_OK) {
        return MEDSEC_OK;
    }
    *keys = (medsec__gateway_keys){0};
    bool none = status == MEDSEC_ERR_NOT_FOUND;
    return medsec__fail(registry, none ? status : MEDSEC_ERR_CORRUPT,
                        none ? "an older registry: it has no gateway key before its next change"
                             : "the gateway key was altered");
}

medsec_status medsec__gateway_public(medsec_registry *registry,
                                     uint8_t public_key[MEDSEC_X25519_LEN])
{
    medsec__gateway_keys keys;
    medsec_status status = medsec__gateway_load(registry, &keys);
    if (status == MEDSEC_OK) {
        memcpy(public_key, keys.pair[0].public_key, MEDSEC_X25519_LEN);
    }
    sodium_memzero(&keys, sizeof keys);
    return status;
}

static void generate(medsec_keypair *pair)
{
    randombytes_buf(pair->private_key, sizeof pair->private_key);
    /* It cannot fail: libsodium clamps the private key. */
    (void)crypto_scalarmult_base(pair->public_key, pair->private_key);
}

static medsec_status save(medsec_registry *registry, const medsec__gateway_keys *keys,
                          const char *action)
{
    uint8_t sealed[SEALED_LEN(2)];
    uint8_t digest[MEDSEC__HASH_LEN];
    uint8_t bound[MEDSEC__HASH_LEN];
    bind(bound, registry->keys);
    medsec__seal(sealed, registry->keys, (const uint8_t *)keys->pair,
                 keys->count * sizeof(medsec_keypair), bound);
    medsec_status status = medsec__meta_set(registry, NAME, sealed, SEALED_LEN(keys->count));
    if (status != MEDSEC_OK) {
        return status;
    }
    digest_of(digest, registry->keys, sealed, keys->count);
    return medsec__audit_append(registry, action, NO_DEVICE, "", digest);
}

medsec_status medsec__gateway_create(medsec_registry *registry, const char *action)
{
    medsec__gateway_keys keys = {.count = 1};
    generate(&keys.pair[0]);
    medsec_status status = save(registry, &keys, action);
    sodium_memzero(&keys, sizeof keys);
    return status;
}

medsec_status medsec_registry_gateway_public(medsec_registry *registry,
                                             uint8_t public_key[2][MEDSEC_X25519_LEN],
                                             size_t *count)
{
    medsec__gateway_keys keys;
    medsec_status status = medsec__ready(registry);
    if (status != MEDSEC_OK || public_key == NULL || count == NULL) {
        return status == MEDSEC_OK ? MEDSEC_ERR_ARGUMENT : status;
    }
    status = medsec__gateway_load(registry, &keys);
    for (size_t i = 0; status == MEDSEC_OK && i < keys.count; i++) {
        memcpy(public_key[i], keys.pair[i].public_key, MEDSEC_X25519_LEN);
        *count = keys.count;
    }
    sodium_memzero(&keys, sizeof keys);
    return status;
}

static medsec_status rotate(medsec_registry *registry, medsec__gateway_keys *keys)
{
    if (keys->count == 2) {
        return medsec__fail(registry, MEDSEC_ERR_STATE,
                            "the gateway key before this one is not retired");
    }
    keys->pair[1] = keys->pair[0];
    generate(&keys->pair[0]);
    keys->count = 2;
    return MEDSEC_OK;
}

static medsec_status retire(medsec_registry *registry, medsec__gateway_keys *keys)
{
    if (keys->count == 1) {
        return medsec__fail(registry, MEDSEC_ERR_STATE, "there is one gateway key only");
    }
    keys->count = 1;
    return MEDSEC_OK;
}

static medsec_status change(medsec_registry *registry, const char *action,
                            medsec_status (*edit)(medsec_registry *, medsec__gateway_keys *))
{
    medsec__gateway_keys keys;
    medsec_status status = medsec__change_begin(registry);
    if (status != MEDSEC_OK) {
        return status;
    }
    status = medsec__gateway_load(registry, &keys);
    if (status == MEDSEC_OK) {
        status = edit(registry, &keys);
    }
    if (status == MEDSEC_OK) {
        status = save(registry, &keys, action);
    }
    sodium_memzero(&keys, sizeof keys);
    return medsec__change_end(registry, status);
}

medsec_status medsec_registry_gateway_rotate(medsec_registry *registry)
{
    return change(registry, "gateway-key", rotate);
}

medsec_status medsec_registry_gateway_retire(medsec_registry *registry)
{
    return change(registry, "gateway-key-retire", retire);
}
