/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_SEED_FORM_H
#define FIRMWARE_SEED_FORM_H

#include <medsec/crypto.h>
#include <medsec/setup.h>

/*
 * The form of the seed's own page, for a device with a credential of the seed wire (docs/wire.md):
 * `server_ip=..&server_port=..&wifi_name=..&wifi_pass=..`, each value AES-128-CBC under the
 * device's key and a fixed IV, in hex; the text was filled with `#`, and every `#` is taken out.
 *
 * ERR_SYNTAX: not such a form. ERR_CRYPTO: it does not decrypt to text and a port: another key, as
 * far as that can be told without a tag. ERR_MESSAGE: it does, but medsec_setup_settings_check says
 * no. Nothing of it is kept then. ERR_PROVIDER.
 */
MEDSEC_CHECK medsec_status seed_form_open(medsec_setup_settings *settings,
                                          const medsec_crypto *crypto,
                                          const uint8_t key[MEDSEC_AES128_KEY_LEN],
                                          const char *query, size_t len);

#endif
