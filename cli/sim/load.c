/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include "tool.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SPARE_DESCRIPTORS 64u /* standard streams, loop, files */
#define REPLAY_MAX 67108864u /* bytes of a recording */
#define MEDSEC1_RATE_MAX 1000.0 /* readings a second: its interval is in milliseconds */

static int is_credential_file(const struct dirent *entry)
{
    const size_t len = strlen(entry->d_name);

    return len > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 5, ".json") == 0;
}

static const wire_ops *wire_of(const fleet *f, const medsec_credential *credential)
{
    const settings *set = f->world.set;

    return set->replay != NULL ? &wire_replay_ops : wire_find((wire_choice)set->wire, credential);
}

static int init_device(fleet *f, const char *path, const medsec_credential *credential)
{
    const wire_ops *ops = wire_of(f, credential);

    if (ops == NULL) {
        tool_error("%s: this credential is for the wire %s; --wire auto takes each as it is", path,
                   medsec_wire_name((medsec_wire)credential->wire));
        return EXIT_CONFIG;
    }
    if (ops == &wire_medsec1_ops && !credential->has_private) {
        tool_error("%s: its private key is in the device itself", path);
        return EXIT_CONFIG;
    }
    if (ops == &wire_medsec1_ops && f->world.set->rate_hz > MEDSEC1_RATE_MAX) {
        tool_error("--rate: at most %g on medsec/1", MEDSEC1_RATE_MAX);
        return EXIT_USAGE;
    }
    const medsec_status status =
        device_init(&f->devices[f->size], &f->world, f->size, ops, credential);
    if (status != MEDSEC_OK) {
        tool_error("%s: %s", path, medsec_strerror(status));
        return EXIT_FAILED;
    }
    f->size++;
    return EXIT_DONE;
}

static int load_device(fleet *f, const char *path)
{
    medsec_credential credential;

    const medsec_status status = medsec_credential_load(&credential, path);
    if (status != MEDSEC_OK) {
        tool_error("%s: %s", path,
                   status == MEDSEC_ERR_IO ? strerror(errno) : medsec_strerror(status));
        return EXIT_CONFIG;
    }
    if (strcmp(credential.profile, medsec_profile_pico_vitals.name) != 0) {
        tool_error("%s: only the profile %s can be simulated", path,
                   medsec_profile_pico_vitals.name);
        medsec_credential_wipe(&credential);
        return EXIT_CONFIG;
    }
    const int code = init_device(f, path, &credential);
    medsec_credential_wipe(&credential);
    return code;
}

static int allocate_devices(fleet *f, uint32_t wanted, size_t found)
{
    if (found < wanted || found == 0 || found > UINT32_MAX) {
        tool_error("%s: %zu credential files, %u needed; medsec-keygen add makes them",
                   f->world.set->credentials, found, wanted > 0 ? wanted : 1);
        return EXIT_CONFIG;
    }
    f->devices = calloc(wanted > 0 ? wanted : found, sizeof *f->devices);
    if (f->devices == NULL) {
        tool_error("%s", medsec_strerror(MEDSEC_ERR_MEMORY));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

static int load_entries(fleet *f, struct dirent **entries, size_t found)
{
    const settings *set = f->world.set;
    const size_t wanted = set->devices > 0 ? set->devices : found;
    int code = allocate_devices(f, set->devices, found);

    for (size_t i = 0; i < wanted && code == EXIT_DONE; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", set->credentials, entries[i]->d_name);
        code = load_device(f, path);
    }
    return code;
}

static int load_folder(fleet *f)
{
    struct dirent **entries = NULL;
    const int found = scandir(f->world.set->credentials, &entries, is_credential_file, alphasort);

    if (found < 0) {
        tool_error("%s: %s", f->world.set->credentials, strerror(errno));
        return EXIT_CONFIG;
    }
    const int code = load_entries(f, entries, (size_t)found);
    for (int i = 0; i < found; i++) {
        free(entries[i]);
    }
    free(entries);
    return code;
}

static int load_devices(fleet *f)
{
    const settings *set = f->world.set;
    struct stat info;

    if (stat(set->credentials, &info) != 0) {
        tool_error("%s: %s", set->credentials, strerror(errno));
        return EXIT_CONFIG;
    }
    if (S_ISDIR(info.st_mode)) {
        return load_folder(f);
    }
    const int code = allocate_devices(f, set->devices, 1);
    return code == EXIT_DONE ? load_device(f, set->credentials) : code;
}

static int raise_descriptor_limit(uint32_t devices)
{
    const rlim_t needed = (rlim_t)devices + SPARE_DESCRIPTORS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= needed) {
        return EXIT_DONE;
    }
    limit.rlim_cur = needed;
    if (needed <= limit.rlim_max && setrlimit(RLIMIT_NOFILE, &limit) == 0) {
        return EXIT_DONE;
    }
    tool_error(
        "%u devices need %llu file descriptors, the hard limit is %llu; use fewer devices or "
        "raise it (ulimit -Hn)",
        devices, (unsigned long long)needed, (unsigned long long)limit.rlim_max);
    return EXIT_FAILED;
}

static int resolve_target(world *w)
{
    const medsec_status status = address_resolve(&w->target, w->set->connect);

    if (status == MEDSEC_OK) {
        return EXIT_DONE;
    }
    if (status == MEDSEC_ERR_NOT_FOUND) {
        tool_error("--connect: no such host");
        return EXIT_NETWORK;
    }
    tool_error("--connect: ADDR:PORT is needed, as 127.0.0.1:9998 or [::1]:9998");
    return EXIT_USAGE;
}

static int resolve_sources(world *w)
{
    const option_list *list = &w->set->source;

    for (; w->sources < list->count; w->sources++) {
        const char *item = list->item[w->sources];
        char address[128];
        snprintf(address, sizeof address, strchr(item, ':') != NULL ? "[%s]:0" : "%s:0", item);
        if (address_resolve(&w->source[w->sources], address) != MEDSEC_OK) {
            tool_error("--source: addresses of this machine are needed, as 127.0.0.2 or ::1");
            return EXIT_USAGE;
        }
    }
    return EXIT_DONE;
}

static int load_replay(fleet *f)
{
    const char *path = f->world.set->replay;

    if (path == NULL) {
        return EXIT_DONE;
    }
    FILE *file = fopen(path, "rb");
    f->replay = malloc(REPLAY_MAX + 1u);
    if (file == NULL || f->replay == NULL) {
        tool_error("%s: %s", path, strerror(errno));
        if (file != NULL) {
            fclose(file);
        }
        return EXIT_CONFIG;
    }
    const size_t len = fread(f->replay, 1, REPLAY_MAX + 1u, file);
    const bool failed = ferror(file) != 0;
    fclose(file);
    if (failed || len == 0 || len > REPLAY_MAX) {
        tool_error("%s: not a recording of 1 to %u bytes", path, REPLAY_MAX);
        return EXIT_CONFIG;
    }
    f->world.setup.replay = f->replay;
    f->world.setup.replay_len = len;
    return EXIT_DONE;
}

static int open_record(fleet *f)
{
    const char *path = f->world.set->record;

    if (path == NULL) {
        return EXIT_DONE;
    }
    f->world.record = fopen(path, "wb");
    if (f->world.record == NULL) {
        tool_error("%s: %s", path, strerror(errno));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

/* A device counts its starts in flash; a run of the simulator is a start, so the time serves. */
static void set_up_wires(fleet *f)
{
    const settings *set = f->world.set;

    f->world.setup = (wire_setup){.set = set,
                                  .boot = set->boot > 0 ? set->boot : (uint32_t)time(NULL),
                                  .latency = &f->world.latency};
}

static int load_trouble(fleet *f)
{
    return trouble_load(&f->trouble, f->world.set);
}

static int resolve(fleet *f)
{
    const int code = resolve_target(&f->world);

    return code == EXIT_DONE ? resolve_sources(&f->world) : code;
}

static int raise_limit(fleet *f)
{
    return raise_descriptor_limit(f->size);
}

int fleet_load(fleet *f, const settings *set)
{
    static int (*const steps[])(fleet *) = {load_trouble, resolve,     load_replay,
                                            load_devices, raise_limit, open_record};
    int code = EXIT_DONE;

    f->world.set = set;
    f->world.loop = &f->loop;
    if (uv_loop_init(&f->loop) != 0) {
        tool_error("%s", medsec_strerror(MEDSEC_ERR_MEMORY));
        return EXIT_FAILED;
    }
    pulse_beat_init(&f->world.beat);
    set_up_wires(f);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && code == EXIT_DONE; i++) {
        code = steps[i](f);
    }
    return code;
}

void fleet_unload(fleet *f)
{
    uv_loop_close(&f->loop); /* it looks at the devices' timers, if they never ran */
    for (uint32_t i = 0; i < f->size; i++) {
        device_free(&f->devices[i]);
    }
    free(f->devices);
    free(f->replay);
    if (f->world.record != NULL && fclose(f->world.record) != 0) {
        tool_error("%s: %s", f->world.set->record, strerror(errno));
    }
}
