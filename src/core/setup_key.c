/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/setup.h>

#include "credential_check.h"
#include "hkdf.h"
#include "text.h"

#include <string.h>

/* 0-9, then the letters without I, L, O and U; no table, as the address would tell the digit. */
static char to_digit(uint32_t five)
{
    static const uint8_t last[] = {9, 17, 19, 21, 26}; /* before a step */
    static const uint8_t step[] = {'A' - '9' - 1, 1, 1, 1, 1};
    uint32_t digit = '0' + five;
    for (size_t i = 0; i < sizeof last; i++) {
        digit += step[i] * ((last[i] - five) >> 31);
    }
    return (char)digit;
}

enum { KEY_BYTES = 16 }; /* of them 100 bits are used */

static medsec_status make_key(char key[MEDSEC_SETUP_KEY_LEN], const medsec_crypto *crypto,
                              const uint8_t *secret, size_t len, const char *device)
{
    uint8_t bits[KEY_BYTES];
    static const uint8_t text[] = "medsec setup key"; /* without the NUL */
    const medsec_bytes salt = {text, sizeof text - 1};
    const medsec_bytes id = {(const uint8_t *)device, medsec__length(device, MEDSEC_DEVICE_ID_MAX)};
    medsec_status status =
        medsec__hkdf(crypto, bits, sizeof bits, salt, (medsec_bytes){secret, len}, id);
    for (size_t i = 0; status == MEDSEC_OK && i < MEDSEC_SETUP_KEY_LEN; i++) {
        size_t at = 5 * i;
        uint32_t two = (uint32_t)bits[at / 8] << 8 | bits[at / 8 + 1];
        key[i] = to_digit(two >> (11 - at % 8) & 31);
    }
    crypto->wipe(bits, sizeof bits);
    return status;
}

medsec_status medsec_setup_key(char key[MEDSEC_SETUP_KEY_LEN], const medsec_crypto *crypto,
                               const medsec_credential *credential)
{
    uint8_t secret[MEDSEC_PSK_LEN];
    _Static_assert(sizeof secret == MEDSEC_AES128_KEY_LEN + MEDSEC_AES_BLOCK_LEN, "key || iv");
    if (key == NULL || crypto == NULL || credential == NULL ||
        medsec__credential_check(credential) != MEDSEC_OK) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (credential->wire == MEDSEC_WIRE_SEED) {
        memcpy(secret, credential->key, sizeof credential->key);
        memcpy(secret + sizeof credential->key, credential->iv, sizeof credential->iv);
    } else {
        memcpy(secret, credential->psk, sizeof secret);
    }
    medsec_status status = make_key(key, crypto, secret, sizeof secret, credential->device);
    crypto->wipe(secret, sizeof secret);
    return status;
}

void medsec_setup_key_text(char text[MEDSEC_SETUP_KEY_TEXT_LEN],
                           const char key[MEDSEC_SETUP_KEY_LEN])
{
    for (size_t i = 0; i < MEDSEC_SETUP_KEY_LEN; i++) {
        if (i > 0 && i % 4 == 0) {
            *text++ = '-';
        }
        *text++ = key[i];
    }
}
