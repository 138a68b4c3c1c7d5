/* SPDX-License-Identifier: Apache-2.0 */
#include "primitives.h"

#include <bearssl.h>
#include <string.h>

enum { TAG = MEDSEC_CHACHAPOLY_TAG_LEN, NONCE = MEDSEC__BEAR_NONCE_LEN };

typedef struct sealing {
    const uint8_t *key;
    const uint8_t *nonce;
    const uint8_t *ad;
    size_t ad_len;
} sealing;

/* In place. The tag is of the ciphertext, also when that is what goes in. */
static void run(const sealing *how, uint8_t *data, size_t len, uint8_t tag[TAG],
                medsec_direction direction)
{
    br_poly1305_ctmul32_run(how->key, how->nonce, data, len, how->ad, how->ad_len, tag,
                            br_chacha20_ct_run, (int)direction);
    medsec__bear_wipe_stack();
}

static void move(uint8_t *out, const uint8_t *in, size_t len)
{
    if (len > 0) {
        memmove(out, in, len);
    }
}

medsec_status medsec__bear_chachapoly_seal_nonce(uint8_t *out,
                                                 const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                                 const uint8_t nonce[NONCE], const uint8_t *ad,
                                                 size_t ad_len, const uint8_t *in, size_t len)
{
    const sealing how = {key, nonce, ad, ad_len};
    move(out, in, len);
    run(&how, out, len, out + len, MEDSEC_ENCRYPT);
    return MEDSEC_OK;
}

medsec_status medsec__bear_chachapoly_open_nonce(uint8_t *out,
                                                 const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                                 const uint8_t nonce[NONCE], const uint8_t *ad,
                                                 size_t ad_len, const uint8_t *in, size_t len)
{
    const sealing how = {key, nonce, ad, ad_len};
    uint8_t given[TAG];
    uint8_t right[TAG];
    if (len < TAG) {
        return MEDSEC_ERR_CRYPTO;
    }
    len -= TAG;
    memcpy(given, in + len, TAG);
    move(out, in, len);
    run(&how, out, len, right, MEDSEC_DECRYPT);
    bool authentic = medsec__bear_equal(given, right, TAG);
    medsec__bear_wipe(right, TAG); /* it would make a forgery pass */
    if (!authentic) {
        medsec__bear_wipe(out, len);
    }
    return authentic ? MEDSEC_OK : MEDSEC_ERR_CRYPTO;
}

static void noise_nonce(uint8_t out[NONCE], uint64_t nonce)
{
    memset(out, 0, NONCE);
    for (unsigned i = 4; i < NONCE; i++) {
        out[i] = (uint8_t)(nonce >> 8 * (i - 4));
    }
}

medsec_status medsec__bear_chachapoly_seal(uint8_t *out,
                                           const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                           uint64_t nonce, const uint8_t *ad, size_t ad_len,
                                           const uint8_t *in, size_t len)
{
    uint8_t bytes[NONCE];
    noise_nonce(bytes, nonce);
    return medsec__bear_chachapoly_seal_nonce(out, key, bytes, ad, ad_len, in, len);
}

medsec_status medsec__bear_chachapoly_open(uint8_t *out,
                                           const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                           uint64_t nonce, const uint8_t *ad, size_t ad_len,
                                           const uint8_t *in, size_t len)
{
    uint8_t bytes[NONCE];
    noise_nonce(bytes, nonce);
    return medsec__bear_chachapoly_open_nonce(out, key, bytes, ad, ad_len, in, len);
}
