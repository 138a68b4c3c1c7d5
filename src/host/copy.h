/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_HOST_COPY_H
#define MEDSEC_HOST_COPY_H

#include "store.h"

/*
 * Copies `from`, as it is at one moment, into the file at `copy->path`, which is there and empty,
 * verifies all of it, and syncs it. `copy` is zero but for its path; then it is open for reading,
 * with the keys of `from`, and its head is that of the log. Let medsec__store_close end it, also
 * after a failure, which is noted in `from`.
 */
MEDSEC_CHECK medsec_status medsec__copy(medsec_registry *copy, medsec_registry *from);

#endif
