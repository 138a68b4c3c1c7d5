/* SPDX-License-Identifier: Apache-2.0 */
#include "menu.h"

#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_menu(void)
{
    for (unsigned i = 0; i < VITALS_STEPS; i++) {
        const vitals_step *step = &vitals_steps[i];
        fprintf(stderr, "%3u  %s %+.1f %s\n", i + 1, step->what, step->change, step->unit);
    }
    fputs("A number takes that step on all devices, `number id` on one; q leaves the menu.\n",
          stderr);
}

static void apply(menu *m, const vitals_step *step, const char *id)
{
    uint32_t first = m->size;

    for (uint32_t i = 0; i < m->size; i++) {
        if (id[0] == '\0' || strcmp(id, m->devices[i].id) == 0) {
            vitals_apply(&m->devices[i].vitals, step);
            first = first == m->size ? i : first;
        }
    }
    if (first == m->size) {
        tool_error("no such device here");
        return;
    }
    tool_progress_end();
    fprintf(stderr, "%s: %s is now %.3f %s\n", m->devices[first].id, step->what,
            m->devices[first].vitals.level[step->vital], step->unit);
}

/* False: the menu is to be left. */
static bool read_line(menu *m, char *line)
{
    char *rest = NULL;

    line += strspn(line, " \t\r");
    if (line[0] == 'q' || line[0] == '\0') {
        return line[0] != 'q';
    }
    const unsigned long number = strtoul(line, &rest, 10);
    if (number < 1 || number > VITALS_STEPS || strchr(" \t\r", *rest) == NULL) {
        tool_error("a number from 1 to %u is needed", VITALS_STEPS);
        return true;
    }
    rest += strspn(rest, " \t\r");
    rest[strcspn(rest, " \t\r")] = '\0';
    apply(m, &vitals_steps[number - 1], rest);
    return true;
}

/* A line that is too long is cut; what is left of it is not a step. */
static bool take(menu *m, char c)
{
    if (c != '\n') {
        if (m->len < MENU_LINE_MAX - 1) {
            m->line[m->len++] = c;
        }
        return true;
    }
    m->line[m->len] = '\0';
    m->len = 0;
    return read_line(m, m->line);
}

/* False: no more input, or `q`. */
static bool read_input(menu *m)
{
    char bytes[256];

    for (;;) {
        const ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
        if (got < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        if (got == 0) {
            return false;
        }
        for (ssize_t i = 0; i < got; i++) {
            if (!take(m, bytes[i])) {
                return false;
            }
        }
    }
}

static void on_input(uv_poll_t *poll, int status, int events)
{
    menu *m = poll->data;
    (void)events;

    if (status < 0 || !read_input(m)) {
        menu_stop(m);
    }
}

int menu_start(menu *m, uv_loop_t *loop, device *devices, uint32_t size)
{
    *m = (menu){.devices = devices, .size = size, .old_flags = fcntl(STDIN_FILENO, F_GETFL)};
    print_menu();
    const int error = uv_poll_init(loop, &m->poll, STDIN_FILENO);
    if (error == UV_EPERM) { /* a file is always ready; it is read at once */
        read_input(m);
        return 0;
    }
    if (error != 0) {
        return error;
    }
    m->poll.data = m;
    m->active = true;
    return uv_poll_start(&m->poll, UV_READABLE | UV_DISCONNECT, on_input);
}

void menu_stop(menu *m)
{
    if (m->active) {
        m->active = false;
        uv_close((uv_handle_t *)&m->poll, NULL);
        fcntl(STDIN_FILENO, F_SETFL, m->old_flags);
    }
}
