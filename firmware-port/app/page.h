/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_PAGE_H
#define FIRMWARE_PAGE_H

#include <stddef.h>
#include <stdint.h>

/* The whole answer to GET / in setup mode, head and all: the setup page, compressed. Made by
 * firmware-port/portal; PAGE_RESPONSE_MAX bytes at the most. */
#define PAGE_RESPONSE_MAX 12288u

extern const uint8_t page_response[];
extern const size_t page_response_len;

#endif
