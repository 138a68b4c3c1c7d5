/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/wire.h>

#include <stdbool.h>

/* Indexed by number; row 0 is none. */
static const char *const wires[] = {NULL, "seed", "medsec/1"};
static const char *const suites[] = {NULL, "A128CBC-HS256", "ChaChaPoly"};

#define COUNT(names) (sizeof(names) / sizeof(names)[0])

static const char *name_of(const char *const *names, size_t count, unsigned number)
{
    return number > 0 && number < count ? names[number] : "unknown";
}

/* `text` has a NUL, and nothing is read behind it. */
static bool is_name(const char *name, const char *text)
{
    while (*name != '\0' && *name == *text) {
        name++;
        text++;
    }
    return *name == *text;
}

/* 0: none of them. */
static unsigned number_of(const char *const *names, size_t count, const char *text)
{
    for (unsigned i = 1; text != NULL && i < count; i++) {
        if (is_name(names[i], text)) {
            return i;
        }
    }
    return 0;
}

const char *medsec_wire_name(medsec_wire wire)
{
    return name_of(wires, COUNT(wires), (unsigned)wire);
}

const char *medsec_suite_name(medsec_suite suite)
{
    return name_of(suites, COUNT(suites), (unsigned)suite);
}

medsec_status medsec_wire_parse(medsec_wire *wire, const char *name)
{
    unsigned number = number_of(wires, COUNT(wires), name);
    if (number == 0) {
        return MEDSEC_ERR_NOT_FOUND;
    }
    *wire = (medsec_wire)number;
    return MEDSEC_OK;
}

medsec_status medsec_suite_parse(medsec_suite *suite, const char *name)
{
    unsigned number = number_of(suites, COUNT(suites), name);
    if (number == 0) {
        return MEDSEC_ERR_NOT_FOUND;
    }
    *suite = (medsec_suite)number;
    return MEDSEC_OK;
}
