/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CONFIG_H
#define MEDSEC_CONFIG_H

#include <medsec/export.h>
#include <medsec/status.h>

#include <stddef.h>

/*
 * Configuration text: lines of `key = value`; `#` begins a comment line; white space around both is
 * dropped; a value may be in double quotes, with \" and \\ inside. Keys are the long options.
 */
#define MEDSEC_CONFIG_KEY_MAX 64u /* characters */
#define MEDSEC_CONFIG_VALUE_MAX 1024u /* characters */
#define MEDSEC_CONFIG_FILE_MAX 65536u /* bytes of a file */

/* Called for each setting, in order, with NUL-terminated copies. Anything but OK stops the parse.
 */
typedef medsec_status medsec_config_fn(void *context, const char *key, const char *value,
                                       unsigned line);

MEDSEC_BEGIN_DECLS

/*
 * Parses a text. ERR_SYNTAX, ERR_LIMIT, or what `setting` returned; *line is where.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_config_parse(const char *text, size_t len,
                                                          medsec_config_fn *setting, void *context,
                                                          unsigned *line);

/* The same for a file. Also ERR_IO (errno says more; *line is 0). */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_config_load(const char *path,
                                                         medsec_config_fn *setting, void *context,
                                                         unsigned *line);

MEDSEC_END_DECLS

#endif
