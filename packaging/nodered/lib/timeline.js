// SPDX-License-Identifier: Apache-2.0
// Where on the chart a reading stands. The clock is this process's: that of a device only says how
// far its readings are apart, and may be wrong or be set. Times on the line never go back.
'use strict';

const STEP_BACK_MS = 2000; // a reading that is so much earlier than its line: the line begins anew
const STEP_ON_MS = 60000; // so much later: its clock was set; less: it was under way for long
const PAUSE_MS = 2000;
const PULL = 0.1; // of what a reading without a time of its own is off the even line

class Timeline {
    constructor() {
        this.offset = null; // of this clock to the device's
        this.lastTime = null;
        this.x = -Infinity;
    }

    // `time`: of the device, or null. `interval`: usual one of readings that have none, which come
    // in heaps when the network lets them wait. Gives `{ x, anew }`.
    place(time, wall, interval) {
        const { x, anew } = time === null ? this.even(wall, interval) : this.shifted(time, wall);
        const isBack = x <= this.x && !anew;
        this.x = isBack ? this.x + 1 : x;
        return { x: this.x, anew };
    }

    even(wall, interval) {
        const next = this.x + interval;
        const isNear = Math.abs(wall - next) < PAUSE_MS;
        return { x: isNear ? next + PULL * (wall - next) : wall, anew: this.x - wall > PAUSE_MS };
    }

    shifted(time, wall) {
        const off = wall - time;
        const step = off - this.offset;
        const anew = this.offset !== null && (step < -STEP_BACK_MS || step > STEP_ON_MS);
        if (this.offset === null || anew) {
            this.offset = off;
        } else if (step < 0) { // it was quicker than those before it: nearer to the truth
            this.offset = Math.max(off, this.offset - Math.max(0, time - this.lastTime) / 2);
        }
        this.lastTime = time;
        return { x: time + this.offset, anew };
    }
}

module.exports = { Timeline };
