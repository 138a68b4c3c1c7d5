/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TEST_SCRATCH_H
#define MEDSEC_TEST_SCRATCH_H

#include <stddef.h>

/* A folder of a test's own, with everything in it removed at the end. */
typedef struct scratch {
    char folder[64];
} scratch;

void scratch_open(scratch *files);
void scratch_close(scratch *files);

/* The path of a name in it; good until the eighth call from now. */
const char *scratch_path(const scratch *files, const char *name);

/* How many names the folder holds. */
size_t scratch_count(const scratch *files);

void scratch_write(const char *path, const void *data, size_t len, unsigned mode);

/* The bytes of a file, for the caller to free. */
char *scratch_read(const char *path, size_t *len);

#endif
