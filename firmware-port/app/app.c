/* SPDX-License-Identifier: Apache-2.0 */
#include "app.h"

#include "boot_log.h"
#include "identity.h"
#include "settings.h"

#include "crypto/bearssl/provider.h"

#include <string.h>

static uint64_t now(const app *app)
{
    return app->board->now_us(app->board->context) / 1000;
}

static void halt(app *app, led_code code)
{
    app->mode = APP_HALTED;
    app->code = (uint8_t)code;
}

/* The boot number is used up, whatever comes after. */
static medsec_status start_generator(app *app, uint32_t *boot)
{
    uint8_t noise[MEDSEC_BOOT_SEED_LEN];
    medsec_boot_record mine;
    const medsec_crypto *crypto = medsec_crypto_bearssl();
    drbg_noise(noise, &app->noisy, app->board, crypto);
    medsec_status status = boot_log_next(&mine, app->board, crypto, noise);
    if (status == MEDSEC_OK) {
        *boot = mine.boot;
        drbg_start(&app->drbg, crypto, &mine, noise);
    }
    crypto->wipe(noise, sizeof noise);
    return status;
}

static void start_work(app *app, uint32_t boot)
{
    const work_mode_options options = {
        .board = app->board,
        .crypto = medsec_crypto_bearssl(),
        .credential = &app->credential,
        .settings = &app->settings,
        .random = drbg_random,
        .random_context = &app->drbg,
        .boot = boot,
    };
    app->mode = APP_WORK;
    if (work_mode_start(&app->in.work, &options) != MEDSEC_OK) {
        halt(app, LED_NOT_PROVISIONED);
    }
}

static void start_setup(app *app)
{
    app->mode = APP_SETUP;
    if (setup_mode_start(&app->in.setup, app->board, medsec_crypto_bearssl(), &app->credential,
                         &app->drbg) != MEDSEC_OK) {
        halt(app, LED_FAILED);
    }
}

static void choose_mode(app *app)
{
    uint32_t boot = 0;
    if (!identity_load(&app->credential, app->board, medsec_crypto_bearssl())) {
        halt(app, LED_NOT_PROVISIONED);
        return;
    }
    medsec_status status = start_generator(app, &boot);
    if (status != MEDSEC_OK) {
        halt(app, status == MEDSEC_ERR_UNKNOWN_DEVICE ? LED_NOT_PROVISIONED : LED_FAILED);
        return;
    }
    app->configured =
        settings_load(&app->settings, &app->fresh, app->board, medsec_crypto_bearssl());
    if (app->configured && (app->slide.work || app->fresh)) {
        start_work(app, boot);
    } else {
        start_setup(app);
    }
}

void app_start(app *app, const board *board)
{
    memset(app, 0, sizeof *app);
    app->board = board;
    board->watchdog(board->context);
    slide_start(&app->slide, board, now(app));
    led_start(&app->led, board);
    choose_mode(app);
}

/* Memory outlives a reset; and the ticker writes to it until then. */
static bool start_anew(app *app)
{
    const board *board = app->board;
    board->tick(board->context, 0, NULL, NULL);
    medsec_crypto_bearssl()->wipe(app, sizeof *app);
    board->reset(board->context);
    return false;
}

static void look_at_switch(app *app)
{
    if (app->mode == APP_WORK && app->fresh && app->slide.work) {
        settings_taken(app->board, medsec_crypto_bearssl());
        app->fresh = false;
    }
}

static bool mode_is_over(const app *app)
{
    switch (app->mode) {
    case APP_SETUP:
        return setup_mode_outcome(&app->in.setup, now(app)) != SETUP_WAITS ||
               (app->configured && app->slide.work);
    case APP_WORK:
        return !app->fresh && !app->slide.work;
    default:
        return false;
    }
}

static uint64_t poll_mode(app *app)
{
    switch (app->mode) {
    case APP_SETUP:
        return setup_mode_poll(&app->in.setup, now(app));
    case APP_WORK:
        return work_mode_poll(&app->in.work);
    default:
        return UINT64_MAX;
    }
}

static led_code code_of(const app *app)
{
    switch (app->mode) {
    case APP_SETUP:
        return setup_mode_led(&app->in.setup);
    case APP_WORK:
        return work_mode_led(&app->in.work);
    default:
        return (led_code)app->code;
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

bool app_turn(app *app)
{
    const board *board = app->board;
    board->watchdog(board->context);
    uint64_t until_ms = poll_mode(app);
    until_ms = earlier(until_ms, slide_poll(&app->slide, now(app)));
    led_show(&app->led, code_of(app), now(app));
    until_ms = earlier(until_ms, led_poll(&app->led, now(app)));
    look_at_switch(app);
    if (mode_is_over(app)) {
        return start_anew(app);
    }
    board->sleep(board->context, until_ms * 1000);
    return true;
}

void app_run(app *app, const board *board)
{
    app_start(app, board);
    while (app_turn(app)) {
    }
}
