/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_HOST_ADDRESS_H
#define MEDSEC_HOST_ADDRESS_H

#include <medsec/export.h>
#include <medsec/status.h>

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* An IPv4 or IPv6 address with a port, in less room than a sockaddr_storage. */
typedef union medsec__address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} medsec__address;

#define MEDSEC__ADDRESS_TEXT_MAX 64u /* with brackets, port and NUL */

/* `127.0.0.1:9998`, `[::1]:9998`. ERR_ARGUMENT. */
MEDSEC_CHECK medsec_status medsec__address_parse(medsec__address *address, const char *text);

socklen_t medsec__address_len(const medsec__address *address);
uint16_t medsec__address_port(const medsec__address *address);
void medsec__address_set_port(medsec__address *address, uint16_t port);

/* Without the port. An IPv4 address in IPv6 form is shown as what it is. */
void medsec__address_host(char out[MEDSEC__ADDRESS_TEXT_MAX], const medsec__address *address);

/* As parse takes it. */
void medsec__address_text(char out[MEDSEC__ADDRESS_TEXT_MAX], const medsec__address *address);

/* The bytes of the address in IPv6 form, port apart. */
void medsec__address_bytes(uint8_t out[16], const medsec__address *address);
bool medsec__address_is_v4(const uint8_t bytes[16]);

#endif
