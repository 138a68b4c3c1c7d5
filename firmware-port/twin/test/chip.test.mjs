// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Fault, PowerCut, Restart } from '../faults.mjs';
import { Flash } from '../flash.mjs';
import { boot2Checksum, Chip } from '../rp2040.mjs';

const RAM = 0x20000000;
const DATA = 0x20001000;
const STACK = 0x20040000;
const UART = 0x40034000;
const RESETS = 0x4000c000;
const RESETS_CLEAR = RESETS + 0x3000;
const BKPT = 0xbe00;
const WFI = 0xbf30;
const BX_R0 = 0x4700;

class Stop extends Error {}

function bootable(...opcodes) {
    const flash = new Flash();
    const boot2 = new Uint8Array(256);
    const view = new DataView(boot2.buffer);
    opcodes.forEach((opcode, i) => view.setUint16(2 * i, opcode, true));
    view.setUint32(252, boot2Checksum(boot2.subarray(0, 252)), true);
    flash.load(0, boot2);
    return flash;
}

function makeChip(flash = bootable(BKPT), options = {}) {
    const chip = new Chip(flash, options);
    chip.onBreakpoint = () => {
        throw new Stop();
    };
    return chip;
}

const run = (chip, nanos = 1e9) => chip.run(chip.clock.nanos + nanos);

/** Calls a function as a program would; gives r0. */
function call(chip, address, ...registers) {
    const { core, mcu } = chip;
    mcu.writeUint16(RAM, BKPT);
    registers.forEach((value, i) => {
        core.registers[i] = value;
    });
    core.registers[13] = STACK;
    core.registers[14] = RAM | 1;
    core.registers[15] = address & ~1;
    assert.throws(() => run(chip), Stop);
    return core.registers[0];
}

function romFunction(chip, letters) {
    const code = letters.charCodeAt(0) | (letters.charCodeAt(1) << 8);
    return call(chip, chip.mcu.readUint16(0x18), chip.mcu.readUint16(0x14), code);
}

test('the second-stage loader is checked, copied to RAM, and called with LR 0', () => {
    const chip = makeChip();
    chip.start();
    assert.throws(() => run(chip), Stop);
    assert.equal(chip.core.registers[15], 0x20041f02);
    assert.equal(chip.core.registers[14], 0);

    const flash = bootable(BKPT);
    flash.bytes[100] ^= 1;
    assert.throws(() => makeChip(flash).start(), /checksum/);
    assert.throws(() => makeChip(new Flash()).start(), Fault);
});

test('a program that runs away is stopped', () => {
    for (const target of [0x00003001, 0x10200001, 0x20042001, 0x40000001]) {
        const chip = makeChip(bootable(BX_R0));
        chip.start();
        chip.core.registers[0] = target;
        assert.throws(() => run(chip), /runs where no program is/, target.toString(16));
    }
});

test('what the emulator warns of is a fault', () => {
    const chip = makeChip();
    assert.throws(() => chip.mcu.readUint32(0x60000000), Fault);
    assert.throws(() => chip.mcu.writeUint32(0x1ffffffc, 0), Fault);
});

test('a peripheral answers nobody before it is released', () => {
    const chip = makeChip();
    assert.throws(() => chip.mcu.readUint32(UART + 0x18), /UART0.*held in reset/);
    assert.throws(() => chip.mcu.writeUint32(0x40014004, 5), /IO_BANK0.*held in reset/);
    assert.equal(chip.mcu.readUint32(RESETS + 8) & (1 << 22), 0);
    chip.mcu.writeUint32(RESETS_CLEAR, 1 << 22);
    assert.notEqual(chip.mcu.readUint32(RESETS + 8) & (1 << 22), 0);
    assert.equal(chip.mcu.readUint32(UART + 0x18), 0x90);
});

test('ROM: look-up, and the small functions', () => {
    const chip = makeChip();
    assert.equal(romFunction(chip, 'ZZ'), 0);
    assert.equal(call(chip, romFunction(chip, 'P3'), 0xf0f00001), 9);
    assert.equal(call(chip, romFunction(chip, 'L3'), 0x00010000), 15);
    assert.equal(call(chip, romFunction(chip, 'T3'), 0x00010000), 16);
    assert.equal(call(chip, romFunction(chip, 'T3'), 0), 32);
    assert.equal(call(chip, romFunction(chip, 'R3'), 0x00000003), 0xc0000000);
    call(chip, romFunction(chip, 'MS'), DATA, 0xa5, 3);
    call(chip, romFunction(chip, 'MC'), DATA + 8, DATA, 4);
    assert.deepEqual([...chip.mcu.sram.subarray(0x1008, 0x100c)], [0xa5, 0xa5, 0xa5, 0]);
});

function writableFlash(chip) {
    const rom = Object.fromEntries(['IF', 'EX', 'RE', 'RP', 'FC', 'CX'].map((letters) =>
        [letters, romFunction(chip, letters)]));
    call(chip, rom.IF);
    call(chip, rom.EX);
    return rom;
}

test('ROM: erasing and programming take their time, and change the flash', () => {
    const flash = bootable(BKPT);
    const chip = makeChip(flash);
    const rom = writableFlash(chip);
    let begin = chip.clock.nanos;

    flash.bytes.fill(0, 0x3000, 0x5000);
    chip.core.PM = true;
    chip.core.enabledInterrupts = 1 << 20;
    chip.clock.createAlarm(() => chip.setInterrupt(20, true)).schedule(44e6);
    call(chip, rom.RE, 0x4000, 4096, 65536, 0xd8);
    assert.ok(chip.clock.nanos - begin > 45e6 && chip.clock.nanos - begin < 46e6);
    chip.setInterrupt(20, false);
    begin = chip.clock.nanos;
    chip.mcu.sram.fill(0x77, 0x1000, 0x1100);
    call(chip, rom.RP, 0x4100, DATA, 256);
    assert.ok(chip.clock.nanos - begin > 0.4e6 && chip.clock.nanos - begin < 0.5e6);
    call(chip, rom.FC);
    call(chip, rom.CX);
    assert.equal(chip.mcu.readUint32(0x10003ffc), 0xffffffff, 'as it was when the chip began');
    assert.equal(chip.mcu.readUint32(0x10004000), 0xffffffff);
    assert.equal(chip.mcu.readUint32(0x10004100), 0x77777777);
    assert.equal(flash.bytes[0x3fff], 0);
    assert.equal(flash.bytes[0x41ff], 0x77);
});

test('ROM: what the flash functions must not be given', () => {
    const chip = makeChip();
    const erase = romFunction(chip, 'RE');
    const program = romFunction(chip, 'RP');
    const bad = (pattern, ...words) => assert.throws(() => {
        const { registers } = chip.core;
        words.forEach((word, i) => {
            registers[i] = word;
        });
        registers[15] = words.at(-1) & ~1;
        run(chip);
    }, pattern);

    bad(/before flash_exit_xip/, 0x4000, 4096, 0, erase);
    call(chip, romFunction(chip, 'EX'));
    bad(/erase of 4096 bytes at 0x4100/, 0x4100, 4096, 0, erase);
    bad(/erase of 0 bytes/, 0x4000, 0, 0, erase);
    bad(/erase of 8192 bytes at 0x1ff000/, 0x1ff000, 8192, 0, erase);
    bad(/program of 255 bytes/, 0x4000, DATA, 255, program);
    bad(/not in RAM/, 0x4000, 0x10000000, 256, program);
});

test('the flash cannot be read while it is written', () => {
    const chip = makeChip();
    const rom = writableFlash(chip);
    assert.throws(() => chip.mcu.readUint32(0x10000000), /switched off/);
    assert.throws(() => chip.mcu.readUint16(0x10000000), /switched off/);
    chip.core.registers[15] = 0x10000000;
    assert.throws(() => run(chip), /runs in flash that is switched off/);
    call(chip, rom.CX);
    assert.equal(chip.mcu.readUint16(0x10000000), BKPT);
});

test('a power cut leaves a part of an operation', () => {
    const flash = bootable(BKPT);
    const chip = makeChip(flash, { random: () => 0.25 });
    const rom = writableFlash(chip);
    flash.bytes.fill(0, 0x4000, 0x5000);
    chip.flashCut = { after: 0, share: 0.2 };
    chip.core.registers.set([0x4000, 4096, 65536, 0xd8]);
    chip.core.registers[15] = rom.RE & ~1;
    assert.throws(() => run(chip), PowerCut);
    assert.ok(flash.bytes.subarray(0x4000, 0x5000).every((byte) => byte === 0));
});

test('a power cut at any moment tears what goes on, and nothing else', () => {
    const flash = bootable(BKPT);
    let number = 0;
    const chip = makeChip(flash, { random: () => (number++ % 10) / 10 });
    const rom = writableFlash(chip);
    flash.bytes.fill(0, 0x3000, 0x6000);
    chip.core.registers.set([0x4000, 4096, 65536, 0xd8]);
    chip.core.registers[15] = rom.RE & ~1;
    run(chip, 22.5e6);
    chip.powerOff();
    const bits = flash.bytes.subarray(0x4000, 0x5000).reduce((sum, byte) =>
        sum + byte.toString(2).replaceAll('0', '').length, 0);
    assert.ok(Math.abs(bits / 32768 - 0.5) < 0.1, `${bits} of 32768 bits`);
    assert.equal(flash.bytes[0x3fff], 0);
    assert.equal(flash.bytes[0x5000], 0);
    const idle = makeChip(flash);
    writableFlash(idle);
    idle.powerOff();
});

test('the chip can be reset by the watchdog and by the core', () => {
    const chip = makeChip();
    assert.throws(() => chip.mcu.writeUint32(0x4005a000, 0x80000000), /not connected/);
    chip.mcu.writeUint32(0x40010008, 1); // the ring oscillator
    assert.throws(() => chip.mcu.writeUint32(0x4005a000, 0x80000000), /not connected/);
    chip.mcu.writeUint32(0x40010008, 1 << 16);
    assert.throws(() => chip.mcu.writeUint32(0x4005a000, 0x80000000), (error) =>
        error instanceof Restart && error.message === 'watchdog');
    chip.mcu.writeUint32(0x4005800c, 0xfa000003);
    assert.throws(() => chip.mcu.writeUint32(0x4005a000, 0x80000000), /exception 3/);
    assert.throws(() => chip.mcu.writeUint32(0xe000ed0c, 0x05fa0004), (error) =>
        error instanceof Restart && error.message === 'core');
});

test('the ring oscillator is noisy, or dead', () => {
    const bits = (chip) => Array.from({ length: 4096 }, () => chip.mcu.readUint32(0x4006001c));
    const ones = bits(makeChip()).reduce((a, b) => a + b);
    assert.ok(ones > 1850 && ones < 2250, `${ones} of 4096`);
    assert.ok(bits(makeChip(undefined, { noise: 'dead' })).every((bit) => bit === 1));
});

const XOSC_AND_PLLS = [
    [RESETS_CLEAR, (1 << 22) | (1 << 12) | (1 << 13)],
    [0x40024000, 0xfabaa0], // crystal
    [0x40008030, 2], // clk_ref from it
    [0x40028000, 1], [0x40028008, 125], [0x4002b004, 0x21], [0x4002800c, 0x62000],
    [0x4002b004, 8],
    [0x4002c000, 1], [0x4002c008, 100], [0x4002f004, 0x21], [0x4002c00c, 0x55000],
    [0x4002f004, 8],
    [0x4000803c, 0], [0x4000803c, 1], // clk_sys from PLL_SYS
    [0x40008048, 1 << 11], // clk_peri
    [0x40008060, 1 << 11], // clk_adc from PLL_USB
];

function clocked(chip) {
    XOSC_AND_PLLS.forEach(([address, value]) => chip.mcu.writeUint32(address, value));
    return chip;
}

test('clocks follow what is set', () => {
    const chip = makeChip();
    assert.equal(chip.sysHz(), 6.5e6);
    chip.mcu.writeUint32(RESETS_CLEAR, 1 << 12);
    assert.equal(chip.mcu.readUint32(0x40028000) >>> 31, 0, 'no lock');
    assert.throws(() => chip.mcu.writeUint32(0x4000803c, 1), /stands still/);
    chip.mcu.writeUint32(0x4000803c, 0);
    clocked(chip);
    assert.equal(chip.mcu.readUint32(0x40028000) >>> 31, 1);
    assert.equal(chip.sysHz(), 125e6);
    assert.equal(chip.periHz(), 125e6);
    assert.equal(chip.mcu.pllUsb.frequency, 48e6);
});

test('what a chip would need is looked at when the program first sleeps', () => {
    const sleepy = (prepare) => {
        const chip = makeChip(bootable(WFI, BKPT));
        chip.start();
        prepare(chip);
        return () => run(chip, 1e6);
    };
    assert.throws(sleepy(() => {}), /not 125 MHz/);
    assert.throws(sleepy(clocked), /tick/);
    assert.throws(sleepy((chip) => {
        clocked(chip).mcu.writeUint32(0x40008060, 0);
    }), /clk_adc 0/);
    assert.doesNotThrow(sleepy((chip) => {
        clocked(chip).mcu.writeUint32(0x4005802c, 0x20c);
    }));
});

test('a pending interrupt ends WFI, and PRIMASK keeps its handler away', () => {
    const chip = makeChip(bootable(WFI, BKPT));
    clocked(chip).mcu.writeUint32(0x4005802c, 0x20c);
    chip.start();
    chip.core.PM = true;
    chip.core.enabledInterrupts = 1 << 20;
    chip.core.VTOR = RAM;
    chip.mcu.writeUint32(RAM + 4 * (16 + 20), DATA | 1);
    chip.mcu.writeUint16(DATA, BKPT);
    run(chip, 1e6);
    assert.ok(chip.core.waiting);
    chip.setInterrupt(20, true);
    assert.throws(() => run(chip, 1e6), Stop);
    assert.equal(chip.core.registers[15], 0x20041f04, 'the next instruction, no handler');
    chip.core.PM = false;
    chip.core.interruptsUpdated = true;
    assert.throws(() => run(chip, 1e6), Stop);
    assert.equal(chip.core.registers[15] & ~1, DATA + 2, 'the handler');
});

test('WFE goes on after an event, and SEV is one', () => {
    const WFE = 0xbf20;
    const SEV = 0xbf40;
    const chip = makeChip(bootable(WFE, SEV, WFE, WFE, BKPT));
    clocked(chip).mcu.writeUint32(0x4005802c, 0x20c);
    chip.start();
    chip.core.eventRegistered = true;
    run(chip, 1e6);
    assert.equal(chip.core.registers[15], 0x20041f08, 'the third one waits');
    assert.ok(chip.core.waiting);
});

function openUart(chip) {
    const { mcu } = clocked(chip);
    mcu.writeUint32(UART + 0x24, 67);
    mcu.writeUint32(UART + 0x28, 52);
    mcu.writeUint32(UART + 0x2c, 0x70);
    mcu.writeUint32(UART + 0x30, 0x301);
    return mcu;
}

test('UART: bytes go out one after the other, at the rate of the line', () => {
    const chip = makeChip();
    const mcu = openUart(chip);
    const sent = [];
    chip.uart[0].onSend = (byte) => sent.push([byte, Math.round(chip.clock.nanos / 1e3)]);
    [1, 2, 3].forEach((byte) => mcu.writeUint32(UART, byte));
    assert.notEqual(mcu.readUint32(UART + 0x18) & 8, 0, 'busy');
    chip.clock.tick(1e6);
    assert.deepEqual(sent, [[1, 87], [2, 174], [3, 260]]);
    assert.equal(mcu.readUint32(UART + 0x18), 0x90);
});

test('UART: a full send FIFO says so, and telling it more is a fault', () => {
    const chip = makeChip();
    const mcu = openUart(chip);
    let count = 0;
    while (!(mcu.readUint32(UART + 0x18) & 0x20)) {
        mcu.writeUint32(UART, count++);
    }
    assert.equal(count, 32);
    assert.throws(() => mcu.writeUint32(UART, 0), /full send FIFO/);
});

test('UART: it interrupts when there is room again, not as long as there is', () => {
    const chip = makeChip();
    const mcu = openUart(chip);
    mcu.writeUint32(UART + 0x38, 0x20);
    const pending = () => (chip.core.pendingInterrupts >> 20) & 1;
    assert.equal(pending(), 0, 'an empty FIFO alone is no event');
    for (let i = 0; i < 20; i++) {
        mcu.writeUint32(UART, i);
    }
    chip.clock.tick(3 * 87e3);
    assert.equal(pending(), 0);
    chip.clock.tick(2 * 87e3);
    assert.equal(pending(), 1);
    mcu.writeUint32(UART + 0x44, 0x20);
    assert.equal(pending(), 0);
    chip.clock.tick(87e3);
    assert.equal(pending(), 0, 'there was room already');
});

test('UART: bytes come in at the rate of the line; level, timeout, overrun', () => {
    const chip = makeChip();
    const mcu = openUart(chip);
    const raw = () => mcu.readUint32(UART + 0x3c) & 0x450;
    chip.uart[0].feed(Buffer.from(Array.from({ length: 40 }, (_, i) => i)));
    chip.clock.tick(15.5 * 86.8e3);
    assert.equal(raw(), 0);
    chip.clock.tick(86.8e3);
    assert.equal(raw(), 0x10);
    for (let i = 0; i < 16; i++) {
        assert.equal(mcu.readUint32(UART), i);
    }
    assert.equal(raw(), 0);
    chip.clock.tick(5 * 86.8e3);
    for (let i = 16; i < 21; i++) {
        assert.equal(mcu.readUint32(UART), i);
    }
    chip.clock.tick(3e6);
    assert.equal(raw() & 0x50, 0x50, 'level, and silence');
    assert.equal(chip.uart[0].overruns, 0);
    chip.uart[0].feed(Buffer.alloc(20));
    chip.clock.tick(5e6);
    assert.equal(chip.uart[0].overruns, 7);
    assert.equal(raw() & 0x400, 0x400);
});

test('UART: a last byte alone is told by the timeout only', () => {
    const chip = makeChip();
    const mcu = openUart(chip);
    chip.uart[0].feed([7]);
    chip.clock.tick(200e3);
    assert.equal(mcu.readUint32(UART + 0x3c), 0);
    chip.clock.tick(300e3);
    assert.equal(mcu.readUint32(UART + 0x3c), 0x40);
    assert.equal(mcu.readUint32(UART), 7);
    assert.equal(mcu.readUint32(UART + 0x3c), 0);
});

test('UART: another rate, or another form of a byte, is a fault', () => {
    const chip = clocked(makeChip());
    chip.mcu.writeUint32(UART + 0x24, 60);
    chip.mcu.writeUint32(UART + 0x2c, 0x70);
    assert.throws(() => chip.mcu.writeUint32(UART + 0x30, 0x301), /baud/);
    chip.mcu.writeUint32(UART + 0x30, 0);
    chip.mcu.writeUint32(UART + 0x24, 68);
    chip.mcu.writeUint32(UART + 0x2c, 0x60);
    assert.throws(() => chip.mcu.writeUint32(UART + 0x30, 0x301), /8N1/);
});
