/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include "privileges.h"
#include "profiles.h"
#include "sandbox.h"
#include "tool.h"
#include "unlock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int choose_name(proxy *p)
{
    const char *name = p->settings->name;
    char host[MEDSEC_DEVICE_ID_MAX + 1] = "";
    if (name == NULL) {
        (void)gethostname(host, sizeof host - 1);
        name = host;
    }
    if (medsec_device_id_check(name, strlen(name)) != MEDSEC_OK) {
        tool_error("--name must be 1-64 of A-Z a-z 0-9 _ - .");
        return EXIT_USAGE;
    }
    snprintf(p->name, sizeof p->name, "%s", name);
    return EXIT_DONE;
}

static int choose_publish(proxy *p)
{
    const option_list *list = &p->settings->publish;
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->item[i], "fields") == 0) {
            p->publish |= MEDSEC_PUBLISH_FIELDS;
        } else if (strcmp(list->item[i], "reading") == 0) {
            p->publish |= MEDSEC_PUBLISH_READING;
        } else if (strcmp(list->item[i], "batch") == 0) {
            p->publish |= MEDSEC_PUBLISH_BATCH;
        } else {
            tool_error("--publish takes `fields`, `reading` and `batch`");
            return EXIT_USAGE;
        }
    }
    return EXIT_DONE;
}

static int choose_topic(proxy *p)
{
    const char *text = p->settings->topic_template;
    if (medsec_topic_compile(&p->topic, text, strlen(text)) == MEDSEC_OK) {
        return EXIT_DONE;
    }
    tool_error(
        "--topic-template needs {device} as a level of its own and {topic}, and no wildcard");
    return EXIT_USAGE;
}

static int check_balancers(const proxy *p)
{
    const char *networks = p->settings->proxy_protocol;
    if (networks == NULL || medsec_gateway_check_proxy_protocol(networks) == MEDSEC_OK) {
        return EXIT_DONE;
    }
    tool_error("--proxy-protocol takes at most 32 addresses and networks, as "
               "10.1.0.5,10.2.0.0/24,2001:db8::/64, with nothing behind the bits of a network");
    return EXIT_USAGE;
}

int setup_settings(proxy *p)
{
    int code = choose_name(p);
    if (code == EXIT_DONE) {
        code = choose_publish(p);
    }
    if (code == EXIT_DONE) {
        code = choose_topic(p);
    }
    return code == EXIT_DONE ? check_balancers(p) : code;
}

int setup_log(proxy *p)
{
    p->log = medsec_log_create(stderr, (medsec_log_level)p->settings->log_level,
                               (medsec_log_format)p->settings->log_format);
    return p->log != NULL ? EXIT_DONE : EXIT_FAILED;
}

static bool wants_low_port(const char *listen)
{
    char host[256];
    uint16_t port = 0;
    return address_split(host, sizeof host, &port, listen) == MEDSEC_OK && port > 0 && port < 1024;
}

static int enter_sandbox(const proxy *p)
{
    const sandbox_mode mode = (sandbox_mode)p->settings->sandbox;
    const medsec_status status = sandbox_enter(mode);
    if (status == MEDSEC_ERR_IO && mode == SANDBOX_STRICT) {
        tool_error("--sandbox strict: this kernel takes no filter of system calls (seccomp)");
        return EXIT_FAILED;
    }
    if (status == MEDSEC_ERR_IO) {
        medsec_log_write(p->log, MEDSEC_LOG_WARN, "sandbox-unavailable",
                         MEDSEC_LOG_STR("hint", "this kernel takes no filter of system calls"));
    }
    return EXIT_DONE;
}

int setup_privileges(proxy *p)
{
    const settings *s = p->settings;
    const int code =
        s->user == NULL ? EXIT_DONE : privileges_drop(s->user, wants_low_port(s->listen));
    return code == EXIT_DONE ? enter_sandbox(p) : code;
}

int setup_profiles(proxy *p)
{
    return profiles_open(&p->profiles, &p->settings->profiles);
}

/* For writing, so that rotations can be completed; else all the same for reading. */
static medsec_status open_either_way(proxy *p, const medsec_registry_unlock *key)
{
    const char *path = p->settings->registry;
    char actor[MEDSEC_ACTOR_MAX + 1];
    snprintf(actor, sizeof actor, "gateway %.56s", p->name);
    if (!p->settings->registry_read_only && access(path, W_OK) == 0 &&
        medsec_registry_open(&p->registry, path, key, MEDSEC_REGISTRY_WRITE, actor) == MEDSEC_OK) {
        return MEDSEC_OK;
    }
    const medsec_status status =
        medsec_registry_open(&p->registry, path, key, MEDSEC_REGISTRY_READ, NULL);
    if (status == MEDSEC_OK) {
        medsec_log_write(p->log, MEDSEC_LOG_WARN, "registry-read-only",
                         MEDSEC_LOG_STR("hint", "rotations of secrets will stay pending"));
    }
    return status;
}

int setup_registry(proxy *p)
{
    const settings *s = p->settings;
    const unlock_options how = {s->registry, s->key_file, s->passphrase_file};
    unlock by = {0};
    int code = unlock_begin(&by, &how, false);
    if (code == EXIT_DONE) {
        errno = 0;
        const medsec_status status = open_either_way(p, &by.key);
        code = status == MEDSEC_OK ? EXIT_DONE : unlock_failed(&by, &how, status);
    }
    unlock_end(&by);
    return code;
}

void setup_undo(proxy *p)
{
    medsec_registry_close(p->registry);
    medsec_profile_set_destroy(p->profiles);
    medsec_log_destroy(p->log);
}
