/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <stdio.h>
#include <string.h>

typedef struct listing {
    const settings *options;
    size_t count;
    char last[65]; /* hash of the last row */
} listing;

static void print_json(const medsec_audit_row *row)
{
    char time[KEYGEN_TIME_MAX];
    printf("{\"number\":%llu,\"time\":\"%s\",\"actor\":", (unsigned long long)row->number,
           output_time(time, row->time_ms));
    output_json_text(row->actor);
    printf(",\"action\":");
    output_json_text(row->action);
    printf(",\"device\":");
    output_json_text(row->device);
    printf(",\"detail\":");
    output_json_text(row->detail);
    printf(",\"hash\":\"%s\"}", row->hash);
}

static medsec_status print_row(void *context, const medsec_audit_row *row)
{
    listing *list = context;
    char time[KEYGEN_TIME_MAX];
    if (list->options->json) {
        printf("%s", list->count == 0 ? "[" : ",\n");
        print_json(row);
    } else {
        printf("%6llu %s %-12.16s %s %s %s%s%s\n", (unsigned long long)row->number,
               output_time(time, row->time_ms), row->hash, row->actor, row->action, row->device,
               row->detail[0] == '\0' ? "" : " ", row->detail);
    }
    list->count++;
    return MEDSEC_OK;
}

static medsec_status keep_last(void *context, const medsec_audit_row *row)
{
    listing *list = context;
    snprintf(list->last, sizeof list->last, "%s", row->hash);
    return MEDSEC_OK;
}

static medsec_status verify(medsec_registry *registry, listing *list)
{
    uint64_t rows = 0;
    medsec_status status = medsec_registry_verify(registry, &rows);
    if (status == MEDSEC_OK) {
        status = medsec_registry_audit(registry, keep_last, list);
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    if (list->options->json) {
        printf("{\"verified\":true,\"rows\":%llu,\"hash\":\"%s\"}\n", (unsigned long long)rows,
               list->last);
    } else {
        printf("verified %llu row%s, hash %s\n", (unsigned long long)rows, rows == 1 ? "" : "s",
               list->last);
    }
    return MEDSEC_OK;
}

static medsec_status print_all(medsec_registry *registry, listing *list)
{
    medsec_status status = medsec_registry_audit(registry, print_row, list);
    if (list->options->json && status == MEDSEC_OK) {
        printf("%s\n", list->count == 0 ? "[]" : "]");
    }
    return status;
}

int keygen_audit(const void *values, char **operands, size_t count)
{
    (void)operands;
    (void)count;
    listing list = {.options = values};
    medsec_registry *registry = NULL;
    int code = access_open(&registry, list.options, MEDSEC_REGISTRY_READ);
    if (code != EXIT_DONE) {
        return code;
    }
    medsec_status status =
        list.options->verify ? verify(registry, &list) : print_all(registry, &list);
    if (status != MEDSEC_OK) {
        code = access_failed(registry, NULL, status);
    }
    medsec_registry_close(registry);
    return output_end(code);
}
