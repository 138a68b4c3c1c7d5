/* SPDX-License-Identifier: Apache-2.0 */
#include "credential_check.h"

#include "text.h"

#include <medsec/topic.h>

static bool is_printable(const uint8_t *text, size_t len)
{
    return medsec__span((const char *)text, len, MEDSEC__PRINTABLE) == len;
}

static bool is_zero(const uint8_t *data, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++) {
        any |= data[i];
    }
    return any == 0;
}

static bool is_profile_char(char c)
{
    return (c >= 'a' && c <= 'z') || medsec__is_digit(c) || c == '-';
}

static bool is_profile_name(const char *name, size_t cap)
{
    size_t len = 0;
    while (len < cap && is_profile_char(name[len])) {
        len++;
    }
    return len > 0 && len < cap && name[len] == '\0';
}

static bool has_seed_keys(const medsec_credential *credential)
{
    return credential->suite == MEDSEC_SUITE_NONE &&
           is_printable(credential->key, sizeof credential->key) &&
           is_printable(credential->iv, sizeof credential->iv);
}

static bool has_medsec1_keys(const medsec_credential *credential)
{
    bool suite = credential->suite == MEDSEC_SUITE_A128CBC_HS256 ||
                 credential->suite == MEDSEC_SUITE_CHACHAPOLY;
    return suite && !is_zero(credential->device_public, sizeof credential->device_public) &&
           !is_zero(credential->psk, sizeof credential->psk);
}

static bool has_keys(const medsec_credential *credential)
{
    switch (credential->wire) {
    case MEDSEC_WIRE_SEED:
        return has_seed_keys(credential);
    case MEDSEC_WIRE_MEDSEC1:
        return has_medsec1_keys(credential);
    default:
        return false;
    }
}

medsec_status medsec__credential_check(const medsec_credential *credential)
{
    size_t len = medsec__length(credential->device, sizeof credential->device);
    medsec_status status = medsec_device_id_check(credential->device, len);
    if (status != MEDSEC_OK) {
        return status;
    }
    bool good =
        is_profile_name(credential->profile, sizeof credential->profile) && has_keys(credential);
    return good ? MEDSEC_OK : MEDSEC_ERR_ARGUMENT;
}

medsec_status medsec__credential_check_whole(const medsec_credential *credential)
{
    medsec_status status = medsec__credential_check(credential);
    bool lost = credential->wire == MEDSEC_WIRE_MEDSEC1 &&
                is_zero(credential->gateway_public, sizeof credential->gateway_public);
    return status == MEDSEC_OK && lost ? MEDSEC_ERR_ARGUMENT : status;
}
