/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_SETTINGS_H
#define FIRMWARE_SETTINGS_H

#include "board.h"

#include <medsec/crypto.h>
#include <medsec/setup.h>

/*
 * What was typed into the setup page, in flash: two slots, each a number that grows, the settings
 * and a sum. Saving writes the slot that is not in force, looks at what it wrote, and wipes the old
 * one: whatever moment the power fails, one whole set is in force, the old one or the new one.
 *
 * Settings that were just saved are fresh: the device goes to work with them wherever the slide
 * switch stands. They are until settings_taken, over any number of starts.
 */

/* true: there are settings. What does not check is as if it were not there; what a save that was
 * cut has left of other settings is wiped. */
bool settings_load(medsec_setup_settings *settings, bool *fresh, const board *board,
                   const medsec_crypto *crypto);
/* false: the flash does not hold them; the old ones are in force still. */
bool settings_save(const board *board, const medsec_crypto *crypto,
                   const medsec_setup_settings *settings);
/* The settings in force are not fresh any more. */
void settings_taken(const board *board, const medsec_crypto *crypto);
/* Nothing secret is left in the two sectors: all bits to 0, then erased. false: it could not. */
bool settings_wipe(const board *board);

#endif
