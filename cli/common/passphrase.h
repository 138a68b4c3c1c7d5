/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CLI_PASSPHRASE_H
#define MEDSEC_CLI_PASSPHRASE_H

#include <stddef.h>

#define PASSPHRASE_MAX 1024u /* characters */

/* Asks at the terminal, without echo, or reads one line of standard input when that is none.
 * `out` is `cap` bytes; the length, or 0 after a failure, which it has told. */
size_t passphrase_ask(char *out, size_t cap, const char *prompt);
/* The same from a file, which others must not be able to read. `what` it is, for complaints:
 * "passphrase". */
size_t passphrase_load(char *out, size_t cap, const char *path, const char *what);

#endif
