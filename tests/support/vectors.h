/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_VECTORS_H
#define MEDSEC_TESTS_VECTORS_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Vectors are data files: those in tests/vectors, which every clone has, and the large sets in
 * ../shared/vectors (or the folder in MEDSEC_VECTORS). A test whose large set is missing says so.
 */

/* Opens ../shared/vectors/<name>; NULL, and a line that says "skipped", when it is not there. */
FILE *vectors_open(const char *name);

/* Reads the whole of a file; the caller frees. */
char *vectors_read(FILE *file, size_t *len);

/* The next line as JSON; NULL at the end. The caller deletes it. */
cJSON *vectors_next(FILE *file);

/* A member that must be there. */
const char *vectors_text(const cJSON *object, const char *member);
size_t vectors_bytes(const char *hex, uint8_t *out, size_t cap);

#endif
