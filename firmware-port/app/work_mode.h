/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_WORK_MODE_H
#define FIRMWARE_WORK_MODE_H

#include "led.h"
#include "seed_sender.h"
#include "sensors.h"
#include "wifi.h"

#include <medsec/device.h>
#include <medsec/setup.h>

/*
 * Work mode, for ever: joins the network, connects to the gateway, and brings it what the sensors
 * give, on the wire of the credential. Everything that fails is tried again; meanwhile readings are
 * kept, the newest WORK_RING_LEN bytes of them. On medsec/1 a CONFIG changes the pace.
 */
#define WORK_READINGS 200u /* 10 s at 20 Hz */
#define WORK_RING_LEN (WORK_READINGS * MEDSEC_DEVICE_SLOT_LEN(SEED_SENDER_VITALS))
#define WORK_OUT_LEN 1024u /* bytes: a batch of 20 takes 300, a frame of the seed wire 263 */

typedef struct work_mode_options {
    const board *board;
    const medsec_crypto *crypto;
    const medsec_credential *credential;
    const medsec_setup_settings *settings; /* must stay */
    void (*random)(void *context, uint8_t *out, size_t len);
    void *random_context;
    uint32_t boot;
} work_mode_options;

/* Do not touch members; they are here to give the size. */
typedef struct work_mode {
    const board *board;
    const medsec_setup_settings *settings;
    wifi wifi;
    sensors sensors;
    union {
        medsec_device device; /* medsec/1 */
        seed_sender sender;
    } wire;
    bool is_seed;
    bool up; /* the network */
    bool sending; /* `out` is with the module */
    bool unwanted; /* the connection is to be closed, as soon as that is possible */
    uint8_t link;
    uint8_t code; /* led_code while there is no session */
    uint32_t interval_ms;
    uint32_t unfit; /* readings that medsec/1 cannot hold: there should be none */
    uint64_t sessions; /* before this connection */
    uint8_t out[WORK_OUT_LEN];
    uint8_t ring[WORK_RING_LEN];
} work_mode;

/* ERR_ARGUMENT: the credential is not of this kind of device (another profile, no private key);
 * ERR_PROVIDER. */
MEDSEC_CHECK medsec_status work_mode_start(work_mode *work, const work_mode_options *options);
/* What is to be done now; gives when to call again at the latest, if neither byte nor sample comes
 * before. Takes up to a third of a second: a handshake. */
uint64_t work_mode_poll(work_mode *work);
led_code work_mode_led(const work_mode *work);

#endif
