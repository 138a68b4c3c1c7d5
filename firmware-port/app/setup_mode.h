/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_SETUP_MODE_H
#define FIRMWARE_SETUP_MODE_H

#include "drbg.h"
#include "http.h"
#include "led.h"
#include "wifi.h"

#include <medsec/setup.h>

/*
 * Setup mode: an open access point, and a web server at http://192.168.4.1/ with one page.
 *
 *     GET /          200  the page (page.h)
 *     GET /setup     200  {"setup":1,"nonce":"<32 hex digits>","tries":5,"version":"0.1.0"}: a new
 *                         nonce each time
 *     POST /setup         the form of medsec/setup.h, MEDSEC_SETUP_FORM_LEN bytes
 *                    200  the sealed answer, MEDSEC_SETUP_ANSWER_LEN bytes
 *                    403  {"error":"key","tries":4}: it does not open under the setup key
 *                    409  {"error":"nonce"}: not the last nonce given, or that was used: get one
 *                    429  {"error":"locked"}: SETUP_TRIES wrong keys since start
 *                    400  {"error":"request"}: anything else, also a request that is none
 *                    503  {"error":"busy"}: another connection sends something just now
 *     GET /action_page.php?...  the seed's form, when the credential is of the seed wire: 200, 400,
 *                    403, 409 or 429 with a sentence
 *     GET of anything else  302 to the page: so a telephone finds it that asks for the internet
 *                    404  for /favicon.ico
 *
 * An answer ends its connection, and so does SETUP_IDLE_MS without a whole request. A form that
 * opens is carried out before it is answered.
 */
#define SETUP_TRIES 5u
#define SETUP_IDLE_MS 10000u
#define SETUP_PORT 80u
#define SETUP_SSID "Med_IoT"

typedef enum setup_outcome {
    SETUP_WAITS, /* for a form */
    SETUP_SAVED, /* settings are stored, and it was said: start anew */
    SETUP_WIPED /* the device is nobody's, and it was said: start anew */
} setup_outcome;

#define SETUP_ANSWER_MAX 384u /* bytes of head and body, but for the page's */

typedef struct setup_link {
    http_request request;
    uint64_t until_ms; /* of the request, then of the answer */
    uint8_t state;
    char answer[SETUP_ANSWER_MAX];
} setup_link;

/* Do not touch members; they are here to give the size. */
typedef struct setup_mode {
    const board *board;
    const medsec_crypto *crypto;
    const medsec_credential *credential;
    drbg *drbg;
    wifi wifi;
    char key[MEDSEC_SETUP_KEY_LEN];
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    bool has_nonce; /* it was given to somebody, and not used */
    uint8_t wrong; /* keys, since start */
    uint8_t outcome; /* setup_outcome, once the answer is on its way */
    uint8_t teller; /* the link of that answer */
    uint8_t holder; /* the link whose query or body is in `input`; WIFI_LINKS: none */
    uint8_t code; /* led_code */
    uint16_t input_len;
    uint64_t leave_ms; /* with an outcome: not to wait longer for the other side */
    setup_link links[WIFI_LINKS];
    uint8_t input[HTTP_QUERY_MAX];
} setup_mode;

/* The credential must stay. ERR_PROVIDER. */
MEDSEC_CHECK medsec_status setup_mode_start(setup_mode *setup, const board *board,
                                            const medsec_crypto *crypto,
                                            const medsec_credential *credential, drbg *drbg);
/* What is to be done now; gives when to call again at the latest, if no byte comes before. */
uint64_t setup_mode_poll(setup_mode *setup, uint64_t now_ms);
setup_outcome setup_mode_outcome(const setup_mode *setup, uint64_t now_ms);
led_code setup_mode_led(const setup_mode *setup);

#endif
