#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

import { Flash } from './flash.mjs';
import { Chip } from './rp2040.mjs';
import { readUf2 } from './uf2.mjs';

/*
 * Runs an image without anything connected, as fast as possible, until it exits: what it says and
 * how it ends it tells by semihosting (BKPT 0xab, Arm's specification): SYS_WRITEC, SYS_WRITE0,
 * SYS_EXIT, and SYS_ELAPSED, SYS_TICKFREQ for counted cycles.
 */
const USAGE = 'usage: run.mjs IMAGE.uf2 [SECONDS]';
const SEMIHOSTING = 0xab;
const RUN_NANOS = 10e6;
const EXITED_WELL = 0x20026; // ADP_Stopped_ApplicationExit

class Exit extends Error {}

const calls = {
    0x03: (chip, at) => process.stdout.write(String.fromCharCode(chip.mcu.readUint8(at))),
    0x04(chip, at) {
        const bytes = [];
        for (let byte = chip.mcu.readUint8(at); byte !== 0; byte = chip.mcu.readUint8(++at)) {
            bytes.push(byte);
        }
        process.stdout.write(Buffer.from(bytes));
    },
    0x18(chip, reason) {
        process.exitCode = reason === EXITED_WELL ? 0 : 1;
        throw new Exit();
    },
    0x30(chip, at) {
        chip.mcu.writeUint32(at, chip.core.cycles % 2 ** 32);
        chip.mcu.writeUint32(at + 4, Math.floor(chip.core.cycles / 2 ** 32));
        return 0;
    },
    0x31: (chip) => chip.sysHz(),
};

function call(chip, code) {
    const { registers } = chip.core;
    const act = code === SEMIHOSTING ? calls[registers[0]] : undefined;
    if (act === undefined) {
        chip.fail(`breakpoint ${code}, r0 ${registers[0]}`);
    }
    const result = act(chip, registers[1]);
    registers[0] = typeof result === 'number' ? result : 0;
}

function main([path, seconds = '600']) {
    const flash = new Flash();
    if (path === undefined) {
        process.stderr.write(`${USAGE}\n`);
        process.exit(2);
    }
    readUf2(readFileSync(path)).forEach(({ offset, data }) => flash.load(offset, data));
    const chip = new Chip(flash);
    chip.onBreakpoint = (code) => call(chip, code);
    chip.start();
    try {
        while (chip.clock.nanos < Number(seconds) * 1e9) {
            chip.run(chip.clock.nanos + RUN_NANOS);
        }
        throw new Error(`no end after ${seconds} s of the chip's time`);
    } catch (error) {
        if (!(error instanceof Exit)) {
            process.stderr.write(`run.mjs: ${error.message}\n`);
            process.exitCode = 1;
        }
    }
}

main(process.argv.slice(2));
