/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_LOG_FILE_H
#define MEDSEC_TESTS_LOG_FILE_H

#include <medsec/log.h>
#include <stdbool.h>

/* A log that can be read while others write to it. */
typedef struct log_file {
    medsec_log *log;
    FILE *stream;
} log_file;

void log_file_open(log_file *f);
/* A line has both. */
bool log_file_has(const log_file *f, const char *event, const char *text);
void log_file_close(log_file *f);

#endif
