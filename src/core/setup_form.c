/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/setup.h>

#include "big_endian.h"
#include "hkdf.h"
#include "text.h"

#include <string.h>

/* What is sealed; texts are filled with zeros, and so is all that a form does not have. */
enum {
    VERSION_AT = 0,
    KIND_AT = 1,
    PORT_AT = 2,
    SERVER_AT = 4,
    SSID_AT = SERVER_AT + MEDSEC_SETUP_SERVER_MAX,
    PASSWORD_AT = SSID_AT + MEDSEC_SETUP_SSID_MAX,
    USED_LEN = PASSWORD_AT + MEDSEC_SETUP_PASSWORD_MAX,
    VERSION = 1
};

_Static_assert(USED_LEN <= MEDSEC_SETUP_PLAIN_LEN, "the form fits");

/* Without their NUL. */
static const uint8_t keys_info[] = "medsec setup 1";
static const uint8_t form_ad[] = "form";
static const uint8_t answer_ad[] = "answer";

/* Of one form and its answer, in the order in which they are derived. */
typedef struct key_pair {
    uint8_t form[MEDSEC_CHACHAPOLY_KEY_LEN];
    uint8_t answer[MEDSEC_CHACHAPOLY_KEY_LEN];
} key_pair;

static medsec_status derive_keys(key_pair *keys, const medsec_crypto *crypto,
                                 const char key[MEDSEC_SETUP_KEY_LEN],
                                 const uint8_t salt[MEDSEC_SETUP_SALT_LEN])
{
    return medsec__hkdf(crypto, (uint8_t *)keys, sizeof *keys,
                        (medsec_bytes){salt, MEDSEC_SETUP_SALT_LEN},
                        (medsec_bytes){(const uint8_t *)key, MEDSEC_SETUP_KEY_LEN},
                        (medsec_bytes){keys_info, sizeof keys_info - 1});
}

static bool is_form(const medsec_setup_form *form)
{
    switch (form->kind) {
    case MEDSEC_SETUP_SETTINGS:
        return medsec_setup_settings_check(&form->settings) == MEDSEC_OK;
    case MEDSEC_SETUP_DECOMMISSION:
        return true;
    default:
        return false;
    }
}

static void write_text(uint8_t *out, const char *text, size_t max)
{
    memcpy(out, text, medsec__length(text, max));
}

static void write_plain(uint8_t plain[MEDSEC_SETUP_PLAIN_LEN], const medsec_setup_form *form)
{
    const medsec_setup_settings *settings = &form->settings;
    memset(plain, 0, MEDSEC_SETUP_PLAIN_LEN);
    plain[VERSION_AT] = VERSION;
    plain[KIND_AT] = (uint8_t)form->kind;
    if (form->kind == MEDSEC_SETUP_SETTINGS) {
        medsec__store_be(plain + PORT_AT, settings->port, 2);
        write_text(plain + SERVER_AT, settings->server, MEDSEC_SETUP_SERVER_MAX);
        write_text(plain + SSID_AT, settings->ssid, MEDSEC_SETUP_SSID_MAX);
        write_text(plain + PASSWORD_AT, settings->password, MEDSEC_SETUP_PASSWORD_MAX);
    }
}

/* Into a form that is all zero. A form has one encoding: what reads back differently is none. */
static medsec_status read_plain(medsec_setup_form *form, const medsec_crypto *crypto,
                                const uint8_t plain[MEDSEC_SETUP_PLAIN_LEN])
{
    medsec_setup_settings *settings = &form->settings;
    uint8_t again[MEDSEC_SETUP_PLAIN_LEN];
    form->kind = (medsec_setup_kind)plain[KIND_AT];
    settings->port = (uint16_t)medsec__load_be(plain + PORT_AT, 2);
    memcpy(settings->server, plain + SERVER_AT, MEDSEC_SETUP_SERVER_MAX);
    memcpy(settings->ssid, plain + SSID_AT, MEDSEC_SETUP_SSID_MAX);
    memcpy(settings->password, plain + PASSWORD_AT, MEDSEC_SETUP_PASSWORD_MAX);
    write_plain(again, form);
    bool good = crypto->equal(again, plain, sizeof again) && is_form(form);
    crypto->wipe(again, sizeof again);
    return good ? MEDSEC_OK : MEDSEC_ERR_MESSAGE;
}

static medsec_status seal_form(uint8_t out[MEDSEC_SETUP_FORM_LEN], const medsec_crypto *crypto,
                               const key_pair *keys, const uint8_t salt[MEDSEC_SETUP_SALT_LEN],
                               const medsec_setup_form *form)
{
    uint8_t *body = out + MEDSEC_SETUP_SALT_LEN;
    memcpy(out, salt, MEDSEC_SETUP_SALT_LEN);
    write_plain(body, form);
    return crypto->chachapoly_seal(body, keys->form, 0, form_ad, sizeof form_ad - 1, body,
                                   MEDSEC_SETUP_PLAIN_LEN);
}

medsec_status medsec_setup_form_seal(uint8_t out[MEDSEC_SETUP_FORM_LEN],
                                     uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                     const medsec_crypto *crypto,
                                     const char key[MEDSEC_SETUP_KEY_LEN],
                                     const uint8_t salt[MEDSEC_SETUP_SALT_LEN],
                                     const medsec_setup_form *form)
{
    key_pair keys;
    if (out == NULL || answer_key == NULL || crypto == NULL || key == NULL || salt == NULL ||
        form == NULL || !is_form(form)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_status status = derive_keys(&keys, crypto, key, salt);
    if (status == MEDSEC_OK) {
        status = seal_form(out, crypto, &keys, salt, form);
    }
    if (status == MEDSEC_OK) {
        memcpy(answer_key, keys.answer, sizeof keys.answer);
    } else {
        crypto->wipe(out, MEDSEC_SETUP_FORM_LEN);
    }
    crypto->wipe(&keys, sizeof keys);
    return status;
}

static medsec_status open_form(medsec_setup_form *form, const medsec_crypto *crypto,
                               const key_pair *keys, const uint8_t *sealed)
{
    uint8_t plain[MEDSEC_SETUP_PLAIN_LEN];
    medsec_status status =
        crypto->chachapoly_open(plain, keys->form, 0, form_ad, sizeof form_ad - 1, sealed,
                                MEDSEC_SETUP_PLAIN_LEN + MEDSEC_CHACHAPOLY_TAG_LEN);
    if (status == MEDSEC_OK) {
        status = read_plain(form, crypto, plain);
    }
    crypto->wipe(plain, sizeof plain);
    return status;
}

medsec_status medsec_setup_form_open(medsec_setup_form *form,
                                     uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                     const medsec_crypto *crypto,
                                     const char key[MEDSEC_SETUP_KEY_LEN],
                                     const uint8_t nonce[MEDSEC_SETUP_NONCE_LEN],
                                     const uint8_t *data, size_t len)
{
    key_pair keys;
    if (form == NULL || answer_key == NULL || crypto == NULL || key == NULL || nonce == NULL ||
        (data == NULL && len > 0)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    crypto->wipe(form, sizeof *form);
    crypto->wipe(answer_key, MEDSEC_CHACHAPOLY_KEY_LEN);
    if (len != MEDSEC_SETUP_FORM_LEN) {
        return MEDSEC_ERR_FRAME;
    }
    if (memcmp(data, nonce, MEDSEC_SETUP_NONCE_LEN) != 0) {
        return MEDSEC_ERR_EXPIRED;
    }
    medsec_status status = derive_keys(&keys, crypto, key, data);
    if (status == MEDSEC_OK) {
        status = open_form(form, crypto, &keys, data + MEDSEC_SETUP_SALT_LEN);
    }
    if (status == MEDSEC_OK || status == MEDSEC_ERR_MESSAGE) {
        memcpy(answer_key, keys.answer, sizeof keys.answer);
    }
    if (status != MEDSEC_OK) {
        crypto->wipe(form, sizeof *form);
    }
    crypto->wipe(&keys, sizeof keys);
    return status;
}

medsec_status medsec_setup_answer_seal(uint8_t out[MEDSEC_SETUP_ANSWER_LEN],
                                       const medsec_crypto *crypto,
                                       const uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                       medsec_setup_status status)
{
    const uint8_t byte = (uint8_t)status;
    if (out == NULL || crypto == NULL || answer_key == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    return crypto->chachapoly_seal(out, answer_key, 0, answer_ad, sizeof answer_ad - 1, &byte,
                                   sizeof byte);
}

medsec_status medsec_setup_answer_open(medsec_setup_status *status, const medsec_crypto *crypto,
                                       const uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                       const uint8_t *data, size_t len)
{
    uint8_t byte = 0;
    if (status == NULL || crypto == NULL || answer_key == NULL || (data == NULL && len > 0)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (len != MEDSEC_SETUP_ANSWER_LEN) {
        return MEDSEC_ERR_FRAME;
    }
    medsec_status opened =
        crypto->chachapoly_open(&byte, answer_key, 0, answer_ad, sizeof answer_ad - 1, data, len);
    if (opened == MEDSEC_OK && byte > MEDSEC_SETUP_BAD_FORM) {
        opened = MEDSEC_ERR_MESSAGE;
    }
    if (opened == MEDSEC_OK) {
        *status = (medsec_setup_status)byte;
    }
    return opened;
}
