/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static medsec_status parse_host(medsec__address *address, const char *host)
{
    memset(address, 0, sizeof *address);
    if (host[0] == '[') {
        size_t len = strlen(host);
        char inner[MEDSEC__ADDRESS_TEXT_MAX];
        if (len < 3 || host[len - 1] != ']') {
            return MEDSEC_ERR_ARGUMENT;
        }
        snprintf(inner, sizeof inner, "%.*s", (int)(len - 2), host + 1);
        address->v6.sin6_family = AF_INET6;
        return inet_pton(AF_INET6, inner, &address->v6.sin6_addr) == 1 ? MEDSEC_OK
                                                                       : MEDSEC_ERR_ARGUMENT;
    }
    address->v4.sin_family = AF_INET;
    return inet_pton(AF_INET, host, &address->v4.sin_addr) == 1 ? MEDSEC_OK : MEDSEC_ERR_ARGUMENT;
}

medsec_status medsec__address_parse(medsec__address *address, const char *text)
{
    char host[MEDSEC__ADDRESS_TEXT_MAX];
    const char *colon = text ? strrchr(text, ':') : NULL;
    if (!colon || (size_t)(colon - text) >= sizeof host) {
        return MEDSEC_ERR_ARGUMENT;
    }
    size_t digits = strspn(colon + 1, "0123456789");
    if (digits == 0 || digits > 5 || colon[1 + digits] != '\0') {
        return MEDSEC_ERR_ARGUMENT;
    }
    long port = strtol(colon + 1, NULL, 10);
    snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    if (port > UINT16_MAX || parse_host(address, host) != MEDSEC_OK) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec__address_set_port(address, (uint16_t)port);
    return MEDSEC_OK;
}

socklen_t medsec__address_len(const medsec__address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

uint16_t medsec__address_port(const medsec__address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

void medsec__address_set_port(medsec__address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET6) {
        address->v6.sin6_port = htons(port);
    } else {
        address->v4.sin_port = htons(port);
    }
}

void medsec__address_bytes(uint8_t out[16], const medsec__address *address)
{
    if (address->any.sa_family == AF_INET6) {
        memcpy(out, &address->v6.sin6_addr, 16);
        return;
    }
    memcpy(out, mapped, sizeof mapped);
    memcpy(out + sizeof mapped, &address->v4.sin_addr, 4);
}

bool medsec__address_is_v4(const uint8_t bytes[16])
{
    return memcmp(bytes, mapped, sizeof mapped) == 0;
}

void medsec__address_host(char out[MEDSEC__ADDRESS_TEXT_MAX], const medsec__address *address)
{
    uint8_t bytes[16];
    medsec__address_bytes(bytes, address);
    bool is_v4 = medsec__address_is_v4(bytes);
    if (!inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? bytes + sizeof mapped : bytes, out,
                   MEDSEC__ADDRESS_TEXT_MAX)) {
        snprintf(out, MEDSEC__ADDRESS_TEXT_MAX, "?");
    }
}

void medsec__address_text(char out[MEDSEC__ADDRESS_TEXT_MAX], const medsec__address *address)
{
    char host[MEDSEC__ADDRESS_TEXT_MAX];
    medsec__address_host(host, address);
    bool is_v6 = strchr(host, ':') != NULL;
    snprintf(out, MEDSEC__ADDRESS_TEXT_MAX, "%s%.46s%s:%u", is_v6 ? "[" : "", host,
             is_v6 ? "]" : "", medsec__address_port(address));
}
