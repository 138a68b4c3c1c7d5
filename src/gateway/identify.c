/* SPDX-License-Identifier: Apache-2.0 */
#include "identify.h"

#include "internal.h"

#include <stdio.h>
#include <string.h>

/* FNV-1a, 32 bits. */
static uint32_t hash(const void *data, size_t len)
{
    const uint8_t *bytes = data;
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ bytes[i]) * 16777619u;
    }
    return h;
}

uint32_t medsec__identify_lane(const char *id)
{
    return hash(id, strlen(id));
}

static medsec__hint *hint_of(const medsec__connection *c, uint8_t address[16])
{
    medsec__address_bytes(address, &c->peer);
    return &c->loop->hints[hash(address, 16) % MEDSEC__HINTS];
}

void medsec__identify_remember(const medsec__connection *c)
{
    uint8_t address[16];
    medsec__hint *hint = hint_of(c, address);
    memcpy(hint->address, address, sizeof address);
    memcpy(hint->id, c->id, sizeof hint->id);
}

/* The device last seen from this address, if it is that one again. */
static const medsec_directory_entry *try_hint(const medsec__connection *c, const uint8_t *block)
{
    uint8_t address[16];
    const medsec__hint *hint = hint_of(c, address);
    if (hint->id[0] == '\0' || memcmp(hint->address, address, sizeof address) != 0) {
        return NULL;
    }
    const medsec_directory_entry *entry = medsec_directory_find(c->loop->directory, hint->id);
    return entry && medsec_directory_opens(entry, &c->loop->scratch, block) ? entry : NULL;
}

static medsec_status find(medsec__connection *c, const uint8_t *block,
                          const medsec_directory_entry **entry)
{
    medsec__loop *loop = c->loop;
    *entry = try_hint(c, block);
    if (*entry) {
        return MEDSEC_OK;
    }
    const uint64_t begin = medsec__budget_clock();
    *entry = medsec_directory_identify(loop->directory, &loop->scratch, block, NULL);
    /* Also when it is found: anybody can repeat a device's first block, and no more than that. */
    c->searched_ns = medsec__budget_clock() - begin;
    medsec__budget_spend(&loop->budget, c->searched_ns);
    return *entry ? MEDSEC_OK : MEDSEC_ERR_UNKNOWN_DEVICE;
}

static void adopt(medsec__connection *c, const medsec_directory_entry *entry)
{
    memcpy(c->id, entry->id, sizeof c->id);
    c->lane = medsec__identify_lane(entry->id);
    c->profile = entry->profile;
}

medsec_status medsec__identify(void *context, const uint8_t block[MEDSEC_AES_BLOCK_LEN],
                               medsec_identity *identity)
{
    medsec__connection *c = context;
    const medsec_directory_entry *entry = NULL;
    medsec_status status = find(c, block, &entry);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (entry->state != MEDSEC_DEVICE_ACTIVE) {
        return MEDSEC_ERR_REVOKED;
    }
    adopt(c, entry);
    memcpy(identity->key, entry->key, sizeof identity->key);
    memcpy(identity->iv, entry->iv, sizeof identity->iv);
    identity->profile = entry->profile;
    identity->device = c;
    return MEDSEC_OK;
}

/* A psk belongs to the public key beside it. */
static void give_psks(medsec__connection *c, const medsec_directory_entry *entry,
                      const uint8_t *public_key, medsec_peer *peer)
{
    c->generations = 0;
    c->pending = 0;
    for (unsigned i = 0; i < 2; i++) {
        if (!entry->psk[i] || memcmp(entry->public_key[i], public_key, MEDSEC_X25519_LEN) != 0) {
            continue;
        }
        memcpy(peer->psk[c->generations], entry->psk[i], MEDSEC_PSK_LEN);
        c->generation[c->generations] = entry->generation[i];
        c->pending |= (uint8_t)(i << c->generations);
        c->generations++;
    }
    peer->psks = c->generations;
    peer->profile = entry->profile;
    peer->device = c;
}

medsec_status medsec__identify_public(void *context, const uint8_t public_key[MEDSEC_X25519_LEN],
                                      medsec_suite suite, medsec_peer *peer)
{
    medsec__connection *c = context;
    const medsec_directory_entry *entry =
        medsec_directory_find_public(c->loop->directory, public_key);
    if (!entry || entry->suite != suite) {
        return MEDSEC_ERR_UNKNOWN_DEVICE;
    }
    if (entry->state != MEDSEC_DEVICE_ACTIVE) {
        return MEDSEC_ERR_REVOKED;
    }
    adopt(c, entry);
    give_psks(c, entry, public_key, peer);
    return MEDSEC_OK;
}

static const uint8_t *psk_of(const medsec_directory_entry *entry, uint32_t generation)
{
    for (unsigned i = 0; i < 2; i++) {
        if (entry->psk[i] && entry->generation[i] == generation) {
            return entry->psk[i];
        }
    }
    return NULL;
}

/* Numbers alone could be those of another registry in the place of this one. */
static bool keeps_psk(const medsec_directory_entry *was, const medsec_directory_entry *is,
                      uint32_t generation)
{
    const uint8_t *before = psk_of(was, generation), *now = psk_of(is, generation);
    return before && now && memcmp(before, now, MEDSEC_PSK_LEN) == 0;
}

static bool keeps_secrets(const medsec__connection *c, const medsec_directory_entry *was,
                          const medsec_directory_entry *is)
{
    if (was->wire == MEDSEC_WIRE_SEED) {
        return memcmp(was->key, is->key, MEDSEC_AES128_KEY_LEN) == 0 &&
               memcmp(was->iv, is->iv, MEDSEC_AES_BLOCK_LEN) == 0;
    }
    bool keeps = true;
    for (unsigned i = 0; i < c->generations; i++) {
        keeps = keeps && keeps_psk(was, is, c->generation[i]);
    }
    return keeps;
}

/* The same device under the same secret, in use or pending, and still welcome. */
static bool is_unchanged(const medsec__connection *c, const medsec_directory_entry *was,
                         const medsec_directory_entry *is)
{
    return was && is && is->state == MEDSEC_DEVICE_ACTIVE && was->wire == is->wire &&
           was->suite == is->suite && was->profile == is->profile && keeps_secrets(c, was, is);
}

static void close_strangers(medsec__loop *loop, medsec__place place, const medsec_directory *old)
{
    medsec__connection *next;
    for (medsec__connection *c = TAILQ_FIRST(&loop->places[place]); c; c = next) {
        next = TAILQ_NEXT(c, link);
        if (c->id[0] != '\0' && !is_unchanged(c, medsec_directory_find(old, c->id),
                                              medsec_directory_find(loop->directory, c->id))) {
            medsec__connection_reject(c, MEDSEC_ERR_REVOKED);
        }
    }
}

void medsec__identify_use(medsec__loop *loop, medsec_directory *directory)
{
    loop->directory = directory;
    loop->owner.keys = medsec_directory_gateway_keys(directory, &loop->owner.key_count);
}

void medsec__identify_renew(medsec__loop *loop)
{
    medsec_directory *old = loop->directory;
    medsec__identify_use(loop, medsec__watch_directory(loop->gateway));
    for (unsigned i = 0; i < MEDSEC__PLACES; i++) {
        close_strangers(loop, (medsec__place)i, old);
    }
    medsec_directory_unref(old);
}
