/* SPDX-License-Identifier: Apache-2.0 */
#include "seed_form.h"

#include "http.h"

#include "core/text.h"

#include <medsec/hex.h>
#include <string.h>

enum {
    FILL = '#',
    PORT_DIGITS_MAX = 5,
    /* Of the longest value, a password, filled to whole blocks. */
    CIPHERTEXT_MAX = 64
};

static const uint8_t form_iv[MEDSEC_AES_BLOCK_LEN] = "BBBBBBBBBBBBBBBB"; /* of every seed device */

/* Takes `#` out; false: what is left is too long, or no text. Above ASCII is left to the check. */
static bool strip(char *out, size_t max, const uint8_t *text, size_t len)
{
    size_t kept = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == FILL) {
            continue;
        }
        if (kept == max || text[i] < ' ' || text[i] == 0x7f) {
            return false;
        }
        out[kept++] = (char)text[i];
    }
    out[kept] = '\0';
    return true;
}

/* One value: `out` has room for `max` characters and a NUL. */
static medsec_status open_value(char *out, size_t max, const medsec_crypto *crypto,
                                const uint8_t key[MEDSEC_AES128_KEY_LEN], const char *hex,
                                size_t hex_len)
{
    uint8_t text[CIPHERTEXT_MAX];
    const size_t len = hex_len / 2;
    if (hex == NULL || len == 0 || len % MEDSEC_AES_BLOCK_LEN != 0 || len > sizeof text ||
        medsec_hex_decode(text, hex, hex_len) != MEDSEC_OK) {
        return MEDSEC_ERR_SYNTAX;
    }
    medsec_status status = crypto->aes128_cbc_once(MEDSEC_DECRYPT, key, form_iv, text, text, len);
    if (status == MEDSEC_OK && !strip(out, max, text, len)) {
        status = MEDSEC_ERR_CRYPTO;
    }
    crypto->wipe(text, sizeof text);
    return status;
}

/* 0: not a port. */
static uint16_t read_port(const char *text)
{
    uint32_t port = 0;
    size_t len = medsec__length(text, PORT_DIGITS_MAX);
    for (size_t i = 0; i < len; i++) {
        if (!medsec__is_digit(text[i])) {
            return 0;
        }
        port = port * 10 + (uint32_t)(text[i] - '0');
    }
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static medsec_status open_all(medsec_setup_settings *settings, const medsec_crypto *crypto,
                              const uint8_t key[MEDSEC_AES128_KEY_LEN], const char *query,
                              size_t len)
{
    char port[PORT_DIGITS_MAX + 1] = "";
    const struct {
        const char *name;
        char *out;
        size_t max;
    } members[] = {{"server_ip", settings->server, MEDSEC_SETUP_SERVER_MAX},
                   {"server_port", port, PORT_DIGITS_MAX},
                   {"wifi_name", settings->ssid, MEDSEC_SETUP_SSID_MAX},
                   {"wifi_pass", settings->password, MEDSEC_SETUP_PASSWORD_MAX}};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        size_t hex_len = 0;
        const char *hex = http_query_value(query, len, members[i].name, &hex_len);
        medsec_status status =
            open_value(members[i].out, members[i].max, crypto, key, hex, hex_len);
        if (status != MEDSEC_OK) {
            return status;
        }
    }
    settings->port = read_port(port);
    if (settings->port == 0) {
        return MEDSEC_ERR_CRYPTO;
    }
    return medsec_setup_settings_check(settings) == MEDSEC_OK ? MEDSEC_OK : MEDSEC_ERR_MESSAGE;
}

medsec_status seed_form_open(medsec_setup_settings *settings, const medsec_crypto *crypto,
                             const uint8_t key[MEDSEC_AES128_KEY_LEN], const char *query,
                             size_t len)
{
    memset(settings, 0, sizeof *settings);
    medsec_status status = open_all(settings, crypto, key, query, len);
    crypto->aes128_cbc_forget();
    if (status != MEDSEC_OK) {
        crypto->wipe(settings, sizeof *settings);
    }
    return status;
}
