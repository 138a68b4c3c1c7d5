/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SETUP_H
#define MEDSEC_SETUP_H

#include <medsec/credential.h>

/*
 * The sealed form by which a person tells a device its network and its gateway (docs/wire.md,
 * "Setup page"). The device stands as an open access point, so whoever is near can listen and
 * speak: the form is sealed under the device's setup key, bound to a nonce that the device made,
 * and answered under the same key.
 *
 *     setup key   = first 100 bits of HKDF-SHA-256(IKM = psk, or key || iv of the seed wire,
 *                   salt = "medsec setup key", info = device id), as 20 characters of Crockford's
 *                   base 32: what medsec-keygen prints, and the person types or scans
 *     salt        = the device's nonce || 16 random bytes of the page: however often a nonce is
 *                   given to a page, it does not seal twice under the same keys
 *     form key || answer key = HKDF-SHA-256(IKM = the 20 characters, salt,
 *                   info = "medsec setup 1", 64 bytes); used for one form and one answer
 *     form        = salt || ChaCha20-Poly1305(form key, nonce 0, AD "form", 192 bytes)
 *     answer      = ChaCha20-Poly1305(answer key, nonce 0, AD "answer", status)
 */
#define MEDSEC_SETUP_KEY_LEN 20u /* characters, without the dashes between groups of four */
#define MEDSEC_SETUP_KEY_TEXT_LEN 24u /* characters with them */
#define MEDSEC_SETUP_NONCE_LEN 16u
#define MEDSEC_SETUP_SALT_LEN (2u * MEDSEC_SETUP_NONCE_LEN)
#define MEDSEC_SETUP_PLAIN_LEN 192u /* bytes; always, so that no length tells anything */
#define MEDSEC_SETUP_FORM_LEN \
    (MEDSEC_SETUP_SALT_LEN + MEDSEC_SETUP_PLAIN_LEN + MEDSEC_CHACHAPOLY_TAG_LEN)
#define MEDSEC_SETUP_ANSWER_LEN (1u + MEDSEC_CHACHAPOLY_TAG_LEN)

#define MEDSEC_SETUP_SERVER_MAX 64u /* characters of a host name or address */
#define MEDSEC_SETUP_SSID_MAX 32u /* bytes; IEEE 802.11 */
#define MEDSEC_SETUP_PASSWORD_MAX 63u /* characters, at least 8 (WPA2); none: an open network */

typedef struct medsec_setup_settings {
    char server[MEDSEC_SETUP_SERVER_MAX + 1];
    uint16_t port;
    char ssid[MEDSEC_SETUP_SSID_MAX + 1]; /* UTF-8 */
    char password[MEDSEC_SETUP_PASSWORD_MAX + 1]; /* printable ASCII */
} medsec_setup_settings;

typedef enum medsec_setup_kind {
    MEDSEC_SETUP_SETTINGS = 1, /* store these and go to work */
    MEDSEC_SETUP_DECOMMISSION = 2 /* wipe everything secret; the device is nobody's then */
} medsec_setup_kind;

typedef struct medsec_setup_form {
    medsec_setup_kind kind;
    medsec_setup_settings settings; /* of SETTINGS */
} medsec_setup_form;

typedef enum medsec_setup_status {
    MEDSEC_SETUP_DONE = 0,
    MEDSEC_SETUP_NOT_STORED = 1, /* the flash does not hold it */
    MEDSEC_SETUP_BAD_FORM = 2 /* rightly sealed, but a member is outside its limits */
} medsec_setup_status;

MEDSEC_BEGIN_DECLS

/* The setup key of a device. ERR_ARGUMENT: not a credential; ERR_PROVIDER. Wipe it when done. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_setup_key(char key[MEDSEC_SETUP_KEY_LEN],
                                                       const medsec_crypto *crypto,
                                                       const medsec_credential *credential);
/* `XXXX-XXXX-XXXX-XXXX-XXXX`, no NUL. */
MEDSEC_API void medsec_setup_key_text(char text[MEDSEC_SETUP_KEY_TEXT_LEN],
                                      const char key[MEDSEC_SETUP_KEY_LEN]);

/*
 * What the page does; here for tests and for tools that set up devices without a page. The second
 * half of `salt` must come from a cryptographic generator, for each form anew. `answer_key` opens
 * the answer; wipe it when done. ERR_ARGUMENT: no kind, or settings that the check below refuses.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_setup_form_seal(
    uint8_t out[MEDSEC_SETUP_FORM_LEN], uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN],
    const medsec_crypto *crypto, const char key[MEDSEC_SETUP_KEY_LEN],
    const uint8_t salt[MEDSEC_SETUP_SALT_LEN], const medsec_setup_form *form);
/*
 * What the device does. ERR_FRAME: another length; ERR_EXPIRED: another nonce than `nonce`;
 * ERR_CRYPTO: another key, or changed; ERR_MESSAGE: sealed rightly, but not a form (unknown version
 * or kind, a member outside its limits, bytes that should be zero). `form` is wiped then. There is
 * an `answer_key` with OK and ERR_MESSAGE, else it is wiped too.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_setup_form_open(
    medsec_setup_form *form, uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN],
    const medsec_crypto *crypto, const char key[MEDSEC_SETUP_KEY_LEN],
    const uint8_t nonce[MEDSEC_SETUP_NONCE_LEN], const uint8_t *data, size_t len);

/* One answer under one key. open: ERR_FRAME, ERR_CRYPTO, ERR_MESSAGE as above. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_setup_answer_seal(
    uint8_t out[MEDSEC_SETUP_ANSWER_LEN], const medsec_crypto *crypto,
    const uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN], medsec_setup_status status);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_setup_answer_open(
    medsec_setup_status *status, const medsec_crypto *crypto,
    const uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN], const uint8_t *data, size_t len);

/* ERR_ARGUMENT: a server that is neither a host name (RFC 1123) nor an IPv4 address; port 0; an
 * SSID of no or too many bytes, that is not UTF-8, or with control characters; a password of 1 to 7
 * characters or that is not printable ASCII. */
MEDSEC_API MEDSEC_CHECK medsec_status
medsec_setup_settings_check(const medsec_setup_settings *settings);

MEDSEC_END_DECLS

#endif
