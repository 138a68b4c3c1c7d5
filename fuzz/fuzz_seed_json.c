/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text is a reading or not, whole as byte by byte; what is one gives itself again when it is
 * written and read once more.
 */
#include <medsec/reading.h>

#include <stdlib.h>
#include <string.h>

#define PICO (&medsec_profile_pico_vitals)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static bool same(const medsec_reading *a, const medsec_reading *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; i < PICO->count && equal; i++) {
        equal = a->value[i].mantissa == b->value[i].mantissa &&
                a->value[i].decimals == b->value[i].decimals &&
                a->value[i].kind == b->value[i].kind;
    }
    return equal;
}

static medsec_status parse_bytes(medsec_reading_parser *parser, const char *text, size_t len)
{
    medsec_reading_parser_init(parser, PICO);
    for (size_t i = 0; i < len; i++) {
        medsec_status status = medsec_reading_parser_push(parser, text + i, 1);
        check(status == medsec_reading_parser_result(parser) || status == MEDSEC_OK);
    }
    medsec_status status = medsec_reading_parser_result(parser);
    return status == MEDSEC_ERR_STATE ? MEDSEC_ERR_SYNTAX : status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    medsec_reading reading;
    medsec_reading again;
    medsec_reading_parser parser;
    medsec_status status = medsec_reading_parse(&reading, PICO, text, size);
    check(parse_bytes(&parser, text, size) == status);
    if (status != MEDSEC_OK) {
        return 0;
    }
    check(same(&reading, &parser.reading));
    char out[512];
    size_t len = 0;
    check(medsec_reading_write_seed(out, sizeof out, &len, PICO, &reading) == MEDSEC_OK);
    check(medsec_reading_parse(&again, PICO, out, len) == MEDSEC_OK);
    check(same(&reading, &again));
    return 0;
}
