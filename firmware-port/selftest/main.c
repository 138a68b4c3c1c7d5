/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest.h"

int main(void)
{
    selftest_exit(selftest_run());
}
