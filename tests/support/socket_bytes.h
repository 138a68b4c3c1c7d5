/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_SOCKET_BYTES_H
#define MEDSEC_TESTS_SOCKET_BYTES_H

#include <stdint.h>

/* What was sent on a TCP socket, as its kernel counts. 0 when it is none. */
uint64_t socket_bytes_sent(int fd);

#endif
