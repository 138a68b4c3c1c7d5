/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PROXY_CHECK_H
#define MEDSEC_PROXY_CHECK_H

#include "proxy.h"

/*
 * --check: looks at all that is configured, one thing after the other, also after one that is
 * wrong. A line on standard output for what is in order, on standard error for what is not and what
 * to do about it. Devices are not let in, nothing is published, and a gateway of this name that
 * runs is not disturbed. The exit code of the first thing that is wrong.
 */
int check_run(proxy *p);

#endif
