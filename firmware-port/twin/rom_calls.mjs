// SPDX-License-Identifier: Apache-2.0
import { FLASH_LEN, PAGE_LEN, SECTOR_LEN } from './flash.mjs';
import { PowerCut } from './faults.mjs';

const FLASH_START = 0x10000000;
const RAM_START = 0x20000000;
const RAM_END = 0x20042000;

const nonsense = new Uint8Array(16 * 1024 * 1024).fill(0x5a); // rp2040js' flash is as large
const hex = (value) => `0x${(value >>> 0).toString(16)}`;

/**
 * The functions of the boot ROM (bootrom.mjs), called with the registers as the program left them.
 * They look harder at what they get than the chip's do.
 */
export class RomCalls {
    canReadFlash = true;

    #busyUntil = 0; // of the flash
    #operation = null; // on it, the last one
    #wake; // ends the wait for it
    #random;
    #bytes; // as the processor sees the flash
    #view;
    #forbidden;

    constructor(chip, random) {
        const fail = (offset) => chip.fail(`read of flash at ${hex(FLASH_START + offset)} while it ` +
            'is switched off');
        this.chip = chip;
        this.#random = random;
        this.#bytes = chip.mcu.flash;
        this.#view = chip.mcu.flashView;
        this.#forbidden = { getUint16: fail, getUint32: fail };
        this.#wake = chip.clock.createAlarm(() => {
            chip.core.waiting = false;
        });
    }

    /** The second half of a slow function: r0 = 1 until it is done, and the core sleeps. */
    wait(registers) {
        const left = this.#busyUntil - this.chip.clock.nanos;
        registers[0] = left > 0 ? 1 : 0;
        if (left > 0) {
            this.#wake.schedule(left);
            this.chip.core.waiting = true;
        }
    }

    lookup(registers) {
        let at = registers[0];
        while (this.chip.mcu.readUint16(at) !== 0 && this.chip.mcu.readUint16(at) !== registers[1]) {
            at += 4;
        }
        registers[0] = this.chip.mcu.readUint16(at) === 0 ? 0 : this.chip.mcu.readUint16(at + 2);
    }

    connect_internal_flash() {}

    /*
     * From here on reading the flash fails; a single byte reads as nonsense. Only the objects are
     * exchanged: other methods in their place would make rp2040js slow for ever.
     */
    flash_exit_xip() {
        const { mcu } = this.chip;
        this.canReadFlash = false;
        mcu.flash = nonsense;
        mcu.flashView = this.#forbidden;
    }

    flash_flush_cache() {}

    flash_enter_cmd_xip() {
        const { mcu } = this.chip;
        this.canReadFlash = true;
        mcu.flash = this.#bytes;
        mcu.flashView = this.#view;
    }

    /*
     * The bytes change at once and nobody can look until the time is over; when the supply goes away
     * meanwhile, powerOff() leaves as much as had been done by then.
     */
    #begin(what, offset, length, unit, act) {
        if (this.canReadFlash) {
            this.chip.fail(`${what} before flash_exit_xip`);
        }
        if (offset % unit !== 0 || length % unit !== 0 || length === 0 ||
            offset + length > FLASH_LEN) {
            this.chip.fail(`${what} of ${length} bytes at ${hex(offset)}`);
        }
        const before = this.chip.flash.bytes.slice(offset, offset + length);
        const all = (share) => {
            let nanos = 0;
            for (let at = offset; at < offset + length; at += unit) {
                nanos += act(at, share, this.#random);
            }
            return nanos;
        };
        const tear = (share) => {
            this.chip.flash.bytes.set(before, offset);
            all(share);
        };
        this.chip.onFlash(what, offset);
        const nanos = all(1);
        this.#bytes.set(this.chip.flash.bytes.subarray(offset, offset + length), offset);
        this.#operation = { tear, begin: this.chip.clock.nanos, nanos };
        this.#busyUntil = this.chip.clock.nanos + nanos;
        if (this.chip.flashCut !== null && --this.chip.flashCut.after < 0) {
            tear(this.chip.flashCut.share);
            throw new PowerCut(`${what} at ${hex(offset)}`);
        }
    }

    /** The supply is gone, now. The object is of no use after that. */
    powerOff() {
        if (this.#busyUntil > this.chip.clock.nanos) {
            const { tear, begin, nanos } = this.#operation;
            tear((this.chip.clock.nanos - begin) / nanos);
        }
    }

    flash_range_erase(registers) {
        this.#begin('erase', registers[0], registers[1], SECTOR_LEN,
            (at, share, random) => this.chip.flash.erase(at, share, random));
    }

    flash_range_program(registers) {
        const [offset, from, length] = registers;
        if (from < RAM_START || from + length > RAM_END) {
            this.chip.fail(`program from ${hex(from)}, which is not in RAM`);
        }
        const data = this.chip.mcu.sram.slice(from - RAM_START, from - RAM_START + length);
        this.#begin('program', offset, length, PAGE_LEN, (at, share, random) =>
            this.chip.flash.program(at, data.subarray(at - offset, at - offset + PAGE_LEN), share,
                random));
    }

    memset(registers) {
        for (let i = 0; i < registers[2]; i++) {
            this.chip.mcu.writeUint8(registers[0] + i, registers[1] & 0xff);
        }
    }

    memcpy(registers) {
        for (let i = 0; i < registers[2]; i++) {
            this.chip.mcu.writeUint8(registers[0] + i, this.chip.mcu.readUint8(registers[1] + i));
        }
    }

    popcount32(registers) {
        registers[0] = registers[0].toString(2).replaceAll('0', '').length;
    }

    reverse32(registers) {
        registers[0] = parseInt([...registers[0].toString(2).padStart(32, '0')].reverse().join(''),
            2);
    }

    clz32(registers) {
        registers[0] = Math.clz32(registers[0]);
    }

    ctz32(registers) {
        registers[0] = registers[0] === 0 ? 32 : 31 - Math.clz32(registers[0] & -registers[0]);
    }
}
