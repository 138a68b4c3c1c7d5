// SPDX-License-Identifier: Apache-2.0

/** One moment for which somebody waits; what rp2040js asks of an alarm. */
class Alarm {
    nanos = Infinity;

    constructor(clock, callback) {
        this.clock = clock;
        this.callback = callback;
    }

    schedule(deltaNanos) {
        this.cancel();
        this.nanos = this.clock.nanos + deltaNanos;
        this.clock.add(this);
    }

    cancel() {
        this.clock.remove(this);
        this.nanos = Infinity;
    }
}

/** The time of one start of the chip, in nanoseconds; it moves only when it is told to. */
export class Clock {
    nanos = 0;
    next = Infinity; // the earliest alarm
    #alarms = []; // the latest first

    get micros() {
        return this.nanos / 1000;
    }

    createAlarm(callback) {
        return new Alarm(this, callback);
    }

    add(alarm) {
        let at = this.#alarms.length;
        while (at > 0 && this.#alarms[at - 1].nanos <= alarm.nanos) {
            at--;
        }
        this.#alarms.splice(at, 0, alarm);
        this.#look();
    }

    remove(alarm) {
        const at = alarm.nanos === Infinity ? -1 : this.#alarms.indexOf(alarm);
        if (at >= 0) {
            this.#alarms.splice(at, 1);
            this.#look();
        }
    }

    /** Lets the time pass, and every alarm ring at its own moment. */
    tick(deltaNanos) {
        const target = this.nanos + deltaNanos;
        while (this.next <= target) {
            const alarm = this.#alarms.pop();
            this.nanos = alarm.nanos;
            alarm.nanos = Infinity;
            this.#look();
            alarm.callback();
        }
        this.nanos = target;
    }

    #look() {
        this.next = this.#alarms.length > 0 ? this.#alarms[this.#alarms.length - 1].nanos : Infinity;
    }
}
