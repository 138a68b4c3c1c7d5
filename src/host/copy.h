/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_HOST_COPY_H
#define MEDSEC_HOST_COPY_H

#include "store.h"

/*
 * Copies `from`, as it is at one moment, into memory, and verifies all of it. `copy` is zero
 * before; then it may be looked at, with the keys of `from`, and its head is that of the log. Let
 * medsec__store_close end it, also after a failure, which is noted in `from`.
 */
MEDSEC_CHECK medsec_status medsec__copy(medsec_registry *copy, medsec_registry *from);

/* The bytes of the file that it is, for sqlite3_free. NULL: no memory. */
unsigned char *medsec__copy_bytes(const medsec_registry *copy, size_t *len);

#endif
