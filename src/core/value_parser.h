/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_VALUE_PARSER_H
#define MEDSEC_CORE_VALUE_PARSER_H

#include <medsec/value.h>

/* medsec_value_parse in steps. Begins with a parser that is all zero. */

/* False: this character cannot stand here. */
bool medsec__value_push(medsec_value_parser *parser, char c);

/* ERR_SYNTAX: more characters are needed; ERR_NUMBER: there were too many digits. */
medsec_status medsec__value_end(const medsec_value_parser *parser, medsec_value *value);

#endif
