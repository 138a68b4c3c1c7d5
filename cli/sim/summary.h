/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_SUMMARY_H
#define MEDSEC_SIM_SUMMARY_H

#include "fleet.h"

/* What a run did: a line for people, an object for programs. */
void summary_print_text(FILE *out, const fleet *f);
void summary_print_json(FILE *out, const fleet *f);

#endif
