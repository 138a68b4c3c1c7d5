/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_WRITER_H
#define MEDSEC_CORE_WRITER_H

#include <medsec/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * The one way to write text and messages: a cursor that never passes its end. What does not
 * fit sets a flag that stays, so that a caller looks once, at the end.
 */
typedef struct medsec__writer {
    char *out;
    size_t cap;
    size_t len;
    bool overflow;
} medsec__writer;

static inline void medsec__write(medsec__writer *writer, const void *data, size_t len)
{
    if (writer->overflow || len > writer->cap - writer->len) {
        writer->overflow = true;
    } else if (len > 0) {
        memcpy(writer->out + writer->len, data, len);
        writer->len += len;
    }
}

void medsec__write_text(medsec__writer *writer, const char *text);
/* Decimal, with leading zeros up to `width`. */
void medsec__write_number(medsec__writer *writer, uint64_t number, size_t width);

/* Gives the length, or ERR_BUFFER. */
medsec_status medsec__write_end(const medsec__writer *writer, size_t *len);

#endif
