/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { NETWORK_TEXT_MAX = 64, V4_BITS = 32, ALL_BITS = 128 };

/* True when the bits from `from` on are the same in both. */
static bool same_bits(const uint8_t a[16], const uint8_t b[16], unsigned from, unsigned to)
{
    unsigned differ = 0;
    for (unsigned i = from; i < to; i++) {
        differ |= (unsigned)(a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1u;
    }
    return differ == 0;
}

/* An IPv4 address may have `most` bits. */
static bool read_address(uint8_t out[16], unsigned *most, const char *text)
{
    medsec__address address;
    memset(&address, 0, sizeof address);
    *most = ALL_BITS;
    if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
    } else if (inet_pton(AF_INET, text, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        *most = V4_BITS;
    } else {
        return false;
    }
    medsec__address_bytes(out, &address);
    return true;
}

/* At most `most`, from the front. */
static bool read_bits(unsigned *bits, const char *text, unsigned most)
{
    const size_t len = strspn(text, "0123456789");
    if (len == 0 || len > 3 || text[len] != '\0' || (text[0] == '0' && len > 1)) {
        return false;
    }
    *bits = 0;
    for (size_t i = 0; i < len; i++) {
        *bits = *bits * 10 + (unsigned)(text[i] - '0');
    }
    return *bits <= most;
}

static medsec_status add(medsec__networks *networks, const char *from, size_t len)
{
    static const uint8_t none[16];
    char text[NETWORK_TEXT_MAX];
    uint8_t address[16];
    unsigned most = 0;
    if (len >= sizeof text) {
        return MEDSEC_ERR_ARGUMENT;
    }
    snprintf(text, sizeof text, "%.*s", (int)len, from);
    char *slash = strchr(text, '/');
    if (slash) {
        *slash = '\0';
    }
    if (!read_address(address, &most, text)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    unsigned bits = most;
    if (slash && !read_bits(&bits, slash + 1, most)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    bits += ALL_BITS - most;
    if (!same_bits(address, none, bits, ALL_BITS)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (networks->count == MEDSEC__NETWORKS_MAX) {
        return MEDSEC_ERR_LIMIT;
    }
    memcpy(networks->item[networks->count].address, address, sizeof address);
    networks->item[networks->count++].bits = (uint8_t)bits;
    return MEDSEC_OK;
}

medsec_status medsec__networks_parse(medsec__networks *networks, const char *text)
{
    medsec_status status = MEDSEC_OK;
    networks->count = 0;
    while (status == MEDSEC_OK) {
        const size_t len = strcspn(text, ",");
        status = add(networks, text, len);
        if (text[len] == '\0') {
            return status;
        }
        text += len + 1;
    }
    return status;
}

bool medsec__networks_hold(const medsec__networks *networks, const medsec__address *address)
{
    uint8_t bytes[16];
    medsec__address_bytes(bytes, address);
    for (size_t i = 0; i < networks->count; i++) {
        if (same_bits(bytes, networks->item[i].address, 0, networks->item[i].bits)) {
            return true;
        }
    }
    return false;
}
