/* SPDX-License-Identifier: Apache-2.0 */
#include "setup_answers.h"

#include "identity.h"
#include "seed_form.h"
#include "settings.h"

#include "core/text.h"
#include "core/writer.h"

#include <medsec/hex.h>
#include <medsec/version.h>
#include <string.h>

#define PAGE_PATH "/"
#define SETUP_PATH "/setup"
#define SEED_PATH "/action_page.php"
#define ICON_PATH "/favicon.ico" /* browsers ask; the page in its place would take a second */

static bool is(const http_request *request, http_method method, const char *path)
{
    return request->method == method && http_path_is(request, path);
}

bool setup_answers_page(const http_request *request)
{
    return is(request, HTTP_GET, PAGE_PATH);
}

static bool is_seed_form(const setup_mode *setup, const http_request *request)
{
    return setup->credential->wire == MEDSEC_WIRE_SEED && is(request, HTTP_GET, SEED_PATH);
}

bool setup_answers_wants_input(const setup_mode *setup, const http_request *request)
{
    return is_seed_form(setup, request) ||
           (is(request, HTTP_POST, SETUP_PATH) && request->body_len == MEDSEC_SETUP_FORM_LEN);
}

/* Head and body; 0: does not fit. */
static size_t write(char out[SETUP_ANSWER_MAX], const http_answer *answer, const void *body)
{
    size_t len = http_answer_head(out, SETUP_ANSWER_MAX, answer);
    if (len == 0 || answer->len > SETUP_ANSWER_MAX - len) {
        return 0;
    }
    memcpy(out + len, body, answer->len);
    return len + answer->len;
}

static size_t write_text(char out[SETUP_ANSWER_MAX], uint16_t status, const char *type,
                         const char *text)
{
    const http_answer answer = {.status = status,
                                .type = type,
                                .len = medsec__length(text, SETUP_ANSWER_MAX),
                                .fields = ""};
    return write(out, &answer, text);
}

size_t setup_answers_json(char out[SETUP_ANSWER_MAX], uint16_t status, const char *body)
{
    return write_text(out, status, "application/json", body);
}

static size_t say(char out[SETUP_ANSWER_MAX], uint16_t status, const char *sentence)
{
    return write_text(out, status, "text/plain", sentence);
}

static uint8_t tries_left(const setup_mode *setup)
{
    return (uint8_t)(SETUP_TRIES - setup->wrong);
}

static size_t give_nonce(setup_mode *setup, char *out)
{
    char hex[2 * MEDSEC_SETUP_NONCE_LEN];
    char body[128] = "";
    medsec__writer writer = {.out = body, .cap = sizeof body - 1};
    drbg_random(setup->drbg, setup->nonce, sizeof setup->nonce);
    setup->has_nonce = true;
    medsec_hex_encode(hex, setup->nonce, sizeof setup->nonce);
    medsec__write_text(&writer, "{\"setup\":1,\"nonce\":\"");
    medsec__write(&writer, hex, sizeof hex);
    medsec__write_text(&writer, "\",\"tries\":");
    medsec__write_number(&writer, tries_left(setup), 1);
    medsec__write_text(&writer, ",\"version\":\"" MEDSEC_VERSION_STRING "\"}");
    return setup_answers_json(out, 200, body);
}

static size_t refuse_key(setup_mode *setup, char *out)
{
    char body[] = "{\"error\":\"key\",\"tries\":0}";
    setup->wrong++;
    body[sizeof body - 3] = (char)('0' + tries_left(setup));
    return setup_answers_json(out, 403, body);
}

static bool save(setup_mode *setup, const medsec_setup_settings *settings)
{
    bool saved = settings_save(setup->board, setup->crypto, settings);
    setup->outcome = saved ? SETUP_SAVED : SETUP_WAITS;
    return saved;
}

static medsec_setup_status carry_out(setup_mode *setup, const medsec_setup_form *form)
{
    if (form->kind == MEDSEC_SETUP_DECOMMISSION) {
        setup->outcome = SETUP_WIPED; /* whatever is left of it: the next start carries on */
        return identity_wipe(setup->board) ? MEDSEC_SETUP_DONE : MEDSEC_SETUP_NOT_STORED;
    }
    return save(setup, &form->settings) ? MEDSEC_SETUP_DONE : MEDSEC_SETUP_NOT_STORED;
}

static size_t write_sealed(const setup_mode *setup, char *out,
                           const uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN],
                           medsec_setup_status status)
{
    uint8_t sealed[MEDSEC_SETUP_ANSWER_LEN];
    const http_answer answer = {
        .status = 200, .type = "application/octet-stream", .len = sizeof sealed, .fields = ""};
    if (medsec_setup_answer_seal(sealed, setup->crypto, answer_key, status) != MEDSEC_OK) {
        return setup_answers_json(out, 503, "{\"error\":\"device\"}");
    }
    return write(out, &answer, sealed);
}

/* Each nonce is for one form, right or wrong. */
static size_t take_form(setup_mode *setup, char *out)
{
    medsec_setup_form form;
    uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN];
    size_t len;
    medsec_status status = medsec_setup_form_open(&form, answer_key, setup->crypto, setup->key,
                                                  setup->nonce, setup->input, setup->input_len);
    setup->has_nonce = setup->has_nonce && status == MEDSEC_ERR_EXPIRED;
    switch (status) {
    case MEDSEC_OK:
        len = write_sealed(setup, out, answer_key, carry_out(setup, &form));
        break;
    case MEDSEC_ERR_MESSAGE:
        len = write_sealed(setup, out, answer_key, MEDSEC_SETUP_BAD_FORM);
        break;
    case MEDSEC_ERR_EXPIRED:
        len = setup_answers_json(out, 409, "{\"error\":\"nonce\"}");
        break;
    case MEDSEC_ERR_CRYPTO:
        len = refuse_key(setup, out);
        break;
    default:
        len = setup_answers_json(out, 400, "{\"error\":\"request\"}");
        break;
    }
    setup->crypto->wipe(&form, sizeof form);
    setup->crypto->wipe(answer_key, sizeof answer_key);
    return len;
}

static size_t answer_form(setup_mode *setup, char *out)
{
    if (tries_left(setup) == 0) {
        return setup_answers_json(out, 429, "{\"error\":\"locked\"}");
    }
    if (setup->outcome != SETUP_WAITS || !setup->has_nonce) {
        return setup_answers_json(out, 409, "{\"error\":\"nonce\"}");
    }
    return take_form(setup, out);
}

static size_t take_seed_form(setup_mode *setup, char *out)
{
    medsec_setup_settings settings;
    medsec_status status = seed_form_open(&settings, setup->crypto, setup->credential->key,
                                          (const char *)setup->input, setup->input_len);
    bool saved = status == MEDSEC_OK && save(setup, &settings);
    setup->crypto->wipe(&settings, sizeof settings);
    switch (status) {
    case MEDSEC_OK:
        return saved ? say(out, 200, "Saved. The device goes to work now.")
                     : say(out, 503, "The device could not store this.");
    case MEDSEC_ERR_CRYPTO:
        setup->wrong++;
        return say(out, 403, "This is not the key of the device.");
    case MEDSEC_ERR_MESSAGE:
        return say(out, 400, "An address, a name or a password that cannot be.");
    default:
        return say(out, 400, "This is not the form of the device.");
    }
}

static size_t answer_seed_form(setup_mode *setup, char *out)
{
    if (tries_left(setup) == 0) {
        return say(out, 429, "Too many wrong keys. Switch the device off and on.");
    }
    if (setup->outcome != SETUP_WAITS) { /* nothing is stored on what was just wiped */
        return say(out, 409, "The device has its form, and starts anew.");
    }
    return take_seed_form(setup, out);
}

static size_t redirect(char *out)
{
    const http_answer answer = {.status = 302,
                                .type = "text/plain",
                                .fields = "Location: http://" WIFI_ADDRESS PAGE_PATH "\r\n"};
    return write(out, &answer, "");
}

size_t setup_answers_write(setup_mode *setup, uint8_t link)
{
    const http_request *request = &setup->links[link].request;
    char *out = setup->links[link].answer;
    if (is(request, HTTP_GET, SETUP_PATH)) {
        return give_nonce(setup, out);
    }
    if (is(request, HTTP_POST, SETUP_PATH)) {
        return setup->holder == link ? answer_form(setup, out)
                                     : setup_answers_json(out, 400, "{\"error\":\"request\"}");
    }
    if (is_seed_form(setup, request)) {
        return setup->holder == link ? answer_seed_form(setup, out)
                                     : say(out, 400, "This is not the form of the device.");
    }
    if (request->method == HTTP_GET && !http_path_is(request, ICON_PATH)) {
        return redirect(out);
    }
    return setup_answers_json(out, request->method == HTTP_OTHER ? 405 : 404,
                              "{\"error\":\"request\"}");
}
