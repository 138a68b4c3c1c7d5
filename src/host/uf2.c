/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/credential_file.h>
#include <medsec/provision.h>

#include "secret_file.h"
#include "store.h"

#include <sodium.h>
#include <string.h>

/*
 * UF2 (Microsoft, "USB Flashing Format"): blocks of 512 bytes, each with 256 bytes of flash and the
 * address they are for, so that a USB drive can be written in any order. Numbers little-endian.
 */
enum {
    BLOCK_LEN = 512,
    PAYLOAD_LEN = 256,
    WORD_LEN = 4,
    BLOCKS = MEDSEC_PROVISION_LEN / PAYLOAD_LEN
};

static const uint32_t flash_address = 0x10000000; /* where the RP2040 has its flash in memory */
static const uint32_t first_magic = 0x0a324655; /* "UF2\n" */
static const uint32_t second_magic = 0x9e5d5157;
static const uint32_t last_magic = 0x0ab16f30;
static const uint32_t has_family = 0x2000;
static const uint32_t rp2040_family = 0xe48bff56;

/* 2024-01-01, from when on first starts are numbered by the second: that lasts until 2160, and no
 * device starts more than once a second. */
static const uint64_t epoch_ms = 1704067200000;

static void store_words(uint8_t *out, const uint32_t *words, size_t count)
{
    for (size_t i = 0; i < WORD_LEN * count; i++) {
        out[i] = (uint8_t)(words[i / WORD_LEN] >> 8 * (i % WORD_LEN));
    }
}

static void write_block(uint8_t out[BLOCK_LEN], uint32_t number, const uint8_t *payload)
{
    const uint32_t head[] = {
        first_magic, second_magic,
        has_family,  flash_address + MEDSEC_PROVISION_OFFSET + number * PAYLOAD_LEN,
        PAYLOAD_LEN, number,
        BLOCKS,      rp2040_family};
    memset(out, 0, BLOCK_LEN);
    store_words(out, head, sizeof head / WORD_LEN);
    memcpy(out + sizeof head, payload, PAYLOAD_LEN);
    store_words(out + BLOCK_LEN - WORD_LEN, &last_magic, 1);
}

static medsec_status make_image(uint8_t image[MEDSEC_PROVISION_LEN], const medsec_crypto *crypto,
                                const medsec_credential *credential)
{
    medsec_boot_record first;
    uint64_t now_ms = medsec__now_ms();
    if (now_ms < epoch_ms) {
        return MEDSEC_ERR_STATE;
    }
    first.boot = (uint32_t)((now_ms - epoch_ms) / 1000);
    randombytes_buf(first.seed, sizeof first.seed);
    medsec_status status = medsec_provision_image(image, crypto, credential, &first);
    sodium_memzero(&first, sizeof first);
    return status;
}

/* The image stands in front of the room for the blocks. */
static medsec_status save(uint8_t *room, const medsec_credential *credential,
                          const medsec_crypto *crypto, const char *path)
{
    uint8_t *blocks = room + MEDSEC_PROVISION_LEN;
    medsec_status status = make_image(room, crypto, credential);
    if (status != MEDSEC_OK) {
        return status;
    }
    for (uint32_t i = 0; i < BLOCKS; i++) {
        write_block(blocks + (size_t)i * BLOCK_LEN, i, room + (size_t)i * PAYLOAD_LEN);
    }
    return medsec__secret_file_create(path, blocks, (size_t)BLOCKS * BLOCK_LEN);
}

medsec_status medsec_credential_save_uf2(const medsec_credential *credential,
                                         const medsec_crypto *crypto, const char *path)
{
    if (credential == NULL || crypto == NULL || path == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    uint8_t *room =
        sodium_init() < 0 ? NULL : sodium_malloc(MEDSEC_PROVISION_LEN + (size_t)BLOCKS * BLOCK_LEN);
    if (room == NULL) {
        return MEDSEC_ERR_MEMORY;
    }
    medsec_status status = save(room, credential, crypto, path);
    sodium_free(room);
    return status;
}
