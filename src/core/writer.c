/* SPDX-License-Identifier: Apache-2.0 */
#include "writer.h"

#include "text.h"

void medsec__write_text(medsec__writer *writer, const char *text)
{
    medsec__write(writer, text, medsec__length(text, SIZE_MAX));
}

void medsec__write_number(medsec__writer *writer, uint64_t number, size_t width)
{
    char digits[20];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    while (start > 0 && sizeof digits - start < width) {
        digits[--start] = '0';
    }
    medsec__write(writer, digits + start, sizeof digits - start);
}

medsec_status medsec__write_end(const medsec__writer *writer, size_t *len)
{
    if (writer->overflow) {
        return MEDSEC_ERR_BUFFER;
    }
    *len = writer->len;
    return MEDSEC_OK;
}
