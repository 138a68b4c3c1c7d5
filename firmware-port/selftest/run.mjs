// SPDX-License-Identifier: Apache-2.0
/*
 * Runs an image on the emulated chip until it says that it is done (Arm semihosting), and prints what
 * it says: `node run.mjs IMAGE.bin`. Between `bkpt 1` (r0: a name) and `bkpt 2` cycles are counted.
 */
import { readFileSync } from 'node:fs';

import { Ds18b20 } from '../twin/ds18b20.mjs';
import { Flash } from '../twin/flash.mjs';
import { Mpu6050 } from '../twin/mpu6050.mjs';
import { Chip } from '../twin/rp2040.mjs';
import { Motion, Pulse } from '../twin/signals.mjs';
import * as wiring from '../twin/wiring.mjs';

const SYS_WRITE0 = 0x04;
const SYS_EXIT = 0x18;
const APPLICATION_EXIT = 0x20026;
const SEMIHOSTING = 0xab;
const BEGIN = 1;
const END = 2;
const SLICE_NANOS = 1e8;

function text(chip, address) {
    const bytes = [];
    for (let byte; (byte = chip.mcu.readUint8(address)) !== 0; address++) {
        bytes.push(byte);
    }
    return String.fromCharCode(...bytes);
}

function connectSensors(chip) {
    const motion = new Mpu6050({ now: () => chip.clock.nanos, motion: new Motion(1),
        celsius: () => 23.4 });
    const thermometer = new Ds18b20({ clock: chip.clock, celsius: () => 36.6, drive: () => {} });
    const pulse = new Pulse(1);
    wiring.connectI2c(chip, motion);
    wiring.connectWire(chip, thermometer);
    wiring.connectAdc(chip, { pulse: () => pulse.volts(chip.clock.nanos / 1e9), chip: () => 23.7 },
        () => {});
    motion.power();
    thermometer.power();
}

function run(path) {
    const flash = new Flash();
    flash.load(0, readFileSync(path));
    const chip = new Chip(flash);
    connectSensors(chip);
    const { core } = chip;
    let begun = null;
    let exit = null;
    chip.onBreakpoint = (code) => {
        const [r0, r1] = core.registers;
        if (code === SEMIHOSTING && r0 === SYS_WRITE0) {
            process.stdout.write(text(chip, r1));
        } else if (code === SEMIHOSTING && r0 === SYS_EXIT) {
            exit = r1 === APPLICATION_EXIT ? 0 : 1;
        } else if (code === BEGIN) {
            begun = { name: text(chip, r0), cycles: core.cycles };
        } else if (code === END) {
            console.log(`${begun.name}: ${core.cycles - begun.cycles} cycles`);
        } else {
            chip.fail(`breakpoint ${code}`);
        }
    };
    chip.start();
    while (exit === null) {
        chip.run(chip.clock.nanos + SLICE_NANOS);
    }
    return exit;
}

process.exitCode = run(process.argv[2]);
