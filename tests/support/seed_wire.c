/* SPDX-License-Identifier: Apache-2.0 */
#include "seed_wire.h"

#include "unit.h"

#include <medsec/hex.h>
#include <string.h>

static void open_encrypting(medsec_aes_cbc *aes, const char *key)
{
    assert_int_equal(
        medsec_aes_cbc_open(aes, medsec_crypto_openssl(), MEDSEC_ENCRYPT, (const uint8_t *)key),
        MEDSEC_OK);
}

void seed_wire_frame(seed_wire *wire, medsec_seed_chaining chaining, const char *key,
                     const char *text, size_t text_len)
{
    medsec_aes_cbc aes;
    size_t len = 0;
    open_encrypting(&aes, key);
    assert_int_equal(medsec_seed_frame_encode(wire->text + wire->len, sizeof wire->text - wire->len,
                                              &len, &aes, chaining, (const uint8_t *)SEED_IV, text,
                                              text_len),
                     MEDSEC_OK);
    wire->len += len;
    medsec_aes_cbc_close(&aes);
}

void seed_wire_add(seed_wire *wire, medsec_seed_chaining chaining, const char *text)
{
    seed_wire_frame(wire, chaining, SEED_KEY, text, strlen(text));
}

void seed_wire_block(seed_wire *wire, const char *key, const char *text)
{
    medsec_aes_cbc aes;
    uint8_t block[MEDSEC_AES_BLOCK_LEN];
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    memcpy(block, text, sizeof block);
    memcpy(iv, SEED_IV, sizeof iv);
    open_encrypting(&aes, key);
    assert_int_equal(medsec_aes_cbc_run(&aes, block, block, sizeof block, iv), MEDSEC_OK);
    medsec_aes_cbc_close(&aes);
    assert_true(wire->len + 2 * sizeof block <= sizeof wire->text);
    medsec_hex_encode(wire->text + wire->len, block, sizeof block);
    wire->len += 2 * sizeof block;
}
