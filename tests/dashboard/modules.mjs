// SPDX-License-Identifier: Apache-2.0
// The dashboard's own modules, for its tests.

import { createRequire } from 'node:module';

export const folder = new URL('../../packaging/nodered/', import.meta.url);
export const require = createRequire(new URL('package.json', folder));
export const load = (name) => require(`./${name}`);

export const LIMITS = {
    temperature: { unit: 'Cel', alarmBelow: 35, warnBelow: 36, warnFrom: 37.5, alarmFrom: 38 },
    heartRate: { unit: '/min', alarmBelow: 40, warnBelow: 50, warnFrom: 110, alarmFrom: 130 },
};

// Two clocks that stand still until they are moved: the process's own, and the wall's.
export class Clock {
    constructor() {
        this.ms = 1000;
        this.start = Date.parse('2026-11-20T12:00:00Z');
        this.now = () => this.ms;
        this.wall = () => this.start + this.ms;
    }

    pass(ms) {
        this.ms += ms;
    }

    text() {
        return new Date(this.wall()).toISOString();
    }
}
