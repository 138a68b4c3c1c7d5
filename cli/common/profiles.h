/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CLI_PROFILES_H
#define MEDSEC_CLI_PROFILES_H

#include "options.h"

#include <medsec/profile_file.h>

/*
 * The built-in profiles and those of --profile FILE. *set is the caller's to destroy, after a
 * failure too; it may be NULL then. Returns an exit code, and has said what is wrong.
 */
int profiles_open(medsec_profile_set **set, const option_list *files);

#endif
