/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/setup.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static const char key[MEDSEC_SETUP_KEY_LEN] = "0123456789ABCDEFGHJK";
static const uint8_t salt[MEDSEC_SETUP_SALT_LEN] = "a nonce of 16 b.and of the page";
static uint8_t expected_key[MEDSEC_CHACHAPOLY_KEY_LEN]; /* of the answer */
static uint8_t form_key[MEDSEC_CHACHAPOLY_KEY_LEN];

/* The provider's, with the form's key noted on the way. */
static medsec_status seal(uint8_t *out, const uint8_t with[MEDSEC_CHACHAPOLY_KEY_LEN],
                          uint64_t nonce, const uint8_t *ad, size_t ad_len, const uint8_t *in,
                          size_t len)
{
    memcpy(form_key, with, sizeof form_key);
    return medsec_crypto_openssl()->chachapoly_seal(out, with, nonce, ad, ad_len, in, len);
}

static void find_keys(void)
{
    uint8_t out[MEDSEC_SETUP_FORM_LEN];
    const medsec_setup_form wipe = {.kind = MEDSEC_SETUP_DECOMMISSION};
    medsec_crypto crypto = *medsec_crypto_openssl();
    crypto.chachapoly_seal = seal;
    require(medsec_setup_form_seal(out, expected_key, &crypto, key, salt, &wipe) == MEDSEC_OK);
}

/* Anybody's bytes: nothing opens. */
static void check_forged(const uint8_t *data, size_t size)
{
    static const medsec_setup_form nothing;
    medsec_setup_form form;
    uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN];
    require(medsec_setup_form_open(&form, answer_key, medsec_crypto_openssl(), key, salt, data,
                                   size) != MEDSEC_OK);
    require(memcmp(&form, &nothing, sizeof form) == 0);
}

static void check_known(const uint8_t *sealed, const medsec_setup_form *form)
{
    uint8_t again[MEDSEC_SETUP_FORM_LEN];
    uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN];
    require(form->kind == MEDSEC_SETUP_DECOMMISSION ||
            medsec_setup_settings_check(&form->settings) == MEDSEC_OK);
    require(medsec_setup_form_seal(again, answer_key, medsec_crypto_openssl(), key, salt, form) ==
            MEDSEC_OK);
    require(memcmp(again, sealed, sizeof again) == 0);
}

/* The bytes of somebody who has the key: what opens is the one encoding of a form. */
static void check_sealed(const uint8_t plain[MEDSEC_SETUP_PLAIN_LEN])
{
    const medsec_crypto *crypto = medsec_crypto_openssl();
    uint8_t sealed[MEDSEC_SETUP_FORM_LEN];
    uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN];
    medsec_setup_form form;
    memcpy(sealed, salt, sizeof salt);
    require(crypto->chachapoly_seal(sealed + sizeof salt, form_key, 0, (const uint8_t *)"form", 4,
                                    plain, MEDSEC_SETUP_PLAIN_LEN) == MEDSEC_OK);
    medsec_status status =
        medsec_setup_form_open(&form, answer_key, crypto, key, salt, sealed, sizeof sealed);
    require(status == MEDSEC_OK || status == MEDSEC_ERR_MESSAGE);
    require(memcmp(answer_key, expected_key, sizeof answer_key) == 0);
    if (status == MEDSEC_OK) {
        check_known(sealed, &form);
    }
}

/*
 * Invariant: what was not sealed does not open; what was sealed opens when it is the encoding of
 * settings that may be stored, and no other bytes are. The input is a form, and the first 192 bytes
 * of it what is sealed in one; as no mutation finds a version and zeros, with those put in, too.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t plain[MEDSEC_SETUP_PLAIN_LEN] = {0};
    find_keys();
    check_forged(data, size);
    memcpy(plain, data, size < sizeof plain ? size : sizeof plain);
    check_sealed(plain);
    plain[0] = 1;
    memset(plain + 163, 0, sizeof plain - 163);
    check_sealed(plain);
    return 0;
}
