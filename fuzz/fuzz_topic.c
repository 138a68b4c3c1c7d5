/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: template, device id and suffix, one a line. What expands has no wildcard and no control
 * character, and exactly the levels that the template and the suffix have.
 */
#include <medsec/topic.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
    if (!good) {
        abort();
    }
}

static size_t slashes(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        count += text[i] == '/';
    }
    return count;
}

/* The line that begins here, as a text of its own. */
static char *line(const char **at, size_t *left, size_t *len)
{
    const char *end = *left > 0 ? memchr(*at, '\n', *left) : NULL;
    *len = end == NULL ? *left : (size_t)(end - *at);
    char *copy = malloc(*len + 1);
    check(copy != NULL);
    if (*len > 0) {
        memcpy(copy, *at, *len);
    }
    copy[*len] = '\0';
    size_t step = end == NULL ? *len : *len + 1;
    *at += step;
    *left -= step;
    return copy;
}

static void check_expansion(const char *out, size_t len, size_t levels)
{
    check(len > 0 && len <= MEDSEC_TOPIC_MAX);
    check(slashes(out, len) == levels);
    check(out[0] != '$' && out[0] != '/');
    for (size_t i = 0; i < len; i++) {
        check(out[i] >= ' ' && out[i] <= '~' && out[i] != '+' && out[i] != '#');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data;
    size_t left = size;
    size_t text_len = 0;
    size_t device_len = 0;
    size_t suffix_len = 0;
    char *text = line(&at, &left, &text_len);
    char *device = line(&at, &left, &device_len);
    char *suffix = line(&at, &left, &suffix_len);
    medsec_topic topic;
    if (medsec_topic_compile(&topic, text, text_len) == MEDSEC_OK) {
        char out[MEDSEC_TOPIC_MAX + 1];
        size_t len = 0;
        suffix_len = strlen(suffix);
        medsec_status status = medsec_topic_expand(&topic, out, sizeof out, &len, device, suffix);
        if (status == MEDSEC_OK) {
            check(medsec_device_id_check(device, strlen(device)) == MEDSEC_OK);
            check(medsec_topic_suffix_check(suffix, suffix_len) == MEDSEC_OK);
            check_expansion(out, len, slashes(text, text_len) + slashes(suffix, suffix_len));
        } else {
            check(status == MEDSEC_ERR_LIMIT ||
                  medsec_device_id_check(device, strlen(device)) != MEDSEC_OK ||
                  medsec_topic_suffix_check(suffix, suffix_len) != MEDSEC_OK);
        }
    }
    free(text);
    free(device);
    free(suffix);
    return 0;
}
