/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Visitors of the setup page's web server, of whom none has a key. Input: a byte that chooses the
 * device's wire, then pieces: a byte that says which connection (and whether it is a new one), a
 * length, bytes. Whatever is sent, nothing is stored or wiped on medsec/1, where it would have to
 * be authentic; on the seed wire what is stored is settings that may be. Whole pieces and single
 * bytes are answered alike. Every connection is answered or closed.
 */
#include "identity.h"
#include "page.h"
#include "settings.h"
#include "setup_mode.h"
#include "v1_gateway.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LOG_MAX = 1 << 16, NEW_LINK = 0x80, SEED_WIRE = 1 };

const uint8_t page_response[] = "the page";
const size_t page_response_len = sizeof page_response - 1;

static uint8_t flash[BOARD_FLASH_LEN];
static bool may_store;

/* What the server did, and the network that it thinks it has. */
typedef struct visit {
    setup_mode setup;
    drbg generator;
    bool open[WIFI_LINKS];
    bool closing[WIFI_LINKS];
    bool has_event;
    wifi_event event;
    uint64_t now_ms;
    char log[LOG_MAX];
    size_t log_len;
} visit;

static visit *present; /* whose calls these are */

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void note(const void *data, size_t len)
{
    require(len <= LOG_MAX - present->log_len);
    memcpy(present->log + present->log_len, data, len);
    present->log_len += len;
}

void wifi_start(wifi *w, const board *board, const wifi_options *options)
{
    (void)board;
    (void)options;
    memset(w, 0, sizeof *w);
}

void wifi_poll(wifi *w, uint64_t now_ms, wifi_event *event)
{
    (void)w;
    (void)now_ms;
    *event = present->has_event ? present->event : (wifi_event){.type = WIFI_NONE};
    present->has_event = false;
}

uint64_t wifi_until_ms(const wifi *w)
{
    (void)w;
    return UINT64_MAX;
}

void wifi_open(wifi *w, const char *host, uint16_t port)
{
    (void)w;
    (void)host;
    (void)port;
    abort(); /* an access point opens nothing */
}

bool wifi_send(wifi *w, uint8_t link, const uint8_t *data, size_t len)
{
    (void)w;
    require(link < WIFI_LINKS && len > 0);
    note(&link, 1);
    note(data, len);
    return present->open[link] && !present->closing[link];
}

void wifi_close(wifi *w, uint8_t link)
{
    (void)w;
    require(link < WIFI_LINKS);
    present->closing[link] = true;
}

static bool flash_erase(void *context, uint32_t offset)
{
    (void)context;
    require(may_store);
    memset(flash + offset, 0xff, BOARD_FLASH_SECTOR_LEN);
    return true;
}

static bool flash_program(void *context, uint32_t offset, const uint8_t *data, size_t len)
{
    (void)context;
    require(may_store);
    for (size_t i = 0; i < len; i++) {
        flash[offset + i] &= data[i];
    }
    return memcmp(flash + offset, data, len) == 0;
}

static const board table = {
    .flash = flash, .flash_erase = flash_erase, .flash_program = flash_program};

static void happen(wifi_event_type type, uint8_t link, const uint8_t *data, size_t len)
{
    present->event = (wifi_event){.type = type, .link = link, .data = data, .len = len};
    present->has_event = true;
    (void)setup_mode_poll(&present->setup, present->now_ms);
}

static void close_link(uint8_t link)
{
    if (present->open[link]) {
        present->open[link] = false;
        happen(WIFI_CLOSED, link, NULL, 0);
    }
}

static void open_link(uint8_t link)
{
    close_link(link);
    present->open[link] = true;
    present->closing[link] = false;
    happen(WIFI_OPENED, link, NULL, 0);
}

static void push(uint8_t link, const uint8_t *data, size_t len, bool whole)
{
    for (size_t at = 0; at < len && !present->closing[link]; at += whole ? len : 1) {
        happen(WIFI_DATA, link, data + at, whole ? len : 1);
    }
}

static void begin(visit *v, const medsec_credential *credential)
{
    static const uint8_t noise[MEDSEC_BOOT_SEED_LEN];
    medsec_boot_record mine = {.boot = 1, .seed = "seed"};
    memset(v, 0, sizeof *v);
    present = v;
    drbg_start(&v->generator, medsec_crypto_openssl(), &mine, noise);
    require(setup_mode_start(&v->setup, &table, medsec_crypto_openssl(), credential,
                             &v->generator) == MEDSEC_OK);
}

/* Nobody can keep a connection: those that are neither answered nor at work are closed in time. */
static void end(void)
{
    present->now_ms += 2 * SETUP_IDLE_MS;
    (void)setup_mode_poll(&present->setup, present->now_ms);
    for (uint8_t link = 0; link < WIFI_LINKS; link++) {
        require(!present->open[link] || present->closing[link]);
    }
}

static void run(visit *v, const medsec_credential *credential, const uint8_t *data, size_t size,
                bool whole)
{
    memset(flash + MEDSEC_PROVISION_OFFSET, 0xff, 5u * BOARD_FLASH_SECTOR_LEN);
    begin(v, credential);
    for (size_t at = 0; at + 2 <= size;) {
        uint8_t link = (uint8_t)((data[at] & 0x7fu) % WIFI_LINKS);
        bool is_new = (data[at] & NEW_LINK) != 0 || !v->open[link];
        size_t len = data[at + 1];
        at += 2;
        len = len < size - at ? len : size - at;
        if (is_new) {
            open_link(link);
        }
        push(link, data + at, len, whole);
        at += len;
    }
    end();
}

static void make_credentials(medsec_credential credentials[2])
{
    v1_keys keys;
    medsec_credential *seed = &credentials[SEED_WIRE];
    require(v1_keys_make(&keys, 1, MEDSEC_SUITE_CHACHAPOLY) == MEDSEC_OK);
    v1_credential(&credentials[0], &keys);
    memcpy(seed->device, credentials[0].device, sizeof seed->device);
    memcpy(seed->profile, credentials[0].profile, sizeof seed->profile);
    seed->wire = MEDSEC_WIRE_SEED;
    memset(seed->key, 'A', sizeof seed->key);
    memset(seed->iv, 'A', sizeof seed->iv);
}

static void check_flash(const visit *v)
{
    medsec_setup_settings settings;
    bool fresh;
    bool found = settings_load(&settings, &fresh, &table, medsec_crypto_openssl());
    require(found == (v->setup.outcome == SETUP_SAVED));
    require(!found || (fresh && medsec_setup_settings_check(&settings) == MEDSEC_OK));
    require(v->setup.outcome != SETUP_WIPED && v->setup.wrong <= SETUP_TRIES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static visit whole;
    static visit split;
    static medsec_credential credentials[2];
    if (credentials[0].wire == 0) {
        make_credentials(credentials);
    }
    if (size < 1 || size > 4096) {
        return 0;
    }
    const medsec_credential *credential = &credentials[data[0] & SEED_WIRE];
    may_store = credential->wire == MEDSEC_WIRE_SEED;
    run(&whole, credential, data + 1, size - 1, true);
    check_flash(&whole);
    run(&split, credential, data + 1, size - 1, false);
    check_flash(&split);
    require(whole.log_len == split.log_len);
    require(memcmp(whole.log, split.log, whole.log_len) == 0);
    return 0;
}
