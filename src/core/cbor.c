/* SPDX-License-Identifier: Apache-2.0 */
#include "cbor.h"

#include "big_endian.h"

/* RFC 8949 section 3: three bits of type, five that are the argument or say how long it is. */
enum { UNSIGNED = 0, NEGATIVE = 1, ARRAY = 4, MAP = 5 };
enum { ARGUMENT_BITS = 5, FIRST_LONG = 24, LAST_LONG = 27, NULL_BYTE = 0xf6, NO_BYTE = 0x100 };

static void put_head(medsec__writer *writer, unsigned type, uint64_t argument)
{
    uint8_t head[9];
    size_t width = 0;
    unsigned info = (unsigned)argument;
    if (argument >= FIRST_LONG) {
        width = 1;
        info = FIRST_LONG;
        while (width < 8 && argument >> (8 * width) != 0) {
            width *= 2;
            info++;
        }
    }
    head[0] = (uint8_t)(type << ARGUMENT_BITS | info);
    medsec__store_be(head + 1, argument, width);
    medsec__write(writer, head, 1 + width);
}

void medsec__cbor_put_uint(medsec__writer *writer, uint64_t number)
{
    put_head(writer, UNSIGNED, number);
}

void medsec__cbor_put_int(medsec__writer *writer, int64_t number)
{
    if (number < 0) {
        put_head(writer, NEGATIVE, ~(uint64_t)number); /* -1 - number */
    } else {
        put_head(writer, UNSIGNED, (uint64_t)number);
    }
}

void medsec__cbor_put_null(medsec__writer *writer)
{
    static const uint8_t null = NULL_BYTE;
    medsec__write(writer, &null, sizeof null);
}

void medsec__cbor_put_array(medsec__writer *writer, size_t count)
{
    put_head(writer, ARRAY, count);
}

void medsec__cbor_put_map(medsec__writer *writer, size_t pairs)
{
    put_head(writer, MAP, pairs);
}

static uint64_t refuse(medsec__cbor_reader *reader)
{
    reader->bad = true;
    return 0;
}

/* The next byte, which stays where it is, or what no byte is. */
static unsigned peek(const medsec__cbor_reader *reader)
{
    return reader->bad || reader->at >= reader->len ? NO_BYTE : reader->data[reader->at];
}

uint8_t medsec__cbor_get_byte(medsec__cbor_reader *reader)
{
    unsigned byte = peek(reader);
    if (byte == NO_BYTE) {
        return (uint8_t)refuse(reader);
    }
    reader->at++;
    return (uint8_t)byte;
}

/* True when the argument could not have been written in fewer bytes. */
static bool is_shortest(uint64_t argument, size_t width)
{
    return width == 1 ? argument >= FIRST_LONG : argument >> (4 * width) != 0;
}

static uint64_t get_head(medsec__cbor_reader *reader, unsigned type, uint64_t max)
{
    uint8_t first = medsec__cbor_get_byte(reader);
    uint64_t argument = first & ((1u << ARGUMENT_BITS) - 1);
    if (reader->bad || first >> ARGUMENT_BITS != type || argument > LAST_LONG) {
        return refuse(reader);
    }
    if (argument >= FIRST_LONG) {
        size_t width = (size_t)1 << (argument - FIRST_LONG);
        if (width > reader->len - reader->at) {
            return refuse(reader);
        }
        argument = medsec__load_be(reader->data + reader->at, width);
        reader->at += width;
        if (!is_shortest(argument, width)) {
            return refuse(reader);
        }
    }
    return argument <= max ? argument : refuse(reader);
}

uint64_t medsec__cbor_get_uint(medsec__cbor_reader *reader, uint64_t max)
{
    return get_head(reader, UNSIGNED, max);
}

int64_t medsec__cbor_get_int(medsec__cbor_reader *reader)
{
    if (peek(reader) >> ARGUMENT_BITS != NEGATIVE) {
        return (int64_t)get_head(reader, UNSIGNED, UINT32_MAX);
    }
    int64_t below = (int64_t)get_head(reader, NEGATIVE, UINT32_MAX);
    return reader->bad ? 0 : -1 - below;
}

bool medsec__cbor_get_null(medsec__cbor_reader *reader)
{
    if (peek(reader) != NULL_BYTE) {
        return false;
    }
    reader->at++;
    return true;
}

size_t medsec__cbor_get_array(medsec__cbor_reader *reader, size_t min, size_t max)
{
    size_t count = (size_t)get_head(reader, ARRAY, max);
    return count >= min ? count : (size_t)refuse(reader);
}

size_t medsec__cbor_get_map(medsec__cbor_reader *reader, size_t min, size_t max)
{
    size_t pairs = (size_t)get_head(reader, MAP, max);
    return pairs >= min ? pairs : (size_t)refuse(reader);
}

medsec_status medsec__cbor_get_end(const medsec__cbor_reader *reader)
{
    return reader->bad || reader->at != reader->len ? MEDSEC_ERR_MESSAGE : MEDSEC_OK;
}
