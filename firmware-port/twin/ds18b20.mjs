// SPDX-License-Identifier: Apache-2.0

const RESET_MIN = 480e3; // nanoseconds
const PRESENCE_AFTER = 30e3;
const PRESENCE = 120e3;
const SLOT_ZERO_MIN = 60e3;
const SLOT_ZERO_MAX = 120e3;
const SLOT_ONE_MAX = 15e3;
const READ_VALID = 15e3; // what it sends is certain for so long after the edge
const RECOVERY = 1e3;

const READ_ROM = 0x33;
const MATCH_ROM = 0x55;
const SKIP_ROM = 0xcc;
const CONVERT = 0x44;
const READ_SCRATCHPAD = 0xbe;
const WRITE_SCRATCHPAD = 0x4e;
const COPY_SCRATCHPAD = 0x48;
const RECALL = 0xb8;
const READ_POWER = 0xb4;

const CONVERT_NANOS = [93.75e6, 187.5e6, 375e6, 750e6]; // for 9 to 12 bits

/** CRC-8 of Dallas/Maxim: x^8 + x^5 + x^4 + 1. */
export function crc8(bytes) {
    let crc = 0;
    for (let byte of bytes) {
        for (let bit = 0; bit < 8; bit++) {
            const mix = (crc ^ byte) & 1;
            crc = (crc >> 1) ^ (mix ? 0x8c : 0);
            byte >>= 1;
        }
    }
    return crc;
}

const bitsOf = (bytes) => bytes.flatMap((byte) => Array.from({ length: 8 }, (_, i) =>
    (byte >> i) & 1));

/**
 * The DS18B20 on its wire, bit by bit, with the times of its data sheet (19-7487 Rev 6). The other
 * end calls master(low) when it pulls the wire or lets go; `drive(low)` is called when the sensor
 * does. `clock` is one with createAlarm and nanos. What the master does outside of the times is kept
 * in `violations`.
 */
export class Ds18b20 {
    present = true;
    garbles = 0; // so many scratchpads are sent with a wrong bit
    violations = [];

    #rom = [0x28, 0x4d, 0x65, 0x64, 0x53, 0x65, 0x63];
    #scratchpad = [0x50, 0x05, 0x4b, 0x46, 0x7f, 0xff, 0x0c, 0x10]; // 85 degrees: power-on
    #fell = -Infinity; // last edges of the master
    #rose = -Infinity;
    #state = 'idle'; // idle, rom, match, function, write, sending
    #in = [];
    #out = [];
    #busyUntil = 0;

    constructor({ clock, celsius, drive }) {
        Object.assign(this, { celsius, drive });
        this.#rom.push(crc8(this.#rom));
        this.attach(clock);
    }

    /** The other end was started anew, with another clock; this end keeps its supply. */
    attach(clock) {
        this.clock = clock;
        this.#fell = this.#rose = -Infinity;
        this.#busyUntil = 0;
        this.#release = clock.createAlarm(() => this.drive(false));
        this.#presence = clock.createAlarm(() => {
            this.drive(true);
            this.#release.schedule(PRESENCE);
        });
    }

    #release;
    #presence;

    power() {
        this.#scratchpad.splice(0, 2, 0x50, 0x05);
        this.#state = 'idle';
    }

    master(low) {
        const now = this.clock.nanos;
        if (!this.present) {
            return;
        }
        if (low) {
            this.#fall(now);
        } else {
            this.#rise(now);
        }
    }

    #fall(now) {
        if (now - this.#rose < RECOVERY) {
            this.violations.push(`no recovery before a slot at ${now} ns`);
        }
        if (this.#state !== 'idle' && now - this.#fell < SLOT_ZERO_MIN) {
            this.violations.push(`slot of ${now - this.#fell} ns`);
        }
        this.#fell = now;
        if (this.#state === 'sending' && this.#nextBit() === 0) {
            this.drive(true);
            this.#release.schedule(READ_VALID);
        }
    }

    #nextBit() {
        if (this.#out.length > 0) {
            return this.#out.shift();
        }
        return this.clock.nanos < this.#busyUntil ? 0 : 1; // "still converting"
    }

    #rise(now) {
        const low = now - this.#fell;
        this.#rose = now;
        if (low >= RESET_MIN) {
            this.#state = 'rom';
            this.#in = [];
            this.#out = [];
            this.#presence.schedule(PRESENCE_AFTER);
        } else if (low > SLOT_ZERO_MAX) {
            this.violations.push(`low for ${low} ns: neither a slot nor a reset`);
            this.#state = 'idle';
        } else if (this.#state !== 'idle' && this.#state !== 'sending') {
            this.#writeSlot(low);
        } else if (this.#state === 'sending' && low > SLOT_ONE_MAX) {
            this.violations.push(`read slot with ${low} ns low`);
        }
    }

    #writeSlot(low) {
        if (low > SLOT_ONE_MAX && low < SLOT_ZERO_MIN) {
            this.violations.push(`write slot with ${low} ns low: neither 0 nor 1`);
        }
        this.#in.push(low <= SLOT_ONE_MAX ? 1 : 0);
        if (this.#in.length % 8 === 0) {
            const bytes = [];
            for (let i = 0; i < this.#in.length; i += 8) {
                bytes.push(this.#in.slice(i, i + 8).reduce((sum, bit, at) => sum | (bit << at), 0));
            }
            this.#take(bytes);
        }
    }

    #enter(state, out = []) {
        this.#state = state;
        this.#in = [];
        this.#out = out;
    }

    #take(bytes) {
        switch (this.#state) {
        case 'rom':
            this.#romCommand(bytes[0]);
            break;
        case 'match':
            if (bytes.length === 8) {
                this.#enter(bytes.every((byte, i) => byte === this.#rom[i]) ? 'function' : 'idle');
            }
            break;
        case 'function':
            this.#command(bytes[0]);
            break;
        default: // write
            if (bytes.length === 3) {
                this.#scratchpad.splice(2, 3, bytes[0], bytes[1], (bytes[2] & 0x60) | 0x1f);
                this.#enter('idle');
            }
        }
    }

    #romCommand(command) {
        switch (command) {
        case SKIP_ROM:
            this.#enter('function');
            break;
        case MATCH_ROM:
            this.#enter('match');
            break;
        case READ_ROM:
            this.#enter('sending', bitsOf(this.#rom));
            break;
        default:
            this.violations.push(`ROM command ${command.toString(16)}`);
            this.#enter('idle');
        }
    }

    #command(command) {
        switch (command) {
        case CONVERT:
            this.#convert();
            break;
        case READ_SCRATCHPAD:
            this.#enter('sending', bitsOf(this.#read()));
            break;
        case WRITE_SCRATCHPAD:
            this.#enter('write');
            break;
        case COPY_SCRATCHPAD:
        case RECALL:
        case READ_POWER: // 1: it has a supply
            this.#enter('sending');
            break;
        default:
            this.violations.push(`function command ${command.toString(16)}`);
            this.#enter('idle');
        }
    }

    #convert() {
        const bits = (this.#scratchpad[4] >> 5) & 3;
        const raw = Math.round(this.celsius() * 16) & (0xffff << (3 - bits));
        this.#busyUntil = this.clock.nanos + CONVERT_NANOS[bits];
        this.#enter('sending');
        this.#converted.cancel?.();
        this.#converted = this.clock.createAlarm(() => {
            this.#scratchpad.splice(0, 2, raw & 0xff, (raw >> 8) & 0xff);
        });
        this.#converted.schedule(CONVERT_NANOS[bits]);
    }

    #converted = {};

    #read() {
        const bytes = [...this.#scratchpad, crc8(this.#scratchpad)];
        if (this.garbles > 0) {
            this.garbles--;
            bytes[0] ^= 0x04;
        }
        return bytes;
    }
}
