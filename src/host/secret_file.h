/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_HOST_SECRET_FILE_H
#define MEDSEC_HOST_SECRET_FILE_H

#include <medsec/status.h>

#include <stddef.h>
#include <stdint.h>

/* Small files that hold a secret: mode 0600, whole or not there. */

/*
 * Reads a whole file of at most `cap` bytes. ERR_NOT_FOUND; ERR_PERMISSION: group or others may
 * read or write it; ERR_LIMIT: longer; ERR_IO (errno), also for what is no regular file.
 */
MEDSEC_CHECK medsec_status medsec__secret_file_read(const char *path, char *out, size_t cap,
                                                    size_t *len);

/*
 * Creates a file that appears whole and on disk, or not at all. ERR_EXISTS: it never overwrites.
 * A crash may leave a `.new-` file (mode 0600) beside it. ERR_IO (errno).
 */
MEDSEC_CHECK medsec_status medsec__secret_file_create(const char *path, const void *data,
                                                      size_t len);

/* Gives a finished file its name, durably: the second half of the above. Removes `temporary`. */
MEDSEC_CHECK medsec_status medsec__secret_file_publish(const char *temporary, const char *path);

/* All of it, and on disk. ERR_IO (errno). */
MEDSEC_CHECK medsec_status medsec__secret_file_write(int fd, const void *data, size_t len);

/* The same, in the place of what has the name. ERR_IO (errno): `temporary` is removed, or all is
 * done but may not be on disk. */
MEDSEC_CHECK medsec_status medsec__secret_file_replace(const char *temporary, const char *path);

/* What was done to names in the folder of `path` is on disk. ERR_IO (errno), ERR_LIMIT. */
MEDSEC_CHECK medsec_status medsec__secret_file_sync_folder(const char *path);

/* A name beside `path` for mkostemp. ERR_LIMIT: too long for the system. */
MEDSEC_CHECK medsec_status medsec__secret_file_temporary(char *out, size_t cap, const char *path);

#endif
