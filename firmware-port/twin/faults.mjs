// SPDX-License-Identifier: Apache-2.0

/** The program did what a chip would not forgive; carries where it was. */
export class Fault extends Error {}

/** The chip begins anew: a reset by the watchdog, or by the core. */
export class Restart extends Error {}

/** The supply went away in the middle of an erase or a program. */
export class PowerCut extends Error {}
