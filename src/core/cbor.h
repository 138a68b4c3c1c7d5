/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_CBOR_H
#define MEDSEC_CORE_CBOR_H

#include "writer.h"

/*
 * The part of CBOR that messages use: integers, null, arrays and maps of a known length, in the
 * deterministic encoding of RFC 8949 section 4.2.1. The reader takes nothing else, so whatever it
 * accepts has one encoding.
 */
void medsec__cbor_put_uint(medsec__writer *writer, uint64_t number);
void medsec__cbor_put_int(medsec__writer *writer, int64_t number);
void medsec__cbor_put_null(medsec__writer *writer);
void medsec__cbor_put_array(medsec__writer *writer, size_t count);
void medsec__cbor_put_map(medsec__writer *writer, size_t pairs);

/*
 * A cursor that never passes its end. What is not as asked for sets a flag that stays, and gives 0,
 * so that a caller looks once, at the end.
 */
typedef struct medsec__cbor_reader {
    const uint8_t *data;
    size_t len;
    size_t at;
    bool bad;
} medsec__cbor_reader;

/* What most of a message is, without a call: an unsigned integer, 0-23, or a negative one, -1 to
 * -24, in one byte. False: it is something else, or nothing. */
static inline bool medsec__cbor_get_short(medsec__cbor_reader *reader, int32_t *number)
{
    if (reader->bad || reader->at >= reader->len) {
        return false;
    }
    const uint8_t byte = reader->data[reader->at];
    const uint8_t argument = byte & 0x1F;
    if (byte >= 0x40 || argument > 23) {
        return false;
    }
    *number = byte < 0x20 ? argument : -1 - argument;
    reader->at++;
    return true;
}

/* A byte that is no CBOR: the kind of a message. */
uint8_t medsec__cbor_get_byte(medsec__cbor_reader *reader);
/* An unsigned integer, at most `max`. */
uint64_t medsec__cbor_get_uint(medsec__cbor_reader *reader, uint64_t max);
/* An integer, -2^32 to 2^32-1: any difference of two numbers of 32 bits. */
int64_t medsec__cbor_get_int(medsec__cbor_reader *reader);
/* True, and done with it, when null comes next. */
bool medsec__cbor_get_null(medsec__cbor_reader *reader);
/* How many items, or pairs, follow: at least `min`, at most `max`. */
size_t medsec__cbor_get_array(medsec__cbor_reader *reader, size_t min, size_t max);
size_t medsec__cbor_get_map(medsec__cbor_reader *reader, size_t min, size_t max);

/* OK, or ERR_MESSAGE: something was not as asked for, or bytes are left. */
medsec_status medsec__cbor_get_end(const medsec__cbor_reader *reader);

#endif
