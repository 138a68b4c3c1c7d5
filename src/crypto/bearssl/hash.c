/* SPDX-License-Identifier: Apache-2.0 */
#include "primitives.h"

#include <bearssl.h>

medsec_status medsec__bear_sha256(uint8_t out[MEDSEC_SHA256_LEN], const medsec_bytes *parts,
                                  size_t count)
{
    br_sha256_context state;
    br_sha256_init(&state);
    for (size_t i = 0; i < count; i++) {
        br_sha256_update(&state, parts[i].data, parts[i].len);
    }
    br_sha256_out(&state, out);
    medsec__bear_wipe_stack();
    medsec__bear_wipe(&state, sizeof state);
    return MEDSEC_OK;
}

medsec_status medsec__bear_hmac_sha256(uint8_t out[MEDSEC_SHA256_LEN], const uint8_t *key,
                                       size_t key_len, const medsec_bytes *parts, size_t count)
{
    br_hmac_key_context pads;
    br_hmac_context state;
    br_hmac_key_init(&pads, &br_sha256_vtable, key, key_len);
    br_hmac_init(&state, &pads, 0); /* 0: the whole of the hash */
    for (size_t i = 0; i < count; i++) {
        br_hmac_update(&state, parts[i].data, parts[i].len);
    }
    br_hmac_out(&state, out);
    medsec__bear_wipe_stack();
    medsec__bear_wipe(&pads, sizeof pads);
    medsec__bear_wipe(&state, sizeof state);
    return MEDSEC_OK;
}
