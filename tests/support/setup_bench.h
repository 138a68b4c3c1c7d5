/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_SETUP_BENCH_H
#define MEDSEC_TESTS_SETUP_BENCH_H

#include "fake_wifi.h"
#include "flash_model.h"
#include "setup_mode.h"

/* Setup mode on the bench, without a module (fake_wifi.h), and its visitors. */

#define SETUP_BENCH_START_MS 1000u

typedef struct setup_bench {
    flash_model flash;
    board table;
    medsec_credential credential;
    drbg generator;
    setup_mode mode;
    uint64_t now_ms;
    char key[MEDSEC_SETUP_KEY_LEN]; /* the right one */
} setup_bench;

extern setup_bench visited;

/* For cmocka: a device of medsec/1, or of the seed wire with the key of the seed's vectors. */
int setup_bench_prepare(void **state);
int setup_bench_prepare_seed(void **state);
int setup_bench_finish(void **state);
/* As after a reset. */
void setup_bench_begin(void);
uint64_t setup_bench_poll(void);

void visitor_open(uint8_t link);
void visitor_push(uint8_t link, const void *data, size_t len);
#define VISITOR_ANSWER_MAX 1024u
/* The answer that is on its way on a link, as text with a NUL; its length. */
size_t visitor_answer(uint8_t link, char out[VISITOR_ANSWER_MAX]);
/* The module has the answer; the device closes. */
void visitor_end(uint8_t link);

/* A whole request on a connection of its own: status; body and its length when they are wanted. */
unsigned visitor_ask(const void *request, size_t len, char body[VISITOR_ANSWER_MAX],
                     size_t *body_len);
unsigned visitor_ask_text(const char *request, char body[VISITOR_ANSWER_MAX]);
void visitor_get_nonce(uint8_t nonce[MEDSEC_SETUP_NONCE_LEN], unsigned wanted_tries);

/* A form as the page makes it, with the head of its request. */
typedef struct visitor_post {
    uint8_t bytes[1024];
    size_t head_len;
    size_t len;
    uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN];
} visitor_post;

extern const medsec_setup_form visitor_form; /* settings that may be */

void visitor_make_post(visitor_post *out, const char with[MEDSEC_SETUP_KEY_LEN],
                       const uint8_t nonce[MEDSEC_SETUP_NONCE_LEN],
                       const medsec_setup_form *sealed);
/* Makes one of visitor_form, and asks with it. */
unsigned visitor_send_form(const char with[MEDSEC_SETUP_KEY_LEN],
                           const uint8_t nonce[MEDSEC_SETUP_NONCE_LEN],
                           char body[VISITOR_ANSWER_MAX]);
medsec_setup_status visitor_open_answer(const visitor_post *made, const char *body, size_t len);
/* The settings of visitor_form are in the flash, and fresh. */
bool visitor_is_saved(void);

#endif
