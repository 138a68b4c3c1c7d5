/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PROXY header means the same whole and in pieces, ends where it ends, is never longer than it
 * may be, and is one of the two kinds; an address that came out, written anew in either version,
 * comes out again. Input: a byte for the size of the pieces, then the header and what follows.
 */
#include "gateway/proxy_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 13, FIXED_LEN = 16 };
static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";

typedef struct result {
    medsec__proxy_header header;
    medsec__proxy_event event;
    size_t used;
} result;

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static result run(const uint8_t *data, size_t len, size_t step)
{
    result r = {.event = MEDSEC__PROXY_MORE};
    for (size_t at = 0; at < len; at += step) {
        const size_t piece = len - at < step ? len - at : step;
        const bool over = r.event != MEDSEC__PROXY_MORE;
        const size_t used = medsec__proxy_header_push(&r.header, data + at, piece, &r.event);
        check(used <= piece && (!over || used == 0));
        check(used == piece || r.event != MEDSEC__PROXY_MORE);
        r.used += used;
    }
    return r;
}

static void check_same_source(const result *a, const result *b)
{
    uint8_t bytes[2][16];
    medsec__address_bytes(bytes[0], &a->header.source);
    medsec__address_bytes(bytes[1], &b->header.source);
    check(memcmp(bytes[0], bytes[1], sizeof bytes[0]) == 0);
    check(medsec__address_port(&a->header.source) == medsec__address_port(&b->header.source));
}

static void check_again(const result *r, const void *header, size_t len)
{
    const result again = run(header, len, len);
    check(again.event == MEDSEC__PROXY_DEVICE && again.used == len);
    check_same_source(r, &again);
}

static void write_line(const result *r)
{
    char host[MEDSEC__ADDRESS_TEXT_MAX], line[256];
    medsec__address_host(host, &r->header.source);
    const int len =
        snprintf(line, sizeof line, "PROXY TCP%c %s %s %u 0\r\n", strchr(host, ':') ? '6' : '4',
                 host, host, medsec__address_port(&r->header.source));
    check_again(r, line, (size_t)len);
}

static void write_block(const result *r)
{
    uint8_t block[FIXED_LEN + 36] = {0};
    const uint16_t port = medsec__address_port(&r->header.source);
    memcpy(block, signature, sizeof signature - 1);
    memcpy(block + 12, "\x21\x21\x00\x24", 4);
    medsec__address_bytes(block + FIXED_LEN, &r->header.source);
    block[FIXED_LEN + 32] = (uint8_t)(port >> 8);
    block[FIXED_LEN + 33] = (uint8_t)port;
    check_again(r, block, sizeof block);
}

/* Only what begins as one of the two, and is as long as that may be, is a header. */
static void check_kind(const result *r, const uint8_t *data)
{
    if (data[0] == 'P') {
        check(r->used <= MEDSEC__PROXY_LINE_MAX && memcmp(data, "PROXY ", 6) == 0);
        check(memcmp(data + r->used - 2, "\r\n", 2) == 0);
    } else {
        check(memcmp(data, signature, sizeof signature - 1) == 0 && data[12] >> 4 == 2);
        check(r->used == FIXED_LEN + ((size_t)data[14] << 8 | data[15]));
        check(r->used <= FIXED_LEN + MEDSEC__PROXY_BLOCK_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > INPUT_MAX) {
        return 0;
    }
    const result whole = run(data + 1, size - 1, INPUT_MAX);
    const result pieces = run(data + 1, size - 1, 1 + data[0] % 64u);
    check(whole.event == pieces.event && whole.used == pieces.used);
    if (whole.event == MEDSEC__PROXY_DEVICE || whole.event == MEDSEC__PROXY_SENDER) {
        check_kind(&whole, data + 1);
    }
    if (whole.event == MEDSEC__PROXY_DEVICE) {
        check_same_source(&whole, &pieces);
        write_line(&whole);
        write_block(&whole);
    }
    return 0;
}
