/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_UNIT_H
#define MEDSEC_TESTS_UNIT_H

/* What CMocka wants in front of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
