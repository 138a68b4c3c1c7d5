/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <stdio.h>

#define SECRETS_MAX 48u

static void print_json(const medsec_device_info *info)
{
    char created[KEYGEN_TIME_MAX];
    char changed[KEYGEN_TIME_MAX];
    printf("{\"device\":\"%s\",\"wire\":\"%s\",\"profile\":\"%s\",\"state\":\"%s\","
           "\"created\":\"%s\",\"changed\":\"%s\"",
           info->id, medsec_wire_name((medsec_wire)info->wire), info->profile,
           output_state(info->state), output_time(created, info->created_ms),
           output_time(changed, info->changed_ms));
    if (info->wire == MEDSEC_WIRE_MEDSEC1) {
        printf(",\"suite\":\"%s\",\"generation\":%lu,\"rotating\":%s",
               medsec_suite_name((medsec_suite)info->suite), (unsigned long)info->generation,
               info->rotating ? "true" : "false");
    }
    if (info->rotating) {
        printf(",\"pending_generation\":%lu", (unsigned long)info->pending_generation);
    }
    putchar('}');
}

/* "ChaChaPoly 3", "ChaChaPoly 3>4" while 4 is pending; "-" on the seed wire. */
static const char *secrets_of(char out[SECRETS_MAX], const medsec_device_info *info)
{
    if (info->wire != MEDSEC_WIRE_MEDSEC1) {
        return "-";
    }
    const char *suite = medsec_suite_name((medsec_suite)info->suite);
    int len = snprintf(out, SECRETS_MAX, "%s %lu", suite, (unsigned long)info->generation);
    if (info->rotating && len > 0 && (size_t)len < SECRETS_MAX) {
        snprintf(out + len, SECRETS_MAX - (size_t)len, ">%lu",
                 (unsigned long)info->pending_generation);
    }
    return out;
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
        char secrets[SECRETS_MAX];
        printf("%-32s %-14s %-8s %-20s %s %s\n", info->id, output_state(info->state),
               medsec_wire_name((medsec_wire)info->wire), info->profile,
               output_time(changed, info->changed_ms), secrets_of(secrets, info));
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

static void print_text(const medsec_device_info *info)
{
    char time[KEYGEN_TIME_MAX];
    printf("device   %s\nwire     %s\nprofile  %s\nstate    %s\n", info->id,
           medsec_wire_name((medsec_wire)info->wire), info->profile, output_state(info->state));
    printf("created  %s\n", output_time(time, info->created_ms));
    printf("changed  %s\n", output_time(time, info->changed_ms));
    if (info->wire == MEDSEC_WIRE_MEDSEC1) {
        printf("suite    %s\nsecrets  generation %lu\n",
               medsec_suite_name((medsec_suite)info->suite), (unsigned long)info->generation);
    }
    if (info->rotating) {
        printf("pending  generation %lu\n", (unsigned long)info->pending_generation);
    }
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
        print_text(&info);
    }
    medsec_registry_close(registry);
    return output_end(code);
}
