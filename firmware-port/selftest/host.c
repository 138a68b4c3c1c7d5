/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest.h"

#include <stdio.h>
#include <stdlib.h>

void selftest_say(const char *text)
{
    fputs(text, stdout);
}

void selftest_exit(bool good)
{
    exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
}
