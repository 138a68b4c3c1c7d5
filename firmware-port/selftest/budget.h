/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_SELFTEST_BUDGET_H
#define FIRMWARE_SELFTEST_BUDGET_H

#include <stdbool.h>

/* What is between these two is counted under that name; run.mjs prints it. */
void budget_begin(const char *name);
void budget_end(void);

/* A second of the sensors on the emulated board. false: they did not give whole readings. */
bool budget_of_samples(void);

#endif
