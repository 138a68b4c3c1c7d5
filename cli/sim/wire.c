/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <string.h>

medsec_status wire_open(wire *w, wire_kind kind, const medsec_credential *credential)
{
    memcpy(w->iv, credential->iv, sizeof w->iv);
    w->chaining = kind == WIRE_SEED_CHAINED ? MEDSEC_SEED_CHAINED : MEDSEC_SEED_PER_BLOCK;
    return medsec_aes_cbc_open(&w->aes, medsec_crypto_openssl(), MEDSEC_ENCRYPT, credential->key);
}

medsec_status wire_encode(wire *w, char *out, size_t cap, size_t *len,
                          const medsec_reading *reading)
{
    char text[WIRE_TEXT_MAX];
    size_t text_len = 0;
    const medsec_status status = medsec_reading_write_seed(text, sizeof text, &text_len,
                                                           &medsec_profile_pico_vitals, reading);

    if (status != MEDSEC_OK) {
        return status;
    }
    return medsec_seed_frame_encode(out, cap, len, &w->aes, w->chaining, w->iv, text, text_len);
}

void wire_close(wire *w)
{
    medsec_aes_cbc_close(&w->aes);
}
