/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

typedef struct range {
    uint8_t prefix[16];
    unsigned bits;
} range;

#define V4(a, b)                                           \
    {                                                      \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (a), (b) \
    }

static const range private_ranges[] = {
    {V4(127, 0), 96 + 8},    {V4(169, 254), 96 + 16}, {V4(10, 0), 96 + 8}, {V4(172, 16), 96 + 12},
    {V4(192, 168), 96 + 16}, {{[15] = 1}, 128},       {{0xfe, 0x80}, 10},  {{0xfc}, 7},
};

static bool is_in(const uint8_t address[16], const range *r)
{
    const unsigned whole = r->bits / 8, rest = r->bits % 8;
    if (memcmp(address, r->prefix, whole) != 0) {
        return false;
    }
    return rest == 0 || (address[whole] ^ r->prefix[whole]) >> (8 - rest) == 0;
}

bool medsec__address_is_private(const medsec__address *address)
{
    uint8_t bytes[16];
    medsec__address_bytes(bytes, address);
    for (size_t i = 0; i < sizeof private_ranges / sizeof *private_ranges; i++) {
        if (is_in(bytes, &private_ranges[i])) {
            return true;
        }
    }
    return false;
}

static struct addrinfo *look_up(const char *host, int flags)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *found = NULL;
    return getaddrinfo(host, NULL, &hints, &found) == 0 ? found : NULL;
}

static bool may_use(const struct addrinfo *info, bool any)
{
    medsec__address address = {.any.sa_family = AF_UNSPEC};
    if ((info->ai_family != AF_INET && info->ai_family != AF_INET6) ||
        info->ai_addrlen > sizeof address) {
        return false;
    }
    memcpy(&address, info->ai_addr, info->ai_addrlen);
    return any || medsec__address_is_private(&address);
}

bool medsec__broker_may_be_clear(const char *host)
{
    struct addrinfo *found = look_up(host, AI_NUMERICHOST);
    const bool may = !found || may_use(found, false);
    if (found) {
        freeaddrinfo(found);
    }
    return may;
}

/* The one whose turn it is among those that may be used. */
static const struct addrinfo *choose(const struct addrinfo *found, bool any, uint32_t attempt)
{
    uint32_t count = 0;
    for (const struct addrinfo *i = found; i; i = i->ai_next) {
        count += may_use(i, any);
    }
    uint32_t turn = count > 0 ? attempt % count : 0;
    for (const struct addrinfo *i = found; i; i = i->ai_next) {
        if (may_use(i, any) && turn-- == 0) {
            return i;
        }
    }
    return NULL;
}

medsec_status medsec__broker_resolve(char host[MEDSEC__BROKER_HOST_MAX],
                                     const medsec__mqtt_options *options, uint32_t attempt)
{
    struct addrinfo *found = look_up(options->url.host, 0);
    if (!found) {
        return MEDSEC_ERR_NOT_FOUND;
    }
    const bool any = options->url.tls || options->allow_clear_text;
    const struct addrinfo *chosen = choose(found, any, attempt);
    medsec_status status = chosen ? MEDSEC_OK : MEDSEC_ERR_CLEAR_TEXT;
    if (chosen && getnameinfo(chosen->ai_addr, chosen->ai_addrlen, host, MEDSEC__BROKER_HOST_MAX,
                              NULL, 0, NI_NUMERICHOST) != 0) {
        status = MEDSEC_ERR_NOT_FOUND;
    }
    freeaddrinfo(found);
    return status;
}
