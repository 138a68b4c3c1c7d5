/* SPDX-License-Identifier: Apache-2.0 */
#include "device_parts.h"
#include "text.h"

#include <string.h>

static uint32_t or_default(uint32_t given, uint32_t otherwise)
{
    return given != 0 ? given : otherwise;
}

static bool is_credential(const medsec_credential *credential, const medsec_profile *profile)
{
    size_t len = medsec__length(credential->profile, sizeof credential->profile);
    return credential->wire == MEDSEC_WIRE_MEDSEC1 && credential->has_private &&
           (credential->suite == MEDSEC_SUITE_A128CBC_HS256 ||
            credential->suite == MEDSEC_SUITE_CHACHAPOLY) &&
           medsec__text_is(profile->name, credential->profile, len);
}

static void take_credential(medsec_device *device, const medsec_credential *credential)
{
    device->suite = credential->suite;
    memcpy(device->device_private, credential->device_private, sizeof device->device_private);
    memcpy(device->device_public, credential->device_public, sizeof device->device_public);
    memcpy(device->psk, credential->psk, sizeof device->psk);
    memcpy(device->gateway_public, credential->gateway_public, sizeof device->gateway_public);
}

static void take_options(medsec_device *device, const medsec_device_options *options)
{
    device->crypto = options->crypto;
    device->profile = options->profile;
    device->random = options->random;
    device->random_context = options->random_context;
    device->no_sampling = options->no_sampling;
    device->boot = options->boot;
    device->features = options->features;
    device->handshake_timeout_ms =
        or_default(options->handshake_timeout_ms, MEDSEC_DEVICE_HANDSHAKE_TIMEOUT_MS);
    device->ack_timeout_ms = or_default(options->ack_timeout_ms, MEDSEC_DEVICE_ACK_TIMEOUT_MS);
    device->backoff_min_ms = or_default(options->backoff_min_ms, MEDSEC_DEVICE_BACKOFF_MIN_MS);
    device->backoff_max_ms = or_default(options->backoff_max_ms, MEDSEC_DEVICE_BACKOFF_MAX_MS);
    device->backoff_ms = device->backoff_min_ms;
}

medsec_status medsec_device_open(medsec_device *device, const medsec_device_options *options,
                                 uint64_t now_ms)
{
    if (device == NULL || options == NULL || options->crypto == NULL || options->profile == NULL ||
        options->credential == NULL || options->random == NULL || options->profile->count < 1 ||
        options->profile->count > MEDSEC_VITALS_MAX ||
        !is_credential(options->credential, options->profile)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    memset(device, 0, sizeof *device);
    take_options(device, options);
    medsec__config_defaults(&device->config);
    if (device->backoff_max_ms < device->backoff_min_ms ||
        !medsec__config_apply(&device->config, &options->config) ||
        !medsec__ring_open(&device->ring, options->ring, options->ring_len,
                           options->profile->count)) {
        memset(device, 0, sizeof *device);
        return MEDSEC_ERR_ARGUMENT;
    }
    take_credential(device, options->credential);
    device->state = MEDSEC__DEVICE_IDLE;
    device->deadline_ms = now_ms;
    device->next_sample_ms = now_ms;
    return MEDSEC_OK;
}

void medsec__device_set_utc(medsec_device *device, uint64_t now_ms, uint64_t utc_ms,
                            medsec_time_quality quality)
{
    if (quality < device->time_quality) {
        return; /* its own clock is better than a gateway's word */
    }
    device->time_quality = (uint8_t)quality;
    device->clock_offset_ms = utc_ms - now_ms;
    medsec__ring_set_utc(&device->ring, device->clock_offset_ms, device->time_quality);
}

void medsec_device_set_clock(medsec_device *device, uint64_t now_ms, uint64_t utc_ms)
{
    medsec__device_set_utc(device, now_ms, utc_ms, MEDSEC_TIME_OWN);
}

medsec_status medsec_device_sample(medsec_device *device, uint64_t at_ms,
                                   const medsec_reading *reading)
{
    if (device == NULL || reading == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (device->state == MEDSEC__DEVICE_CLOSED || device->finishing) {
        return MEDSEC_ERR_STATE;
    }
    if (device->ring.end > UINT32_MAX) {
        return MEDSEC_ERR_LIMIT;
    }
    medsec__entry entry = {.at_ms = (uint32_t)at_ms, .quality = device->time_quality};
    medsec_status status = medsec_sample_from_reading(&entry.sample, device->profile, reading);
    if (status != MEDSEC_OK) {
        return status;
    }
    entry.sample.time_ms = device->time_quality == MEDSEC_TIME_UNKNOWN
                               ? at_ms
                               : medsec__utc_ms(at_ms, device->clock_offset_ms);
    device->stats.sampled++;
    device->stats.dropped += medsec__ring_push(&device->ring, &entry) ? 1 : 0;
    return MEDSEC_OK;
}

void medsec_device_finish(medsec_device *device)
{
    device->finishing = true;
}

bool medsec_device_finished(const medsec_device *device)
{
    return device->finishing && device->state == MEDSEC__DEVICE_IDLE && device->ring.count == 0;
}

void medsec_device_get_config(const medsec_device *device, medsec_config *config)
{
    *config = device->config;
}

void medsec_device_get_stats(const medsec_device *device, medsec_device_stats *stats)
{
    *stats = device->stats;
    stats->pending = device->ring.count;
}

void medsec_device_close(medsec_device *device)
{
    const medsec_crypto *crypto = device->crypto;
    if (crypto != NULL) {
        crypto->wipe(device->ring.memory, device->ring.slots * device->ring.slot_len);
        crypto->wipe(device, sizeof *device);
    }
}
