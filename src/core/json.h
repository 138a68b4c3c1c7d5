/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_JSON_H
#define MEDSEC_CORE_JSON_H

#include "writer.h"

#include <medsec/reading.h>

/* Pieces of the JSON that is published. Names and values are such that nothing needs an escape:
 * profiles and device ids are checked when they come in. */

/* A text that is known when this is compiled. */
#define medsec__json_put(writer, literal) medsec__write(writer, literal, sizeof(literal) - 1)

void medsec__json_string(medsec__writer *writer, const char *text);
/* "name":"value", and "name":number, with the comma. */
void medsec__json_member(medsec__writer *writer, const char *name, const char *value);
void medsec__json_number(medsec__writer *writer, const char *name, uint32_t number);

/* RFC 3339, in UTC, with quotes. `cache` has the text of the second that was written last. */
void medsec__json_time(medsec__writer *writer, medsec_second *cache, uint64_t time_ms);

void medsec__json_value(medsec__writer *writer, medsec_value value);
/* "values":{...}, and ,"suspect":[...] when there are any. */
void medsec__json_values(medsec__writer *writer, const medsec_profile *profile,
                         const medsec_reading *reading);

bool medsec__json_fits(const medsec_profile *profile, const medsec_reading *reading);
/* ERR_ARGUMENT, ERR_DEVICE_ID. */
MEDSEC_CHECK medsec_status medsec__json_check_origin(const medsec_reading_origin *origin);

#endif
