/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy_header.h"

#include <arpa/inet.h>
#include <string.h>

enum { SIGNATURE_LEN = 12, FIXED_LEN = 16, V4_LEN = 12, V6_LEN = 36 };
enum { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 }; /* with the version in front */
enum { TCP_V4 = 0x11, TCP_V6 = 0x21, FAMILY_MAX = 3, TRANSPORT_MAX = 2 };

static const uint8_t signature[SIGNATURE_LEN] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
static const char beginning[] = "PROXY ";

static void set_v4(medsec__address *a, const uint8_t *host, const uint8_t *port)
{
    a->v4.sin_family = AF_INET;
    memcpy(&a->v4.sin_addr, host, sizeof a->v4.sin_addr);
    memcpy(&a->v4.sin_port, port, sizeof a->v4.sin_port);
}

static void set_v6(medsec__address *a, const uint8_t *host, const uint8_t *port)
{
    a->v6.sin6_family = AF_INET6;
    memcpy(&a->v6.sin6_addr, host, sizeof a->v6.sin6_addr);
    memcpy(&a->v6.sin6_port, port, sizeof a->v6.sin6_port);
}

/* What is in front of the next blank, which becomes NUL. NULL: there is none. */
static const char *next_word(char **at)
{
    char *word = *at, *blank = strchr(word, ' ');
    if (!blank) {
        return NULL;
    }
    *blank = '\0';
    *at = blank + 1;
    return word;
}

/* Section 2.1: decimal, without zeros in front. */
static bool read_port(uint16_t *port, const char *text)
{
    const size_t len = strlen(text);
    uint32_t number = 0;
    if (len == 0 || len > 5 || strspn(text, "0123456789") != len || (text[0] == '0' && len > 1)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        number = number * 10 + (uint32_t)(text[i] - '0');
    }
    *port = (uint16_t)number;
    return number <= UINT16_MAX;
}

/* `SOURCE DESTINATION PORT PORT`; the destination must be there, and is not needed. */
static medsec__proxy_event read_addresses(medsec__address *source, char *text, int family)
{
    uint8_t from[16], to[16];
    uint16_t from_port = 0, to_port = 0;
    const char *from_text = next_word(&text);
    const char *to_text = from_text ? next_word(&text) : NULL;
    const char *port_text = to_text ? next_word(&text) : NULL;
    if (!port_text || inet_pton(family, from_text, from) != 1 ||
        inet_pton(family, to_text, to) != 1 || !read_port(&from_port, port_text) ||
        !read_port(&to_port, text)) {
        return MEDSEC__PROXY_BAD;
    }
    const uint8_t port[2] = {(uint8_t)(from_port >> 8), (uint8_t)from_port};
    if (family == AF_INET) {
        set_v4(source, from, port);
    } else {
        set_v6(source, from, port);
    }
    return MEDSEC__PROXY_DEVICE;
}

/* The whole line, of which CR and LF were there. */
static medsec__proxy_event read_line(medsec__proxy_header *h)
{
    static const char unknown[] = "UNKNOWN";
    char line[MEDSEC__PROXY_LINE_MAX] = "";
    const size_t len = h->len - sizeof beginning + 1 - 2;
    memcpy(line, h->bytes + sizeof beginning - 1, len);
    line[len] = '\0';
    if (strncmp(line, unknown, sizeof unknown - 1) == 0) { /* "must ignore anything" behind it */
        const char behind = line[sizeof unknown - 1];
        return behind == ' ' || len == sizeof unknown - 1 ? MEDSEC__PROXY_SENDER
                                                          : MEDSEC__PROXY_BAD;
    }
    if (strlen(line) != len || (strncmp(line, "TCP4 ", 5) != 0 && strncmp(line, "TCP6 ", 5) != 0)) {
        return MEDSEC__PROXY_BAD;
    }
    return read_addresses(&h->source, line + 5, line[3] == '4' ? AF_INET : AF_INET6);
}

/* Byte `at` came. */
static medsec__proxy_event take_line(medsec__proxy_header *h, uint32_t at)
{
    if (at < sizeof beginning - 1) {
        return h->bytes[at] == (uint8_t)beginning[at] ? MEDSEC__PROXY_MORE : MEDSEC__PROXY_BAD;
    }
    /* The longest line ends below: `at` is never beyond. */
    /* cppcheck-suppress arrayIndexOutOfBoundsCond */
    if (h->bytes[at] == '\n' && h->bytes[at - 1] == '\r') {
        return read_line(h);
    }
    return h->len < MEDSEC__PROXY_LINE_MAX ? MEDSEC__PROXY_MORE : MEDSEC__PROXY_BAD;
}

/* Section 2.2: families and transports that are not assigned are invalid; LOCAL has none. */
static bool is_assigned(uint8_t command, uint8_t kind)
{
    return command == COMMAND_LOCAL || (kind >> 4 <= FAMILY_MAX && (kind & 15) <= TRANSPORT_MAX);
}

/* False: the block is too short for the addresses that it should begin with, or too long. */
static bool measure(medsec__proxy_header *h)
{
    const uint8_t command = h->bytes[SIGNATURE_LEN], kind = h->bytes[SIGNATURE_LEN + 1];
    const uint32_t block =
        (uint32_t)h->bytes[FIXED_LEN - 2] << 8 | (uint32_t)h->bytes[FIXED_LEN - 1];
    const uint32_t least = command == COMMAND_LOCAL ? 0
                           : kind == TCP_V4         ? V4_LEN
                           : kind == TCP_V6         ? V6_LEN
                                                    : 0;
    h->whole = FIXED_LEN + block;
    return block >= least && block <= MEDSEC__PROXY_BLOCK_MAX;
}

static medsec__proxy_event read_block(medsec__proxy_header *h)
{
    const uint8_t *block = h->bytes + FIXED_LEN, kind = h->bytes[SIGNATURE_LEN + 1];
    if (h->bytes[SIGNATURE_LEN] == COMMAND_LOCAL || (kind != TCP_V4 && kind != TCP_V6)) {
        return MEDSEC__PROXY_SENDER; /* UDP and UNIX too: "falls back to the UNSPEC mode" */
    }
    if (kind == TCP_V4) {
        set_v4(&h->source, block, block + 8);
    } else {
        set_v6(&h->source, block, block + 32);
    }
    return MEDSEC__PROXY_DEVICE;
}

/* What is wrong is said as soon as the byte is there that makes it so. */
static medsec__proxy_event take_binary(medsec__proxy_header *h, uint32_t at)
{
    bool good = true;
    if (at < SIGNATURE_LEN) {
        good = h->bytes[at] == signature[at];
    } else if (at == SIGNATURE_LEN) {
        good = h->bytes[at] == COMMAND_LOCAL || h->bytes[at] == COMMAND_PROXY;
    } else if (at == SIGNATURE_LEN + 1) {
        good = is_assigned(h->bytes[at - 1], h->bytes[at]);
    } else if (at == FIXED_LEN - 1) {
        good = measure(h);
    }
    if (!good) {
        return MEDSEC__PROXY_BAD;
    }
    return h->len == h->whole ? read_block(h) : MEDSEC__PROXY_MORE;
}

static medsec__proxy_event take_byte(medsec__proxy_header *h, uint8_t byte)
{
    const uint32_t at = h->len++;
    if (at < sizeof h->bytes) {
        h->bytes[at] = byte;
    }
    return h->bytes[0] == signature[0] ? take_binary(h, at) : take_line(h, at);
}

size_t medsec__proxy_header_push(medsec__proxy_header *h, const uint8_t *data, size_t len,
                                 medsec__proxy_event *event)
{
    size_t used = 0;
    while (h->event == MEDSEC__PROXY_MORE && used < len) {
        h->event = (uint8_t)take_byte(h, data[used++]);
    }
    *event = (medsec__proxy_event)h->event;
    return used;
}
