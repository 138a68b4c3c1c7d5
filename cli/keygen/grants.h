/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_KEYGEN_GRANTS_H
#define MEDSEC_KEYGEN_GRANTS_H

#include <medsec/limits.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * Who may do what at the broker: a text of lines `USER read|command PATTERN...`. A pattern is over
 * device ids, with `*` and `?`; `#` begins a comment. Sorted by user.
 */
#define GRANT_READ 1u /* subscribe to what a device sends */
#define GRANT_COMMAND 2u /* send it commands, and see what became of them */
#define GRANT_USER_MAX 64u /* characters */
#define GRANTS_MAX 10000u /* patterns in a file */
#define GRANTS_FILE_MAX (1024L * 1024) /* bytes */

typedef struct grant {
    char user[GRANT_USER_MAX + 1];
    char pattern[MEDSEC_DEVICE_ID_MAX + 1];
    unsigned right;
    size_t line;
    bool used; /* it is `*`, or grants_on has found a device for it */
} grant;

typedef struct grants {
    grant *items;
    size_t count;
} grants;

/* Whether a broker's rules can have this name: A-Z a-z 0-9 _ - and `.` */
bool grants_user_check(const char *user);

/* Reads a file; `gateway` is a user that it must not name. Tells what is wrong; an exit code. In
 * either case grants_free releases `all`. */
int grants_read(grants *all, const char *path, const char *gateway);
void grants_free(grants *all);

/* Where the grants of the next user begin; all->count: no other. */
size_t grants_next(const grants *all, size_t at);

/* What the user at `at` may do on every device there will be, and on this one. */
unsigned grants_on_all(const grants *all, size_t at);
unsigned grants_on(grants *all, size_t at, const char *id);

#endif
