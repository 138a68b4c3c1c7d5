/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PROXY_PRIVILEGES_H
#define MEDSEC_PROXY_PRIVILEGES_H

#include <stdbool.h>

/* Becomes this user, with its groups and without a way back; before there are other threads. With
 * `low_ports` the right to listen on ports under 1024 stays, and no other. An exit code; what is
 * wrong has been said. */
int privileges_drop(const char *user, bool low_ports);

#endif
