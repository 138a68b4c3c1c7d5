/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <stdio.h>

static void print_json(const medsec_device_info *info)
{
    char created[KEYGEN_TIME_MAX];
    char changed[KEYGEN_TIME_MAX];
    printf("{\"device\":\"%s\",\"wire\":\"%s\",\"profile\":\"%s\",\"state\":\"%s\","
           "\"created\":\"%s\",\"changed\":\"%s\"}",
           info->id, medsec_wire_name((medsec_wire)info->wire), info->profile,
           output_state(info->state), output_time(created, info->created_ms),
           output_time(changed, info->changed_ms));
}

typedef struct listing {
    bool json;
    size_t count;
} listing;

static medsec_status list_one(void *context, const medsec_device_info *info)
{
    listing *list = context;
    if (list->json) {
        printf("%s", list->count == 0 ? "[" : ",\n");
        print_json(info);
    } else {
        char changed[KEYGEN_TIME_MAX];
        printf("%-32s %-14s %-8s %-20s %s\n", info->id, output_state(info->state),
               medsec_wire_name((medsec_wire)info->wire), info->profile,
               output_time(changed, info->changed_ms));
    }
    list->count++;
    return MEDSEC_OK;
}

int keygen_list(const void *values, char **operands, size_t count)
{
    (void)operands;
    (void)count;
    const settings *options = values;
    medsec_registry *registry = NULL;
    int code = access_open(&registry, options, MEDSEC_REGISTRY_READ);
    if (code != EXIT_DONE) {
        return code;
    }
    listing list = {.json = options->json};
    medsec_status status = medsec_registry_list(registry, list_one, &list);
    if (status != MEDSEC_OK) {
        code = access_failed(registry, NULL, status);
    } else if (options->json) {
        printf("%s\n", list.count == 0 ? "[]" : "]");
    }
    medsec_registry_close(registry);
    return output_end(code);
}

int keygen_show(const void *values, char **operands, size_t count)
{
    (void)count;
    const settings *options = values;
    medsec_registry *registry = NULL;
    medsec_device_info info;
    int code = access_open(&registry, options, MEDSEC_REGISTRY_READ);
    if (code != EXIT_DONE) {
        return code;
    }
    medsec_status status = medsec_registry_get(registry, operands[0], &info);
    if (status != MEDSEC_OK) {
        code = access_failed(registry, operands[0], status);
    } else if (options->json) {
        print_json(&info);
        putchar('\n');
    } else {
        char time[KEYGEN_TIME_MAX];
        printf("device   %s\nwire     %s\nprofile  %s\nstate    %s\n", info.id,
               medsec_wire_name((medsec_wire)info.wire), info.profile, output_state(info.state));
        printf("created  %s\n", output_time(time, info.created_ms));
        printf("changed  %s\n", output_time(time, info.changed_ms));
    }
    medsec_registry_close(registry);
    return output_end(code);
}
