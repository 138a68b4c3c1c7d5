/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

enum {
    NONE = 0, /* control characters */
    TEXT = MEDSEC__PRINTABLE | MEDSEC__PLAIN | MEDSEC__TOPIC,
    NAME = TEXT | MEDSEC__ID,
    ESC_ = MEDSEC__PRINTABLE | MEDSEC__TOPIC, /* `"` and `\` */
    WILD = MEDSEC__PRINTABLE | MEDSEC__PLAIN /* `+` and `#` */
};

/* In the order of ASCII from the space on, sixteen a line; no class beyond ASCII. */
/* clang-format off */
const uint8_t medsec__classes[256] = {
    [0x20] =
    TEXT, TEXT, ESC_, WILD, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, WILD, TEXT, NAME, NAME, TEXT,
    NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT,
    TEXT, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME,
    NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, TEXT, ESC_, TEXT, TEXT, NAME,
    TEXT, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME,
    NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, NAME, TEXT, TEXT, TEXT, TEXT, NONE,
};
/* clang-format on */
