/* SPDX-License-Identifier: Apache-2.0 */
#include "options_internal.h"

#include <stdlib.h>
#include <string.h>

static medsec_status copy(const char **out, const char *text, size_t len, option_text **texts)
{
    option_text *node = malloc(sizeof *node + len + 1);
    if (node == NULL) {
        return MEDSEC_ERR_MEMORY;
    }
    memcpy(node->text, text, len);
    node->text[len] = '\0';
    node->next = *texts;
    *texts = node;
    *out = node->text;
    return MEDSEC_OK;
}

static medsec_status set_flag(bool *value, const char *text, char reason[OPTION_REASON_MAX])
{
    if (strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "1") == 0) {
        *value = true;
        return MEDSEC_OK;
    }
    if (strcmp(text, "false") == 0 || strcmp(text, "no") == 0 || strcmp(text, "0") == 0) {
        *value = false;
        return MEDSEC_OK;
    }
    snprintf(reason, OPTION_REASON_MAX, "true or false is needed");
    return MEDSEC_ERR_SYNTAX;
}

static double upper_bound(const option_spec *spec)
{
    if (spec->min < spec->max) {
        return spec->max;
    }
    switch (spec->kind) {
    case OPTION_U32:
        return (double)UINT32_MAX;
    case OPTION_SECONDS:
        return (double)(UINT32_MAX / 1000u);
    default:
        return 1e9;
    }
}

/* Plain decimals only: strtod alone would also take white space, hex, `inf` and `nan`. */
static medsec_status read_number(double *number, const option_spec *spec, const char *text,
                                 char reason[OPTION_REASON_MAX])
{
    const bool whole = spec->kind == OPTION_U32;
    const double max = upper_bound(spec);
    const size_t len = strlen(text);
    char *end = NULL;

    if (len > 0 && len <= 24 && strspn(text, whole ? "0123456789" : "0123456789.-") == len) {
        *number = strtod(text, &end);
        if (*end == '\0' && *number >= spec->min && *number <= max) {
            return MEDSEC_OK;
        }
    }
    snprintf(reason, OPTION_REASON_MAX, "a %snumber from %.10g to %.10g is needed",
             whole ? "whole " : "", spec->min, max);
    return MEDSEC_ERR_SYNTAX;
}

static medsec_status set_number(void *value, const option_spec *spec, const char *text,
                                char reason[OPTION_REASON_MAX])
{
    double number = 0;
    const medsec_status status = read_number(&number, spec, text, reason);

    if (status != MEDSEC_OK) {
        return status;
    }
    switch (spec->kind) {
    case OPTION_U32:
        *(uint32_t *)value = (uint32_t)number;
        return MEDSEC_OK;
    case OPTION_SECONDS:
        *(uint32_t *)value = (uint32_t)(number * 1000.0 + 0.5);
        return MEDSEC_OK;
    default:
        *(double *)value = number;
        return MEDSEC_OK;
    }
}

static medsec_status set_text(const char **value, const char *text, option_text **texts,
                              char reason[OPTION_REASON_MAX])
{
    if (text[0] == '\0') {
        snprintf(reason, OPTION_REASON_MAX, "a value is needed");
        return MEDSEC_ERR_SYNTAX;
    }
    return copy(value, text, strlen(text), texts);
}

static medsec_status add_items(option_list *list, const char *text, option_text **texts,
                               char reason[OPTION_REASON_MAX])
{
    for (;;) {
        text += strspn(text, " ");
        size_t len = strcspn(text, ",");
        const bool last = text[len] == '\0';
        const char *next = text + len + 1;
        while (len > 0 && text[len - 1] == ' ') {
            len--;
        }
        if (len == 0 || list->count == OPTION_LIST_MAX) {
            snprintf(reason, OPTION_REASON_MAX,
                     len == 0 ? "an item of the list is empty" : "too many items");
            return MEDSEC_ERR_SYNTAX;
        }
        const medsec_status status = copy(&list->item[list->count], text, len, texts);
        if (status != MEDSEC_OK) {
            return status;
        }
        list->count++;
        if (last) {
            return MEDSEC_OK;
        }
        text = next;
    }
}

static medsec_status set_choice(int *value, const option_spec *spec, const char *text,
                                char reason[OPTION_REASON_MAX])
{
    snprintf(reason, OPTION_REASON_MAX, "one of");
    for (int i = 0; spec->choices[i] != NULL; i++) {
        if (strcmp(spec->choices[i], text) == 0) {
            *value = i;
            return MEDSEC_OK;
        }
        option_append(reason, OPTION_REASON_MAX, i == 0 ? " " : ", ");
        option_append(reason, OPTION_REASON_MAX, spec->choices[i]);
    }
    option_append(reason, OPTION_REASON_MAX, " is needed");
    return MEDSEC_ERR_SYNTAX;
}

medsec_status option_value_set(const option_spec *spec, void *values, const char *text,
                               option_text **texts, char reason[OPTION_REASON_MAX])
{
    void *value = (char *)values + spec->offset;

    switch (spec->kind) {
    case OPTION_FLAG:
        return set_flag(value, text, reason);
    case OPTION_TEXT:
        return set_text(value, text, texts, reason);
    case OPTION_LIST:
        return add_items(value, text, texts, reason);
    case OPTION_U32:
    case OPTION_REAL:
    case OPTION_SECONDS:
        return set_number(value, spec, text, reason);
    case OPTION_CHOICE:
        return set_choice(value, spec, text, reason);
    default:
        return MEDSEC_ERR_ARGUMENT;
    }
}

/* A number below its own minimum stands for "not given". */
static void print_number(char *out, size_t cap, const option_spec *spec, double number)
{
    if (number >= spec->min) {
        snprintf(out, cap, "%.10g", number);
    }
}

void option_value_print(char *out, size_t cap, const option_spec *spec, const void *values)
{
    out[0] = '\0';
    if (values == NULL) {
        return;
    }
    const void *value = (const char *)values + spec->offset;
    const char *text = NULL;
    switch (spec->kind) {
    case OPTION_TEXT:
        text = *(const char *const *)value;
        snprintf(out, cap, "%s", text == NULL ? "" : text);
        break;
    case OPTION_U32:
        print_number(out, cap, spec, *(const uint32_t *)value);
        break;
    case OPTION_REAL:
        print_number(out, cap, spec, *(const double *)value);
        break;
    case OPTION_SECONDS:
        print_number(out, cap, spec, *(const uint32_t *)value / 1000.0);
        break;
    case OPTION_CHOICE:
        snprintf(out, cap, "%s", spec->choices[*(const int *)value]);
        break;
    default:
        break;
    }
}
