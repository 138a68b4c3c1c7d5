/* SPDX-License-Identifier: Apache-2.0 */
#include "primitives.h"

#include <bearssl.h>
#include <string.h>

/* What a medsec_cipher holds. BearSSL's own first member tells which of the two it is. */
typedef union keys {
    const void *vtable;
    br_aes_ct_cbcenc_keys encrypt;
    br_aes_ct_cbcdec_keys decrypt;
} keys;

_Static_assert(sizeof(keys) <= sizeof(medsec_cipher), "a key schedule fits in place");
_Static_assert(_Alignof(keys) <= _Alignof(medsec_cipher), "and lies right");

static keys *keys_of(medsec_cipher *cipher)
{
    return (keys *)(void *)cipher->opaque;
}

static bool encrypts(const keys *all)
{
    return all->vtable == &br_aes_ct_cbcenc_vtable;
}

static void set_key(keys *all, medsec_direction direction, const uint8_t key[MEDSEC_AES128_KEY_LEN])
{
    if (direction == MEDSEC_ENCRYPT) {
        br_aes_ct_cbcenc_init(&all->encrypt, key, MEDSEC_AES128_KEY_LEN);
    } else {
        br_aes_ct_cbcdec_init(&all->decrypt, key, MEDSEC_AES128_KEY_LEN);
    }
}

static void run(const keys *all, uint8_t iv[MEDSEC_AES_BLOCK_LEN], uint8_t *out, const uint8_t *in,
                size_t len)
{
    if (len == 0) {
        return;
    }
    memmove(out, in, len);
    if (encrypts(all)) {
        br_aes_ct_cbcenc_run(&all->encrypt, iv, out, len);
    } else {
        br_aes_ct_cbcdec_run(&all->decrypt, iv, out, len);
    }
}

medsec_status medsec__bear_aes128_cbc_open(medsec_cipher *cipher, medsec_direction direction,
                                           const uint8_t key[MEDSEC_AES128_KEY_LEN])
{
    set_key(keys_of(cipher), direction, key);
    medsec__bear_wipe_stack();
    return MEDSEC_OK;
}

medsec_status medsec__bear_aes128_cbc_rekey(medsec_cipher *cipher,
                                            const uint8_t key[MEDSEC_AES128_KEY_LEN])
{
    keys *all = keys_of(cipher);
    set_key(all, encrypts(all) ? MEDSEC_ENCRYPT : MEDSEC_DECRYPT, key);
    medsec__bear_wipe_stack();
    return MEDSEC_OK;
}

medsec_status medsec__bear_aes128_cbc_run(medsec_cipher *cipher, uint8_t iv[MEDSEC_AES_BLOCK_LEN],
                                          uint8_t *out, const uint8_t *in, size_t len)
{
    run(keys_of(cipher), iv, out, in, len);
    medsec__bear_wipe_stack();
    return MEDSEC_OK;
}

void medsec__bear_aes128_cbc_close(medsec_cipher *cipher)
{
    medsec__bear_wipe(cipher, sizeof *cipher);
}

medsec_status medsec__bear_aes128_cbc_once(medsec_direction direction,
                                           const uint8_t key[MEDSEC_AES128_KEY_LEN],
                                           const uint8_t iv[MEDSEC_AES_BLOCK_LEN], uint8_t *out,
                                           const uint8_t *in, size_t len)
{
    keys all;
    uint8_t chain[MEDSEC_AES_BLOCK_LEN];
    memcpy(chain, iv, sizeof chain);
    set_key(&all, direction, key);
    run(&all, chain, out, in, len);
    medsec__bear_wipe_stack();
    medsec__bear_wipe(&all, sizeof all);
    medsec__bear_wipe(chain, sizeof chain);
    return MEDSEC_OK;
}
