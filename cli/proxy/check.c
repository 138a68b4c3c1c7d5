/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "broker.h"
#include "probe.h"
#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define NOTE_MAX 200u
#define MEBIBYTE (1024u * 1024u)

/* One thing to look at: an exit code; a note for when it is in order. */
typedef int look_fn(proxy *p, char note[NOTE_MAX]);

static int look_at_settings(proxy *p, char note[NOTE_MAX])
{
    const int code = setup_settings(p);
    snprintf(note, NOTE_MAX, "this gateway is `%s` at the broker", p->name);
    return code;
}

static int look_at_user(proxy *p, char note[NOTE_MAX])
{
    const int code = setup_privileges(p);
    snprintf(note, NOTE_MAX, "runs as user %u", (unsigned)geteuid());
    return code;
}

static int look_at_profiles(proxy *p, char note[NOTE_MAX])
{
    snprintf(note, NOTE_MAX, "%zu besides those built in", p->settings->profiles.count);
    return setup_profiles(p);
}

/* Every row, its secrets and the chain of the audit log. */
static int look_at_registry(proxy *p, char note[NOTE_MAX])
{
    medsec_directory *directory = NULL;
    size_t skipped = 0;
    uint64_t rows = 0;
    const int code = setup_registry(p);
    if (code != EXIT_DONE) {
        return code;
    }
    medsec_status status = medsec_registry_verify(p->registry, &rows);
    if (status == MEDSEC_OK && p->profiles != NULL) {
        status = medsec_directory_load(&directory, p->registry, p->profiles, &skipped);
    }
    if (status != MEDSEC_OK) {
        tool_error("%s: %s; bring back a copy", p->settings->registry,
                   medsec_registry_error(p->registry));
        return EXIT_CONFIG;
    }
    const size_t count = directory != NULL ? medsec_directory_count(directory) : 0;
    medsec_directory_unref(directory);
    if (skipped > 0) {
        tool_error("%zu devices are of a kind that is not known: add it with --profile", skipped);
        return EXIT_CONFIG;
    }
    snprintf(note, NOTE_MAX, "%zu devices may connect, %" PRIu64 " changes in the audit log%s",
             count, rows,
             access(p->settings->registry, W_OK) == 0 ? ""
                                                      : "; read only: rotations "
                                                        "will stay pending");
    return EXIT_DONE;
}

static int look_at_broker(proxy *p, char note[NOTE_MAX])
{
    const broker_context context = {
        .settings = p->settings, .name = p->name, .log = p->log, .check = true};
    const char *why = NULL;
    const int code = broker_create(&p->publisher, &context);
    if (code != EXIT_DONE) {
        return code;
    }
    if (!probe_broker(p->publisher, &why)) {
        tool_error("%s: %s", p->settings->broker, why != NULL ? why : "no answer in time");
        return EXIT_NETWORK;
    }
    snprintf(note, NOTE_MAX, "%s lets us in", p->settings->broker);
    return EXIT_DONE;
}

/* The folder, or that in which it would be made. */
static const char *folder_of(const char *spool, char parent[PATH_MAX])
{
    if (access(spool, F_OK) == 0) {
        return spool;
    }
    snprintf(parent, PATH_MAX, "%s", spool);
    char *slash = strrchr(parent, '/');
    if (slash == NULL) {
        return ".";
    }
    slash[slash == parent ? 1 : 0] = '\0';
    return parent;
}

static int look_at_spool(proxy *p, char note[NOTE_MAX])
{
    char parent[PATH_MAX];
    struct statvfs disk;
    const char *spool = p->settings->spool;
    const char *folder = folder_of(spool, parent);
    if (access(folder, R_OK | W_OK | X_OK) != 0 || statvfs(folder, &disk) != 0) {
        tool_error("%s: %s; user %u must be able to write there", folder, strerror(errno),
                   (unsigned)geteuid());
        return EXIT_CONFIG;
    }
    const char *fault = folder == spool ? broker_spool_fault(spool) : NULL;
    if (fault != NULL) {
        tool_error("%s: %s", spool, fault);
        return EXIT_CONFIG;
    }
    const uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize / MEBIBYTE;
    snprintf(note, NOTE_MAX, "%s%s", spool, folder == spool ? "" : " will be made");
    if (room < p->settings->spool_mebibytes) {
        snprintf(note, NOTE_MAX, "%s; the disk has room for %" PRIu64 " of %u MiB", spool, room,
                 p->settings->spool_mebibytes);
    }
    return EXIT_DONE;
}

static int tell_address(probe_result result, const char *address, char note[NOTE_MAX])
{
    switch (result) {
    case PROBE_FREE:
        snprintf(note, NOTE_MAX, "%s", address);
        return EXIT_DONE;
    case PROBE_IN_USE:
        snprintf(note, NOTE_MAX, "%s is in use; by the gateway that this one follows?", address);
        return EXIT_DONE;
    case PROBE_NO_ADDRESS:
        tool_error("%s: must be an IP address and a port: 127.0.0.1:9998, [::1]:9998", address);
        return EXIT_NETWORK;
    case PROBE_NOT_OURS:
    default:
        tool_error("%s: %s; choose an address of this machine, and a port from 1024 on", address,
                   strerror(errno));
        return EXIT_NETWORK;
    }
}

static int look_at_listen(proxy *p, char note[NOTE_MAX])
{
    return tell_address(probe_listen(p->settings->listen, true), p->settings->listen, note);
}

static int look_at_metrics(proxy *p, char note[NOTE_MAX])
{
    return tell_address(probe_listen(p->settings->metrics, false), p->settings->metrics, note);
}

static int look(proxy *p, const char *thing, look_fn *at)
{
    char note[NOTE_MAX] = "";
    const char *const tool = tool_name();
    tool_set_name(thing);
    const int code = at(p, note);
    tool_set_name(tool);
    if (code == EXIT_DONE) {
        printf("%s: ok, %s\n", thing, note);
        fflush(stdout);
    }
    return code;
}

int check_run(proxy *p)
{
    const settings *s = p->settings;
    const struct {
        const char *thing;
        look_fn *at;
        bool wanted;
    } things[] = {{"settings", look_at_settings, true},
                  {"user", look_at_user, true},
                  {"profiles", look_at_profiles, true},
                  {"registry", look_at_registry, true},
                  {"listen", look_at_listen, true},
                  {"metrics", look_at_metrics, s->metrics != NULL},
                  {"spool", look_at_spool, s->spool != NULL},
                  {"broker", look_at_broker, true}};
    int first = setup_log(p);
    for (size_t i = 0; i < sizeof things / sizeof *things; i++) {
        const int code = things[i].wanted ? look(p, things[i].thing, things[i].at) : EXIT_DONE;
        first = first == EXIT_DONE ? code : first;
    }
    return first;
}
