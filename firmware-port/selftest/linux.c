/* SPDX-License-Identifier: Apache-2.0 */
#include "linux.h"

#include "selftest.h"

#include <string.h>

enum { SYS_exit = 1, SYS_write = 4, STDOUT = 1 };

void selftest_say(const char *text)
{
    linux_call(SYS_write, STDOUT, (uint32_t)(uintptr_t)text, strlen(text));
}

void selftest_exit(bool good)
{
    for (;;) {
        linux_call(SYS_exit, good ? 0 : 1, 0, 0);
    }
}
