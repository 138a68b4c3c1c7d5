/* SPDX-License-Identifier: Apache-2.0 */
#include "v1_gateway.h"

#include <string.h>

void v1_random(void *context, uint8_t *out, size_t len)
{
    uint64_t *counter = context;
    for (size_t i = 0; i < len; i++) {
        /* splitmix64 */
        uint64_t x = *counter += 0x9E3779B97F4A7C15u;
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
        x = (x ^ x >> 27) * 0x94D049BB133111EBu;
        out[i] = (uint8_t)(x ^ x >> 31);
    }
}

static medsec_status make_pair(medsec_keypair *pair, uint64_t *seed)
{
    v1_random(seed, pair->private_key, sizeof pair->private_key);
    return medsec_crypto_openssl()->x25519_public(pair->public_key, pair->private_key);
}

medsec_status v1_keys_make(v1_keys *keys, uint64_t seed, medsec_suite suite)
{
    keys->suite = suite;
    v1_random(&seed, keys->psk, sizeof keys->psk);
    medsec_status status = make_pair(&keys->device, &seed);
    return status == MEDSEC_OK ? make_pair(&keys->gateway, &seed) : status;
}

void v1_credential(medsec_credential *credential, const v1_keys *keys)
{
    memset(credential, 0, sizeof *credential);
    strcpy(credential->device, "iot_med_dev_01");
    strcpy(credential->profile, MEDSEC_PROFILE_DEFAULT);
    credential->wire = MEDSEC_WIRE_MEDSEC1;
    credential->suite = (uint8_t)keys->suite;
    credential->has_private = true;
    memcpy(credential->device_private, keys->device.private_key, MEDSEC_X25519_LEN);
    memcpy(credential->device_public, keys->device.public_key, MEDSEC_X25519_LEN);
    memcpy(credential->psk, keys->psk, MEDSEC_PSK_LEN);
    memcpy(credential->gateway_public, keys->gateway.public_key, MEDSEC_X25519_LEN);
}

static medsec_status open_handshake(v1_gateway *g, medsec_handshake *handshake)
{
    uint8_t prologue[] = "medsec/1?";
    uint8_t ephemeral[MEDSEC_X25519_LEN];
    prologue[8] = MEDSEC_RECORD_FLAGS(g->keys->suite);
    v1_random(&g->seed, ephemeral, sizeof ephemeral);
    medsec_status status =
        medsec_handshake_open(handshake, medsec_crypto_openssl(), MEDSEC_PATTERN_IKPSK1,
                              MEDSEC_RESPONDER, prologue, sizeof prologue - 1);
    if (status == MEDSEC_OK) {
        status = medsec_handshake_set_static(handshake, g->keys->gateway.private_key,
                                             g->keys->gateway.public_key);
    }
    medsec_handshake_set_psk(handshake, g->keys->psk);
    return status == MEDSEC_OK ? medsec_handshake_set_ephemeral(handshake, ephemeral) : status;
}

static medsec_status read_hello(v1_gateway *g, medsec_handshake *handshake, const uint8_t *hello,
                                size_t len)
{
    medsec_record_header header;
    uint8_t payload[MEDSEC_HELLO_LEN];
    size_t payload_len = 0;
    if (len != MEDSEC_HELLO_LEN || medsec_record_read_header(&header, hello) != MEDSEC_OK ||
        header.type != MEDSEC_RECORD_HELLO || header.flags != MEDSEC_RECORD_FLAGS(g->keys->suite) ||
        header.length != len - MEDSEC_RECORD_HEADER_LEN) {
        return MEDSEC_ERR_FRAME;
    }
    medsec_status status =
        medsec_handshake_read(handshake, payload, &payload_len, hello + MEDSEC_RECORD_HEADER_LEN,
                              len - MEDSEC_RECORD_HEADER_LEN);
    if (status != MEDSEC_OK || payload_len != 8 ||
        memcmp(medsec_handshake_remote_static(handshake), g->keys->device.public_key,
               MEDSEC_X25519_LEN) != 0) {
        return status != MEDSEC_OK ? status : MEDSEC_ERR_MESSAGE;
    }
    const uint8_t *p = payload;
    g->boot = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    g->features = (uint32_t)p[4] << 24 | (uint32_t)p[5] << 16 | (uint32_t)p[6] << 8 | p[7];
    return MEDSEC_OK;
}

static medsec_status write_welcome(medsec_handshake *handshake, medsec_suite suite, uint64_t utc_ms,
                                   uint8_t out[MEDSEC_WELCOME_LEN])
{
    uint8_t payload[8];
    size_t len = 0;
    for (size_t i = 0; i < sizeof payload; i++) {
        payload[i] = (uint8_t)(utc_ms >> (56 - 8 * i));
    }
    medsec_record_write_header(
        out, (medsec_record_header){.type = MEDSEC_RECORD_WELCOME,
                                    .flags = MEDSEC_RECORD_FLAGS(suite),
                                    .length = MEDSEC_WELCOME_LEN - MEDSEC_RECORD_HEADER_LEN});
    return medsec_handshake_write(handshake, out + MEDSEC_RECORD_HEADER_LEN,
                                  MEDSEC_WELCOME_LEN - MEDSEC_RECORD_HEADER_LEN, &len, payload,
                                  sizeof payload);
}

static medsec_status begin_records(v1_gateway *g, medsec_handshake *handshake)
{
    uint8_t to_gateway[MEDSEC_CHACHAPOLY_KEY_LEN];
    uint8_t to_device[MEDSEC_CHACHAPOLY_KEY_LEN];
    medsec_status status = medsec_handshake_split(handshake, to_gateway, to_device);
    if (status == MEDSEC_OK) {
        status =
            medsec_record_open(&g->to_gateway, medsec_crypto_openssl(), g->keys->suite, to_gateway);
    }
    if (status == MEDSEC_OK) {
        status =
            medsec_record_open(&g->to_device, medsec_crypto_openssl(), g->keys->suite, to_device);
    }
    return status;
}

medsec_status v1_gateway_welcome(v1_gateway *gateway, const uint8_t *hello, size_t len,
                                 uint64_t utc_ms, uint8_t out[MEDSEC_WELCOME_LEN])
{
    medsec_handshake handshake;
    medsec_status status = open_handshake(gateway, &handshake);
    if (status == MEDSEC_OK) {
        status = read_hello(gateway, &handshake, hello, len);
    }
    if (status == MEDSEC_OK) {
        status = write_welcome(&handshake, gateway->keys->suite, utc_ms, out);
    }
    if (status == MEDSEC_OK) {
        status = begin_records(gateway, &handshake);
    }
    medsec_handshake_close(&handshake);
    return status;
}

medsec_status v1_gateway_open(v1_gateway *gateway, uint8_t *data, size_t len, medsec_kind *kind,
                              uint8_t **message, size_t *message_len)
{
    medsec_status status =
        medsec_record_unseal(&gateway->to_gateway, data, len, message, message_len);
    return status == MEDSEC_OK ? medsec_message_kind(kind, *message, *message_len) : status;
}

size_t v1_gateway_seal(v1_gateway *gateway, uint8_t out[MEDSEC_RECORD_LEN_MAX],
                       const uint8_t *message, size_t len)
{
    size_t total = 0;
    medsec_status status =
        medsec_record_seal(&gateway->to_device, out, MEDSEC_RECORD_LEN_MAX, &total, message, len);
    return status == MEDSEC_OK ? total : 0;
}

size_t v1_gateway_say(v1_gateway *gateway, uint8_t out[MEDSEC_RECORD_LEN_MAX],
                      const medsec_control *control)
{
    uint8_t message[MEDSEC_CONTROL_LEN_MAX];
    size_t len = 0;
    medsec_status status = medsec_control_encode(message, sizeof message, &len, control);
    return status == MEDSEC_OK ? v1_gateway_seal(gateway, out, message, len) : 0;
}
