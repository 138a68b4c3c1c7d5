/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_rules.h"
#include "grants.h"
#include "keygen.h"
#include "profiles.h"

#include <stdlib.h>
#include <string.h>

/* First levels of what a device's readers see, besides those of vitals (the heart rate has one with
 * them). Not Command: who may read does not see what others ask of a device. */
static const char *const fixed_levels[] = {
    "Status", "Profile", "Reading", "Readings", "Ip_address", "Port_address", "Internal_Server"};
#define FIXED_LEVELS (sizeof fixed_levels / sizeof fixed_levels[0])
#define LEVELS_MAX (FIXED_LEVELS + (MEDSEC_PROFILES_MAX + 1u) * MEDSEC_VITALS_MAX)

typedef char level[MEDSEC_VITAL_TOPIC_MAX + 1];
typedef char device_id[MEDSEC_DEVICE_ID_MAX + 1];

typedef struct task {
    const settings *options;
    medsec_topic topic;
    medsec_profile_set *profiles;
    level levels[LEVELS_MAX];
    size_t level_count;
    grants all;
    device_id *ids; /* of the active devices */
    size_t id_count;
    size_t id_room;
    size_t users;
} task;

static void add_level(task *t, const char *topic)
{
    const size_t len = strcspn(topic, "/");
    for (size_t i = 0; i < t->level_count; i++) {
        if (strlen(t->levels[i]) == len && memcmp(t->levels[i], topic, len) == 0) {
            return;
        }
    }
    memcpy(t->levels[t->level_count], topic, len);
    t->levels[t->level_count][len] = '\0';
    t->level_count++;
}

static int load_profiles(task *t)
{
    const int code = profiles_open(&t->profiles, &t->options->profiles);
    if (code != EXIT_DONE) {
        return code;
    }
    for (size_t i = 0; i < FIXED_LEVELS; i++) {
        add_level(t, fixed_levels[i]);
    }
    const medsec_profile *profile = NULL;
    for (size_t i = 0; (profile = medsec_profile_set_at(t->profiles, i)) != NULL; i++) {
        for (size_t vital = 0; vital < profile->count; vital++) {
            add_level(t, profile->vitals[vital].topic);
        }
    }
    return EXIT_DONE;
}

static int check_options(task *t)
{
    const settings *options = t->options;
    if (!grants_user_check(options->gateway_user)) {
        tool_error("--gateway-user has letters, digits and `_-.`, at most 64");
        return EXIT_USAGE;
    }
    const char *text = options->topic_template;
    if (medsec_topic_compile(&t->topic, text, strlen(text)) != MEDSEC_OK) {
        tool_error("--topic-template needs {device} as a level of its own and {topic}, and no "
                   "wildcard");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static medsec_status keep_device(void *context, const medsec_device_info *info)
{
    task *t = context;
    if (info->state != MEDSEC_DEVICE_ACTIVE) {
        return MEDSEC_OK;
    }
    if (medsec_profile_set_find(t->profiles, info->profile) == NULL) {
        tool_error("%s is of a kind that is not known (%s): add it with --profile, or readers may "
                   "not see all of it",
                   info->id, info->profile);
    }
    if (t->id_count == t->id_room) {
        const size_t room = t->id_room == 0 ? 64 : 2 * t->id_room;
        device_id *ids = realloc(t->ids, room * sizeof *ids);
        if (ids == NULL) {
            return MEDSEC_ERR_MEMORY;
        }
        t->ids = ids;
        t->id_room = room;
    }
    memcpy(t->ids[t->id_count], info->id, sizeof *t->ids);
    t->id_count++;
    return MEDSEC_OK;
}

static int load_devices(task *t)
{
    medsec_registry *registry = NULL;
    int code = access_open(&registry, t->options, MEDSEC_REGISTRY_READ);
    if (code != EXIT_DONE) {
        return code;
    }
    const medsec_status status = medsec_registry_list(registry, keep_device, t);
    if (status != MEDSEC_OK) {
        code = access_failed(registry, NULL, status);
    }
    medsec_registry_close(registry);
    return code;
}

/* What a user may do on a device; NULL: on all. */
static void allow(const task *t, broker_rules *rules, const char *id, unsigned rights)
{
    for (size_t i = 0; (rights & GRANT_READ) != 0 && i < t->level_count; i++) {
        broker_subscribe(rules, id, t->levels[i], true);
    }
    if ((rights & GRANT_COMMAND) != 0) {
        broker_subscribe(rules, id, "Command/Config/Result", false);
    }
}

static void allow_commands(broker_rules *rules, const char *id, unsigned rights)
{
    if ((rights & GRANT_COMMAND) != 0) {
        broker_publish(rules, id, "Command/Config", false);
    }
}

static void write_user(task *t, broker_rules *rules, size_t at)
{
    const unsigned on_all = grants_on_all(&t->all, at);
    broker_user(rules, t->all.items[at].user);
    t->users++;
    allow(t, rules, NULL, on_all);
    for (size_t i = 0; i < t->id_count; i++) {
        allow(t, rules, t->ids[i], grants_on(&t->all, at, t->ids[i]) & ~on_all);
    }
    allow_commands(rules, NULL, on_all);
    for (size_t i = 0; i < t->id_count; i++) {
        allow_commands(rules, t->ids[i], grants_on(&t->all, at, t->ids[i]) & ~on_all);
    }
}

static int write_rules(task *t, FILE *file)
{
    broker_rules rules = {
        .file = file, .format = (broker_format)t->options->format, .topic = &t->topic};
    broker_begin(&rules);
    broker_gateway(&rules, t->options->gateway_user);
    for (size_t at = 0; at < t->all.count; at = grants_next(&t->all, at)) {
        write_user(t, &rules, at);
    }
    const medsec_status status = broker_end(&rules);
    if (status == MEDSEC_ERR_TOPIC) {
        tool_error("rules need a --topic-template that ends in /{topic}, and topics of letters, "
                   "digits, `_-.` and `/`");
        return EXIT_CONFIG;
    }
    if (status != MEDSEC_OK) {
        tool_error("%s", medsec_strerror(status));
    }
    return tool_exit_code(status);
}

/* A pattern for nobody is a slip, or of devices to come. */
static void tell_unused(const task *t)
{
    for (size_t i = 0; i < t->all.count; i++) {
        const grant *item = &t->all.items[i];
        if (!item->used) {
            tool_error("%s: line %zu: no active device is named so: %s", t->options->grants,
                       item->line, item->pattern);
        }
    }
}

static int deliver(const task *t, const char *text, size_t len)
{
    if (t->options->out == NULL) {
        fwrite(text, 1, len, stdout);
        return EXIT_DONE;
    }
    const int code = output_replace(t->options->out, text, len);
    if (code == EXIT_DONE) {
        printf(t->options->json ? "{\"users\":%zu,\"devices\":%zu}\n" : "users %zu devices %zu\n",
               t->users + 1, t->id_count);
    }
    return code;
}

/* In memory first: half of the rules would be other rules. */
static int make_rules(task *t)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    int code = file != NULL ? write_rules(t, file) : EXIT_FAILED;
    if (file != NULL && fclose(file) != 0) {
        code = EXIT_FAILED;
        tool_error("%s", medsec_strerror(MEDSEC_ERR_MEMORY));
    }
    if (code == EXIT_DONE) {
        tell_unused(t);
        code = deliver(t, text, len);
    }
    free(text);
    return code;
}

int keygen_broker_acl(const void *values, char **operands, size_t count)
{
    (void)operands;
    (void)count;
    static task t;
    t.options = values;
    int code = check_options(&t);
    if (code == EXIT_DONE && t.options->grants != NULL) {
        code = grants_read(&t.all, t.options->grants, t.options->gateway_user);
    }
    if (code == EXIT_DONE) {
        code = load_profiles(&t);
    }
    if (code == EXIT_DONE) {
        code = load_devices(&t);
    }
    if (code == EXIT_DONE) {
        code = make_rules(&t);
    }
    medsec_profile_set_destroy(t.profiles);
    grants_free(&t.all);
    free(t.ids);
    return output_end(code);
}
