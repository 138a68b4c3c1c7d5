/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/status.h>
#include <medsec/version.h>

const char *medsec_strerror(medsec_status status)
{
    switch (status) {
#define SENTENCE(name, number, word, sentence) \
    case MEDSEC_##name:                        \
        return sentence;
        MEDSEC_STATUS_MAP(SENTENCE)
#undef SENTENCE
    default:
        return "unknown status";
    }
}

const char *medsec_status_word(medsec_status status)
{
    switch (status) {
#define WORD(name, number, word, sentence) \
    case MEDSEC_##name:                    \
        return word;
        MEDSEC_STATUS_MAP(WORD)
#undef WORD
    default:
        return "unknown";
    }
}

const char *medsec_version(void)
{
    return MEDSEC_VERSION_STRING;
}
