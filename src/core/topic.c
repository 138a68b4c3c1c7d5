/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/topic.h>

#include "text.h"
#include "writer.h"

#include <string.h>

enum part { LITERAL, DEVICE, TOPIC };

static bool is_dots(const char *id, size_t len)
{
    return id[0] == '.' && (len == 1 || (len == 2 && id[1] == '.'));
}

medsec_status medsec_device_id_check(const char *id, size_t len)
{
    bool good = id != NULL && len > 0 && len <= MEDSEC_DEVICE_ID_MAX &&
                medsec__span(id, len, MEDSEC__ID) == len && !is_dots(id, len);
    return good ? MEDSEC_OK : MEDSEC_ERR_DEVICE_ID;
}

/* Where {topic} comes first these would begin a topic that the template itself may not. */
static bool is_bad_start(char c)
{
    return c == '$' || c == '/';
}

medsec_status medsec_topic_suffix_check(const char *suffix, size_t len)
{
    bool good = suffix != NULL && len > 0 && !is_bad_start(suffix[0]) &&
                medsec__span(suffix, len, MEDSEC__TOPIC) == len;
    return good ? MEDSEC_OK : MEDSEC_ERR_TOPIC;
}

static medsec_status add_part(medsec_topic *topic, enum part kind, size_t start, size_t len)
{
    if (len == 0) {
        return MEDSEC_OK;
    }
    if (topic->count == MEDSEC_TOPIC_PARTS_MAX) {
        return MEDSEC_ERR_TOPIC;
    }
    topic->parts[topic->count].kind = (uint8_t)kind;
    topic->parts[topic->count].start = (uint8_t)start;
    topic->parts[topic->count].len = (uint8_t)len;
    topic->count++;
    return MEDSEC_OK;
}

static bool has_part(const medsec_topic *topic, enum part kind)
{
    for (size_t i = 0; i < topic->count; i++) {
        if (topic->parts[i].kind == kind) {
            return true;
        }
    }
    return false;
}

/* The variable that begins here, and its length; LITERAL when it is none. */
static enum part variable_at(const char *text, size_t len, size_t *used)
{
    static const struct {
        const char *name;
        uint8_t len;
        enum part kind;
    } names[] = {{"{device}", 8, DEVICE}, {"{topic}", 7, TOPIC}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (len >= names[i].len && memcmp(text, names[i].name, names[i].len) == 0) {
            *used = names[i].len;
            return names[i].kind;
        }
    }
    return LITERAL;
}

static bool is_whole_level(const medsec_topic *topic, size_t start, size_t end, size_t len)
{
    return (start == 0 || topic->text[start - 1] == '/') && (end == len || topic->text[end] == '/');
}

static medsec_status add_variable(medsec_topic *topic, size_t at, size_t len, size_t *used)
{
    enum part kind = variable_at(topic->text + at, len - at, used);
    if (kind == LITERAL || has_part(topic, kind)) {
        return MEDSEC_ERR_TOPIC;
    }
    if (kind == DEVICE && !is_whole_level(topic, at, at + *used, len)) {
        return MEDSEC_ERR_TOPIC;
    }
    return add_part(topic, kind, at, *used);
}

static medsec_status split(medsec_topic *topic, size_t len)
{
    size_t literal = 0;
    size_t at = 0;
    while (at < len) {
        char c = topic->text[at];
        if (!medsec__is(c, MEDSEC__TOPIC) || c == '}') {
            return MEDSEC_ERR_TOPIC;
        }
        if (c != '{') {
            at++;
            continue;
        }
        size_t used = 0;
        medsec_status status = add_part(topic, LITERAL, literal, at - literal);
        if (status == MEDSEC_OK) {
            status = add_variable(topic, at, len, &used);
        }
        if (status != MEDSEC_OK) {
            return status;
        }
        at += used;
        literal = at;
    }
    return add_part(topic, LITERAL, literal, len - literal);
}

medsec_status medsec_topic_compile(medsec_topic *topic, const char *text, size_t len)
{
    if (topic == NULL || (text == NULL && len > 0)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    memset(topic, 0, sizeof *topic);
    if (len > MEDSEC_TOPIC_TEMPLATE_MAX) {
        return MEDSEC_ERR_LIMIT;
    }
    if (len == 0 || is_bad_start(text[0])) {
        return MEDSEC_ERR_TOPIC;
    }
    memcpy(topic->text, text, len);
    medsec_status status = split(topic, len);
    if (status == MEDSEC_OK && !(has_part(topic, DEVICE) && has_part(topic, TOPIC))) {
        status = MEDSEC_ERR_TOPIC;
    }
    if (status != MEDSEC_OK) {
        topic->count = 0;
    }
    return status;
}

/* The checks of above in one pass over a text that ends in NUL, which is in no class. */
static medsec_status measure_device(const char *device, size_t *len)
{
    *len = medsec__span(device, MEDSEC_DEVICE_ID_MAX, MEDSEC__ID);
    bool good = *len > 0 && device[*len] == '\0' && !is_dots(device, *len);
    return good ? MEDSEC_OK : MEDSEC_ERR_DEVICE_ID;
}

static medsec_status measure_suffix(const char *suffix, size_t *len)
{
    *len = medsec__span(suffix, MEDSEC_TOPIC_MAX, MEDSEC__TOPIC);
    if (*len == MEDSEC_TOPIC_MAX) {
        return MEDSEC_ERR_LIMIT;
    }
    bool good = *len > 0 && suffix[*len] == '\0' && !is_bad_start(suffix[0]);
    return good ? MEDSEC_OK : MEDSEC_ERR_TOPIC;
}

typedef struct filling {
    const char *device;
    size_t device_len;
    const char *suffix;
    size_t suffix_len;
} filling;

/* What stands for a part, the device's too. */
static const char *part_text(const medsec_topic *topic, size_t i, const filling *names, size_t *len)
{
    switch (topic->parts[i].kind) {
    case DEVICE:
        *len = names->device_len;
        return names->device;
    case TOPIC:
        *len = names->suffix_len;
        return names->suffix;
    default:
        *len = topic->parts[i].len;
        return topic->text + topic->parts[i].start;
    }
}

static medsec_status expand(const medsec_topic *topic, char *out, size_t cap, size_t *len,
                            const filling *names)
{
    medsec__writer writer = {.out = out, .cap = cap};
    size_t total = 0;
    for (size_t i = 0; i < topic->count; i++) {
        size_t text_len = 0;
        const char *text = part_text(topic, i, names, &text_len);
        medsec__write(&writer, text, text_len);
        total += text_len;
    }
    return total > MEDSEC_TOPIC_MAX ? MEDSEC_ERR_LIMIT : medsec__write_end(&writer, len);
}

medsec_status medsec_topic_expand(const medsec_topic *topic, char *out, size_t cap, size_t *len,
                                  const char *device, const char *suffix)
{
    if (topic == NULL || topic->count == 0 || out == NULL || len == NULL || device == NULL ||
        suffix == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    filling names = {.device = device, .suffix = suffix};
    medsec_status status = measure_device(device, &names.device_len);
    if (status == MEDSEC_OK) {
        status = measure_suffix(suffix, &names.suffix_len);
    }
    return status == MEDSEC_OK ? expand(topic, out, cap, len, &names) : status;
}

medsec_status medsec_topic_filter(const medsec_topic *topic, char *out, size_t cap, size_t *len,
                                  const char *suffix)
{
    if (topic == NULL || topic->count == 0 || out == NULL || len == NULL || suffix == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    filling names = {.device = "+", .device_len = 1, .suffix = suffix};
    medsec_status status = measure_suffix(suffix, &names.suffix_len);
    return status == MEDSEC_OK ? expand(topic, out, cap, len, &names) : status;
}

/* The device is a whole level, so the id ends where its characters do. */
static size_t match_device(char device[MEDSEC_DEVICE_ID_MAX + 1], const char *text, size_t len)
{
    size_t most = len < MEDSEC_DEVICE_ID_MAX ? len : MEDSEC_DEVICE_ID_MAX;
    size_t id_len = medsec__span(text, most, MEDSEC__ID);
    memcpy(device, text, id_len);
    device[id_len] = '\0';
    return medsec_device_id_check(text, id_len) == MEDSEC_OK ? id_len : 0;
}

medsec_status medsec_topic_match(const medsec_topic *topic, char device[MEDSEC_DEVICE_ID_MAX + 1],
                                 const char *suffix, const char *text, size_t len)
{
    filling names = {.suffix = suffix};
    if (topic == NULL || topic->count == 0 || device == NULL || suffix == NULL || text == NULL ||
        measure_suffix(suffix, &names.suffix_len) != MEDSEC_OK) {
        return MEDSEC_ERR_ARGUMENT;
    }
    size_t at = 0;
    for (size_t i = 0; i < topic->count; i++) {
        size_t part_len = 0;
        const char *part = part_text(topic, i, &names, &part_len);
        bool good;
        if (topic->parts[i].kind == DEVICE) {
            part_len = match_device(device, text + at, len - at);
            good = part_len > 0;
        } else {
            good = part_len <= len - at && memcmp(text + at, part, part_len) == 0;
        }
        if (!good) {
            return MEDSEC_ERR_TOPIC;
        }
        at += part_len;
    }
    return at == len ? MEDSEC_OK : MEDSEC_ERR_TOPIC;
}
