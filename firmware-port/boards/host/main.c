/* SPDX-License-Identifier: Apache-2.0 */
#include "app.h"
#include "host_board.h"
#include "options.h"
#include "tool.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SWITCH_WORK, SWITCH_CONFIGURATION };

typedef struct device_values {
    const char *flash;
    const char *drop;
    const char *serial;
    int position;
} device_values;

static const char *const positions[] = {"work", "configuration", NULL};

static const option_spec options[] = {
    {"flash", "FILE", "flash memory of the device; made when it is not there", OPTION_TEXT,
     offsetof(device_values, flash), 0, 0, NULL, OPTION_REQUIRED},
    {"drop", "FILE", "put this UF2 file of medsec-keygen into the flash before the start",
     OPTION_TEXT, offsetof(device_values, drop), 0, 0, NULL, 0},
    {"serial", "FILE", "Unix socket at which an emulated ESP8266 listens", OPTION_TEXT,
     offsetof(device_values, serial), 0, 0, NULL, OPTION_REQUIRED},
    {"switch", "POSITION", "where the slide switch stands", OPTION_CHOICE,
     offsetof(device_values, position), 0, 0, positions, 0},
    {NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, 0},
};

static volatile sig_atomic_t work;

static void move_switch(int number)
{
    work = number == SIGUSR1;
}

static int connect_serial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* What whoever sits at the device sees of it, as it was told last. */
typedef struct shown {
    bool work; /* the position of the switch that counts */
    uint8_t blinks; /* of the LED; led_code */
} shown;

static void tell_start(const app *firmware)
{
    static const char *const modes[] = {
        [APP_HALTED] = "halted", [APP_SETUP] = "setup", [APP_WORK] = "work"};
    printf("{\"event\":\"start\",\"mode\":\"%s\"}\n", modes[firmware->mode]);
    fflush(stdout);
}

static void tell_changes(const app *firmware, shown *last)
{
    if (firmware->slide.work != last->work) {
        last->work = firmware->slide.work;
        printf("{\"event\":\"switch\",\"position\":\"%s\"}\n",
               positions[last->work ? SWITCH_WORK : SWITCH_CONFIGURATION]);
    }
    if (firmware->led.code != last->blinks) {
        last->blinks = firmware->led.code;
        printf("{\"event\":\"led\",\"blinks\":%u}\n", (unsigned)last->blinks);
    }
    fflush(stdout);
}

/* One start after the other, as the chip after each reset, while somebody is at the serial line. */
static void run(host_board *host)
{
    static app firmware;
    while (!host->gone) {
        host_board_restart(host);
        app_start(&firmware, &host->table);
        tell_start(&firmware);
        shown last = {.work = firmware.slide.work, .blinks = UINT8_MAX};
        while (!host->gone && app_turn(&firmware)) {
            tell_changes(&firmware, &last);
        }
    }
    explicit_bzero(&firmware, sizeof firmware);
}

static int run_device(const void *given, char **operands, size_t count)
{
    static host_board host;
    const device_values *values = given;
    flash_file flash;
    (void)operands;
    (void)count;
    tool_keep_secrets();
    if (!flash_file_open(&flash, values->flash)) {
        tool_error("cannot open the flash file %s", values->flash);
        return EXIT_CONFIG;
    }
    if (values->drop != NULL && !flash_file_drop(&flash, values->drop)) {
        tool_error("%s is no UF2 file for this chip", values->drop);
        return EXIT_CONFIG;
    }
    int serial = connect_serial(values->serial);
    if (serial < 0) {
        tool_error("nobody listens at %s", values->serial);
        return EXIT_NETWORK;
    }
    work = values->position == SWITCH_WORK;
    host_board_open(&host, flash, serial, &work);
    run(&host);
    close(serial);
    flash_file_close(&flash);
    return EXIT_NETWORK; /* the other end has gone */
}

int main(int argc, char **argv)
{
    static const device_values defaults = {.position = SWITCH_WORK};
    static const tool_spec tool = {
        .name = "medsec-device",
        .summary = "the firmware on this machine, for tests",
        .description = "Runs the firmware with a file for its flash memory and a socket for its "
                       "serial line to the ESP8266. SIGUSR1 moves the slide switch to work, "
                       "SIGUSR2 to configuration. A kill is a power cut.",
        .options = options,
        .self = {.run = run_device},
        .defaults = &defaults,
        .values_size = sizeof(device_values),
    };
    const struct sigaction action = {.sa_handler = move_switch};
    (void)sigaction(SIGUSR1, &action, NULL);
    (void)sigaction(SIGUSR2, &action, NULL);
    static device_values values;
    return tool_main(&tool, argc, argv, &values);
}
