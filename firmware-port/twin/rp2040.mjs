// SPDX-License-Identifier: Apache-2.0
import { RP2040 } from 'rp2040js';

import { makeBootrom } from './bootrom.mjs';
import { Clock } from './clock.mjs';
import { Fault, Restart } from './faults.mjs';
import { FLASH_LEN } from './flash.mjs';
import { Pl011 } from './pl011.mjs';
import { Held, Pll, Registers, Resets, Rosc } from './registers.mjs';
import { RomCalls } from './rom_calls.mjs';

const FLASH_START = 0x10000000;
const RAM_START = 0x20000000;
const RAM_END = 0x20042000;
const BOOT2_ADDRESS = 0x20041f00;
const BOOT2_LEN = 256;

const PC = 15;
const LR = 14;
const SP = 13;

const UART0_IRQ = 20;
const UART1_IRQ = 21;

/** Where rp2040js keeps a peripheral, by its bit in RESETS. The pico-sdk reads USB while it is held. */
const RESET_BITS = new Map([
    [0, 0x4004c], [1, 0x40030], [2, 0x50000], [3, 0x40044], [4, 0x40048], [5, 0x40014],
    [6, 0x40018], [8, 0x4001c], [9, 0x40020], [10, 0x50200], [11, 0x50300], [12, 0x40028],
    [13, 0x4002c], [14, 0x40050], [15, 0x4005c], [16, 0x4003c], [17, 0x40040], [18, 0x40004],
    [19, 0x40000], [20, 0x4006c], [21, 0x40054], [22, 0x40034], [23, 0x40038],
]);
const CLOCK_ENABLED = 1 << 11;
const SSI = 0x18000;
const SSI_ENABLE = 0x8;
const RESETS = 0x4000c;
const PSM = 0x40010;
const WATCHDOG = 0x40058;

const PSM_WDSEL = 0x8;
const PSM_PROC0 = 1 << 16;
const WATCHDOG_SCRATCH0 = 0x0c;
const WATCHDOG_TICK = 0x2c;
const TICK_ENABLE = 1 << 9;
const AIRCR = 0xd0c;
const AIRCR_RESET = 0x05fa0004;
const FAULT_MARK = 0xfa; // highest byte of SCRATCH0: the firmware's fault handler was there

/** What rp2040js has not, and nothing depends on. */
const HARMLESS = [
    ['I2C', /IC_SDA_HOLD/], // the hold time of SDA: there are no edges here
    ['I2C', /write to 0x88/], // IC_DMA_CR: the pico-sdk sets it and uses no DMA
];

const hex = (value) => `0x${(value >>> 0).toString(16)}`;

/** The checksum with which the chip's ROM looks at the second-stage loader. */
export function boot2Checksum(bytes) {
    let sum = 0xffffffff;
    for (const byte of bytes) {
        sum ^= byte << 24;
        for (let bit = 0; bit < 8; bit++) {
            sum = sum & 0x80000000 ? (sum << 1) ^ 0x04c11db7 : sum << 1;
        }
    }
    return sum >>> 0;
}

/**
 * One life of an RP2040, from its start to its reset. rp2040js executes the instructions; what it
 * lacks is here: the boot ROM, the reset and clock tree, the UARTs' FIFOs, noise, resets. It is
 * stricter than a chip: whatever would go wrong silently, or only on some chips, is a Fault.
 */
export class Chip {
    minStack = RAM_END; // the lowest stack pointer that was seen
    flashCut = null; // { after, share }: the supply goes after so many operations on the flash
    onBreakpoint = (code) => this.fail(`breakpoint ${code}`);
    onFlash = () => {}; // (what, offset): before an operation

    #rom = makeBootrom();
    #cycleNanos;
    #audited = false;
    #tick = 0;
    #calls;

    constructor(flash, { noise = 'live', random = Math.random } = {}) {
        this.flash = flash;
        this.clock = new Clock();
        this.mcu = new RP2040(this.clock);
        this.core = this.mcu.core;
        this.#calls = new RomCalls(this, random);
        this.#prepare(noise);
        this.clocksChanged();
        this.#connectResets();
    }

    #prepare(noise) {
        const { mcu } = this;
        const fatal = (name, message) => this.#complain(name, message);
        const info = (_, message) => { // all that rp2040js does for SEV
            mcu.core.eventRegistered ||= message === 'SEV';
        };
        mcu.logger = { debug() {}, info, warn: fatal, error: fatal };
        mcu.bootrom.set(this.#rom.words);
        mcu.flash.set(this.flash.bytes);
        mcu.onBreak = (code) => this.#trap(code);
        mcu.core.setInterrupt = (irq, value) => this.#setPending(irq, value);
        mcu.pllSys = new Pll(this, 'PLL_SYS');
        mcu.pllUsb = new Pll(this, 'PLL_USB');
        this.uart = [new Pl011(this, 'UART0', UART0_IRQ), new Pl011(this, 'UART1', UART1_IRQ)];
        Object.assign(mcu.peripherals, {
            0x14000: new Registers(this, 'XIP_CTRL', [0x0, 0x4, 0x8, 0xc, 0x10]),
            0x40018: new Registers(this, 'IO_QSPI', Array.from({ length: 24 }, (_, i) => 4 * i)),
            0x40028: mcu.pllSys,
            0x4002c: mcu.pllUsb,
            0x40034: this.uart[0],
            0x40038: this.uart[1],
            0x40060: new Rosc(this, noise),
            0x40064: new Registers(this, 'VREG_AND_CHIP_RESET', [0x0, 0x4, 0x8]),
        });
        this.#watchWrites(mcu.clocks, () => this.clocksChanged());
        this.#watchWrites(mcu.peripherals[WATCHDOG], (offset, value) => {
            this.#tick = offset === WATCHDOG_TICK ? value : this.#tick;
        });
        this.#watchWrites(mcu.peripherals[SSI], (offset, value) => {
            if (offset === SSI_ENABLE && value === 1) {
                this.#calls.flash_enter_cmd_xip(); // as the second-stage loader does
            }
        });
        this.#watchWrites(mcu.ppb, (offset, value) => {
            if (offset === AIRCR && value >>> 0 === AIRCR_RESET) {
                throw new Restart('core');
            }
        });
        mcu.peripherals[WATCHDOG].onWatchdogTrigger = () => this.#watchdogRang();
    }

    #watchWrites(peripheral, watch) {
        const write = peripheral.writeUint32.bind(peripheral);
        peripheral.writeUint32 = (offset, value) => {
            if (peripheral === this.mcu.ppb && offset === AIRCR) {
                watch(offset, value); // rp2040js does not know it
                return;
            }
            write(offset, value);
            watch(offset, value);
        };
    }

    /** Whoever is held in reset is replaced by somebody who answers nobody. */
    #connectResets() {
        const { peripherals } = this.mcu;
        const present = new Map([...RESET_BITS.values()].map((at) => [at, peripherals[at]]));
        const apply = (mask) => {
            for (const [bit, at] of RESET_BITS) {
                const real = present.get(at);
                peripherals[at] = mask & (1 << bit) ? new Held(this, real.name) : real;
            }
        };
        const resets = new Resets(this, apply);
        peripherals[RESETS] = resets;
        apply(resets.held);
    }

    #complain(name, message) {
        if (!HARMLESS.some(([where, what]) => name.startsWith(where) && what.test(message))) {
            this.fail(`${name}: ${message}`);
        }
    }

    fail(message) {
        const { registers } = this.core;
        throw new Fault(`${message} (pc ${hex(registers[PC])}, lr ${hex(registers[LR])}, ` +
            `sp ${hex(registers[SP])}, at ${(this.clock.nanos / 1e6).toFixed(3)} ms)`);
    }

    #watchdogRang() {
        const read = (at, offset) => this.mcu.peripherals[at].readUint32(offset);
        const mark = read(WATCHDOG, WATCHDOG_SCRATCH0);
        if (mark >>> 24 === FAULT_MARK) {
            this.fail(`the firmware's fault handler was called, exception ${mark & 0xff}`);
        }
        if (!(read(PSM, PSM_WDSEL) & PSM_PROC0)) {
            this.fail('the watchdog rang, but is not connected to the processor (PSM WDSEL)');
        }
        throw new Restart('watchdog');
    }

    /*
     * rp2040js enters a handler from WFI although PRIMASK forbids it. Here a pending interrupt only
     * ends the wait, and the core looks at it before its next instruction.
     */
    #setPending(irq, value) {
        const { core } = this;
        const bit = 1 << irq;
        if (value && !(core.pendingInterrupts & bit)) {
            core.pendingInterrupts |= bit;
            core.interruptsUpdated = true;
        } else if (!value) {
            core.pendingInterrupts &= ~bit;
        }
    }

    setInterrupt(irq, value) {
        this.mcu.setInterrupt(irq, value);
    }

    /** As the ROM does: the second-stage loader is checked, copied to RAM, and called. */
    start() {
        const { mcu, core } = this;
        const boot2 = this.flash.bytes.subarray(0, BOOT2_LEN);
        const sum = new DataView(boot2.buffer, boot2.byteOffset).getUint32(BOOT2_LEN - 4, true);
        if (boot2Checksum(boot2.subarray(0, BOOT2_LEN - 4)) !== sum) {
            throw new Fault('the checksum of the second-stage loader is wrong: nothing to start');
        }
        mcu.sram.set(boot2, BOOT2_ADDRESS - RAM_START);
        core.registers[SP] = BOOT2_ADDRESS;
        core.registers[LR] = 0;
        core.registers[PC] = BOOT2_ADDRESS;
    }

    /** Executes until `untilNanos` of the clock; while the core waits, time is skipped. */
    run(untilNanos) {
        const { core, clock } = this;
        while (clock.nanos < untilNanos) {
            if (core.waiting) {
                this.#wait(untilNanos);
            } else {
                this.#step();
            }
        }
    }

    #wait(untilNanos) {
        const { core, clock } = this;
        if (!this.#audited && core.registers[PC] > this.#rom.end) {
            this.#audited = true;
            this.#audit();
        }
        if (core.pendingInterrupts & core.enabledInterrupts || core.pendingSystick) {
            core.waiting = false;
            core.interruptsUpdated = true;
        } else {
            clock.tick(Math.min(clock.next, untilNanos) - clock.nanos);
        }
    }

    #step() {
        const { core, clock } = this;
        const { registers } = core;
        const pc = registers[PC];
        if (!(pc >= FLASH_START && pc < FLASH_START + FLASH_LEN && this.#calls.canReadFlash) &&
            !(pc >= RAM_START && pc < RAM_END) && pc >= this.#rom.end) {
            this.fail(this.#calls.canReadFlash ? 'runs where no program is'
                : 'runs in flash that is switched off');
        }
        const before = core.cycles;
        core.executeInstruction();
        if (registers[SP] < this.minStack) {
            this.minStack = registers[SP];
        }
        const nanos = (core.cycles - before) * this.#cycleNanos;
        if (clock.nanos + nanos >= clock.next) {
            clock.tick(nanos);
        } else {
            clock.nanos += nanos;
        }
    }

    /** What a chip needs and rp2040js does without; looked at when the program first sleeps. */
    #audit() {
        if (this.sysHz() !== 125e6 || this.periHz() !== 125e6) {
            this.fail(`clk_sys ${this.sysHz()} Hz, clk_peri ${this.periHz()} Hz, not 125 MHz`);
        }
        if (this.#adcHz() !== 48e6) {
            this.fail(`clk_adc ${this.#adcHz()} Hz, not 48 MHz`);
        }
        if (this.#tick !== (TICK_ENABLE | 12)) {
            this.fail(`the timers' tick is ${hex(this.#tick)}, not one a microsecond`);
        }
    }

    sysHz() {
        return this.mcu.clocks.sysFreq;
    }

    periHz() {
        return this.mcu.clocks.periFreq;
    }

    /** clk_adc, from PLL_USB: no other source gives what the converter needs. */
    #adcHz() {
        const { adcCtrl } = this.mcu.clocks;
        const source = (adcCtrl >> 5) & 7;
        return adcCtrl & CLOCK_ENABLED && source === 0 ? this.mcu.pllUsb.frequency : 0;
    }

    clocksChanged() {
        const hz = this.sysHz();
        if (!(hz > 0)) {
            this.fail('clk_sys was switched to a clock that stands still');
        }
        this.#cycleNanos = 1e9 / hz;
    }

    #trap(code) {
        const { registers } = this.core;
        if (registers[PC] > this.#rom.end) {
            this.onBreakpoint(code);
        } else {
            this.#calls[this.#rom.traps.get(code)](registers);
        }
    }

    /** The supply is gone, now. The object is of no use after that. */
    powerOff() {
        this.#calls.powerOff();
    }
}
