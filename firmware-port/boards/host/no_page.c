/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

/* In a build without what makes the setup page (scripts/deps-firmware). */
const uint8_t page_response[] = "HTTP/1.1 200 OK\r\n"
                                "Content-Type: text/plain\r\n"
                                "Connection: close\r\n"
                                "\r\n"
                                "This build has no setup page.\n";
const size_t page_response_len = sizeof page_response - 1;
