// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';

/** How a write through one of the three aliases of a register changes it. */
const ALIASES = [
    (_, value) => value,
    (now, value) => now ^ value,
    (now, value) => now | value,
    (now, value) => now & ~value,
];

/** Registers that keep what is written to them; another address than the given ones is a fault. */
export class Registers {
    constructor(chip, name, offsets) {
        this.chip = chip;
        this.name = name;
        this.values = new Map(offsets.map((offset) => [offset, 0]));
    }

    #check(offset) {
        if (!this.values.has(offset)) {
            this.chip.fail(`${this.name}: no register at 0x${offset.toString(16)}`);
        }
    }

    readUint32(offset) {
        this.#check(offset);
        return this.values.get(offset) >>> 0;
    }

    writeUint32(offset, value) {
        this.#check(offset);
        this.values.set(offset, value >>> 0);
    }

    writeUint32Atomic(offset, value, alias) {
        const now = alias === 0 ? 0 : this.readUint32(offset);
        this.writeUint32(offset, ALIASES[alias](now, value) >>> 0);
    }
}

/** Stands in the place of a peripheral that is still held in reset. */
export class Held extends Registers {
    constructor(chip, name) {
        super(chip, name, []);
    }

    readUint32(offset) {
        this.chip.fail(`${this.name}: read of 0x${offset.toString(16)} while it is held in reset`);
    }

    writeUint32(offset) {
        this.chip.fail(`${this.name}: write to 0x${offset.toString(16)} while it is held in reset`);
    }

    writeUint32Atomic(offset) {
        this.writeUint32(offset);
    }
}

const PLL_CS = 0x0;
const PLL_PWR = 0x4;
const PLL_FBDIV = 0x8;
const PLL_PRIM = 0xc;
const PLL_LOCK = 0x80000000;
const PLL_POWERED_DOWN = 0x21; // PD, VCOPD
const XOSC_HZ = 12e6;

/** A phase-locked loop (data sheet 2.18): locks when its oscillator is in its range. */
export class Pll extends Registers {
    constructor(chip, name) {
        super(chip, name, [PLL_CS, PLL_PWR, PLL_FBDIV, PLL_PRIM]);
        this.values.set(PLL_CS, 1);
        this.values.set(PLL_PWR, 0x2d);
        this.values.set(PLL_PRIM, 0x77000);
    }

    get #vcoHz() {
        const running = !(this.values.get(PLL_PWR) & PLL_POWERED_DOWN);
        const divider = this.values.get(PLL_CS) & 0x3f;
        return running && divider > 0 ? (XOSC_HZ / divider) * this.values.get(PLL_FBDIV) : 0;
    }

    get #locked() {
        return this.#vcoHz >= 750e6 && this.#vcoHz <= 1600e6;
    }

    /** What rp2040js asks for, in Hz; 0: it does not run. */
    get frequency() {
        const dividers = this.values.get(PLL_PRIM);
        const by = ((dividers >> 16) & 7) * ((dividers >> 12) & 7);
        const powered = !(this.values.get(PLL_PWR) & 8);
        return this.#locked && powered && by > 0 ? this.#vcoHz / by : 0;
    }

    readUint32(offset) {
        const value = super.readUint32(offset);
        return offset === PLL_CS && this.#locked ? (value | PLL_LOCK) >>> 0 : value;
    }

    writeUint32(offset, value) {
        super.writeUint32(offset, value);
        this.chip.clocksChanged();
    }
}

const ROSC_CTRL = 0x00;
const ROSC_STATUS = 0x18;
const ROSC_RANDOMBIT = 0x1c;

/** The ring oscillator (data sheet 2.17). `noise`: 'live', or 'dead': its bit never changes. */
export class Rosc extends Registers {
    #bytes = Buffer.alloc(0);
    #bit = 0;

    constructor(chip, noise) {
        super(chip, 'ROSC', [ROSC_CTRL, 0x04, 0x08, 0x0c, 0x10, 0x14, ROSC_STATUS, ROSC_RANDOMBIT,
            0x20]);
        this.noise = noise;
    }

    #randomBit() {
        if (this.#bit === this.#bytes.length * 8) {
            this.#bytes = randomBytes(256);
            this.#bit = 0;
        }
        const at = this.#bit++;
        return (this.#bytes[at >> 3] >> (at & 7)) & 1;
    }

    readUint32(offset) {
        if (offset === ROSC_STATUS) {
            return 0x80001000; // stable, enabled
        }
        if (offset === ROSC_RANDOMBIT) {
            return this.noise === 'dead' ? 1 : this.#randomBit();
        }
        return super.readUint32(offset);
    }
}

const RESET = 0x0;
const RESET_WDSEL = 0x4;
const RESET_DONE = 0x8;
const ALL = 0x1ffffff;
const RELEASED_BY_ROM = (1 << 6) | (1 << 9); // IO_QSPI, PADS_QSPI

/** Which peripherals are held in reset (data sheet 2.14); `change` gets the new mask. */
export class Resets extends Registers {
    constructor(chip, change) {
        super(chip, 'RESETS', [RESET, RESET_WDSEL, RESET_DONE]);
        this.change = change;
        this.values.set(RESET, ALL & ~RELEASED_BY_ROM);
    }

    get held() {
        return this.values.get(RESET);
    }

    readUint32(offset) {
        return offset === RESET_DONE ? ~this.held & ALL : super.readUint32(offset);
    }

    writeUint32(offset, value) {
        super.writeUint32(offset, value & ALL);
        if (offset === RESET) {
            this.change(this.held);
        }
    }
}
