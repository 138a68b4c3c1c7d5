/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_LOAD_H
#define MEDSEC_SIM_LOAD_H

#include "fleet.h"

/*
 * Fills a fleet from what the settings name: credentials, addresses, recordings. Returns EXIT_DONE
 * or the code to exit with, after saying why. fleet_unload releases it all in either case.
 */
int fleet_load(fleet *f, const settings *set);
void fleet_unload(fleet *f);

#endif
