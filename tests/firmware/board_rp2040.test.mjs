// SPDX-License-Identifier: Apache-2.0

/*
 * The board table of firmware-port/boards/rp2040 on the emulated chip, asked through the shell of
 * medsec-check. Argument: the folder of the images; without one there it is skipped.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Ds18b20 } from '../../firmware-port/twin/ds18b20.mjs';
import { Flash } from '../../firmware-port/twin/flash.mjs';
import { Mpu6050 } from '../../firmware-port/twin/mpu6050.mjs';
import { Fault, Restart } from '../../firmware-port/twin/faults.mjs';
import { Chip } from '../../firmware-port/twin/rp2040.mjs';
import { readUf2 } from '../../firmware-port/twin/uf2.mjs';
import * as wiring from '../../firmware-port/twin/wiring.mjs';

const path = `${process.argv[2]}/medsec-check.uf2`;
if (!existsSync(path)) {
    process.stdout.write(`no ${path}: skipped\n`);
    process.exit(77);
}
const image = readUf2(readFileSync(path));

const DATA = 0x1f0000; // offset in flash: behind every program
const MS = 1e6;
const GREETING = 'medsec-check';

const hex = (value) => value.toString(16);
const numbersOf = (answer) => answer.split(' ').slice(1).filter((text) => text !== 'ok')
    .map((text) => parseInt(text, 16));

/** A Pico with its sensors; whoever is at the other end of the UART is the test. */
class Bench {
    answers = [];
    leds = [];
    volts = 1;
    #text = '';

    constructor({ noise = 'live' } = {}) {
        const still = { g: () => [0, 0, 1] };
        this.flash = new Flash();
        image.forEach(({ offset, data }) => this.flash.load(offset, data));
        this.chip = new Chip(this.flash, { noise });
        this.mpu = new Mpu6050({ now: () => this.chip.clock.nanos, motion: still,
            celsius: () => 23 });
        this.thermometer = new Ds18b20({ clock: this.chip.clock, celsius: () => 36.6,
            drive: () => {} });
        this.#connect();
        this.chip.mcu.sram.fill(0xa5); // a chip's memory holds anything
        this.chip.start();
        this.expect(GREETING);
    }

    #connect() {
        const { chip } = this;
        wiring.connectUart(chip, this);
        wiring.connectI2c(chip, this.mpu);
        wiring.connectWire(chip, this.thermometer);
        wiring.connectAdc(chip, { pulse: () => this.volts - 0.5, chip: () => 23 }, () => {});
        wiring.connectLed(chip, (on) => this.leds.push(on));
        wiring.setSwitch(chip, true);
    }

    /** What the chip sends. */
    write([byte]) {
        this.#text += String.fromCharCode(byte);
        const lines = this.#text.split('\r\n');
        this.#text = lines.pop();
        this.answers.push(...lines);
    }

    say(...lines) {
        this.onData(Buffer.from(lines.map((line) => `${line}\n`).join('')));
    }

    run(milliseconds) {
        this.chip.run(this.chip.clock.nanos + milliseconds * MS);
    }

    /** The next line, which must come within the time. */
    next(milliseconds = 2000) {
        const until = this.chip.clock.nanos + milliseconds * MS;
        while (this.answers.length === 0 && this.chip.clock.nanos < until) {
            this.run(0.1);
        }
        assert.ok(this.answers.length > 0, `no answer; so far: ${this.#text}`);
        return this.answers.shift();
    }

    ask(line, milliseconds) {
        this.say(line);
        return this.next(milliseconds);
    }

    expect(answer) {
        assert.equal(this.next(), answer);
    }

    number(line, milliseconds) {
        return parseInt(this.ask(line, milliseconds).split(' ').at(-1), 16);
    }
}

test('the shell answers, and what it does not know too', () => {
    const bench = new Bench();
    assert.equal(bench.ask(''), 'ok');
    assert.equal(bench.ask('adc'), '? see check.h');
    assert.equal(bench.ask('led 1 g'), '? see check.h');
});

test('the clock goes at the chip\'s pace and a sleep is as long as it was asked', () => {
    const bench = new Bench();
    const before = bench.chip.clock.nanos;
    const first = bench.number('now');
    assert.ok(first * 1000 >= before && first * 1000 <= bench.chip.clock.nanos);
    for (const duration of [1, 2, 3, 10, 999, 1000, 50000, 3000000]) {
        const slept = bench.number(`sleep ${hex(duration)}`, 4000);
        assert.ok(slept >= duration && slept < duration + 25, `${duration}: ${slept}`);
    }
});

test('the ticker keeps its pace, and the led shows it', () => {
    const bench = new Bench();
    bench.ask('tick 2710');
    bench.ask('sleep 30d40');
    const times = numbersOf(bench.ask('ticks'));
    assert.ok(times.length === 20 || times.length === 19);
    times.forEach((time, i) => {
        const late = time - times[0] - i * 10000;
        assert.ok(late >= -5 && late <= 5, `tick ${i}: ${late} us late`);
    });
    assert.ok(bench.leds.length >= times.length);
    bench.leds.length = 0;
    bench.run(100);
    assert.equal(bench.leds.length, 0);
});

test('ticks that fall into the writing of flash are left out, and the phase stays', () => {
    const bench = new Bench();
    bench.ask('tick 3e8');
    bench.ask(`erase ${hex(DATA)}`);
    bench.ask('sleep 1388');
    const times = numbersOf(bench.ask('ticks'));
    const gaps = times.slice(1).map((time, i) => time - times[i]);
    assert.ok(gaps.some((gap) => gap > 40000), `no gap: ${gaps}`);
    const late = times.map((time) => (time - times[0]) % 1000);
    const beside = times.filter((_, i) => gaps[i - 1] < 40000);
    assert.ok(beside.length >= 4);
    assert.ok(late.filter((us) => us <= 10 || us >= 990).length >= times.length - 1, `${late}`);
});

test('pins: led, switch', () => {
    const bench = new Bench();
    bench.ask('led 1');
    bench.ask('led 0');
    assert.deepEqual(bench.leds.slice(-2), [true, false]);
    assert.equal(bench.number('switch'), 1);
    wiring.setSwitch(bench.chip, false);
    assert.equal(bench.number('switch'), 0);
});

test('both channels of the converter', () => {
    const bench = new Bench();
    for (const volts of [0, 0.5, 1.65, 3.3]) {
        bench.volts = volts;
        const raw = bench.number('adc 0');
        assert.ok(Math.abs(raw - volts / 3.3 * 4095) <= 2, `${volts} V: ${raw}`);
    }
    const celsius = 27 - (bench.number('adc 1') * 3.3 / 4095 - 0.706) / 0.001721;
    assert.ok(Math.abs(celsius - 23) < 1.5, `${celsius} degrees`);
});

test('I2C: registers are written and read, nobody is told from somebody', () => {
    const bench = new Bench();
    bench.run(50);
    assert.equal(bench.ask('read 68 75 1'), 'read ok 68');
    assert.equal(bench.ask('read 69 75 1'), 'read no');
    assert.equal(bench.ask('write 69 6b 0'), 'write no');
    assert.equal(bench.ask('write 68 6b 0 7'), 'write ok');
    assert.equal(bench.ask('read 68 6b 2'), 'read ok 00 07');
    assert.equal(bench.ask('read 68 75 0'), 'read no');
    assert.equal(numbersOf(bench.ask('read 68 40 40')).length, 0x40);
});

test('I2C: a bus that is held low is freed within 5 ms, and used again', () => {
    const bench = new Bench();
    bench.run(50);
    const took = (answer) => {
        const before = bench.number('now');
        assert.equal(bench.ask('read 68 75 1'), answer);
        return bench.number('now') - before;
    };
    const usual = took('read ok 68');
    bench.mpu.heldLow = 8;
    const longer = took('read no') - usual;
    assert.ok(longer > 1000 && longer < 5000, `${longer} us longer`);
    assert.equal(bench.mpu.heldLow, 0);
    assert.equal(bench.ask('read 68 75 1'), 'read ok 68');
});

test('1-Wire: the thermometer is seen, and its absence', () => {
    const bench = new Bench();
    assert.equal(bench.ask('wire'), 'wire 1 1');
    bench.thermometer.present = false;
    assert.equal(bench.ask('wire'), 'wire 0 1');
    assert.deepEqual(bench.thermometer.violations, []);
});

test('flash: erased, programmed, read back; only behind the program, and in whole units', () => {
    const bench = new Bench();
    assert.equal(bench.ask(`program ${hex(DATA)} 41`), 'program ok');
    assert.equal(bench.ask(`flash ${hex(DATA + 254)} 3`), 'flash 3f 40 42');
    assert.equal(bench.ask(`flash ${hex(DATA + 511)} 2`), 'flash 41 ff');
    assert.equal(bench.ask(`program ${hex(DATA)} 42`), 'program no'); // bits were 0 already
    assert.equal(bench.ask(`erase ${hex(DATA)}`), 'erase ok');
    assert.equal(bench.ask(`flash ${hex(DATA)} 2`), 'flash ff ff');
    const operations = bench.flash.operations;
    for (const refused of ['erase 0', 'program 100 0', `erase ${hex(DATA + 1)}`, 'erase 200000',
        `program ${hex(DATA + 128)} 0`, 'erase fffff000']) {
        assert.match(bench.ask(refused), / no$/, refused);
    }
    assert.equal(bench.flash.operations, operations);
});

test('flash: what a worn chip does not do is told', () => {
    const bench = new Bench();
    bench.ask(`program ${hex(DATA)} 41`);
    bench.flash.erase = () => 1;
    assert.equal(bench.ask(`erase ${hex(DATA)}`), 'erase no');
    bench.flash.program = () => 1;
    assert.equal(bench.ask(`program ${hex(DATA + 4096)} 41`), 'program no');
});

test('flash: what comes over the UART while it is written is kept', () => {
    const bench = new Bench();
    bench.say(`erase ${hex(DATA)}`, ...Array(150).fill('led 0'), 'lost');
    bench.expect('erase ok');
    for (let i = 0; i < 150; i++) {
        bench.expect('led');
    }
    bench.expect('lost 00000000');
});

test('UART: more than fits is sent, what nobody took in time is counted', () => {
    const bench = new Bench();
    const many = bench.ask('many 4d2');
    assert.equal(many, `many${'0123456789abcdef'.repeat(78).slice(0, 1234)}`);
    bench.say('sleep 7a120', 'x'.repeat(3000), 'lost');
    assert.match(bench.next(), /^sleep/);
    bench.run(100);
    assert.equal(bench.ask(''), '? see check.h');
    const lost = bench.number('lost');
    assert.equal(lost, 3000 + 1 + 'lost\n'.length - 2048);
});

test('UART: what the chip itself had no room for is counted', () => {
    const bench = new Bench();
    bench.say('deaf 8', 'x'.repeat(70)); // room for 16 and 32
    bench.expect('deaf');
    assert.match(bench.ask(''), /^\?/);
    assert.ok(bench.number('lost') > 0);
});

test('noise is there when the oscillator has some', () => {
    const bits = numbersOf(new Bench().ask('noise 40'));
    assert.equal(bits.length, 64);
    assert.ok(bits.every((bit) => bit <= 1));
    assert.ok(bits.includes(0) && bits.includes(1));
    const dead = numbersOf(new Bench({ noise: 'dead' }).ask('noise 40'));
    assert.deepEqual(dead, Array(64).fill(1));
});

test('the watchdog waits 8 s from each time it is fed', () => {
    const bench = new Bench();
    bench.ask('feed');
    bench.ask('sleep 6acfc0', 8000);
    bench.ask('feed');
    const fed = bench.chip.clock.nanos;
    bench.say('hang');
    assert.throws(() => bench.run(9000), Restart);
    const seconds = (bench.chip.clock.nanos - fed) / 1e9;
    assert.ok(Math.abs(seconds - 8) < 0.01, `${seconds} s`);
});

test('a reset starts the chip anew; a fault too, and is told', () => {
    assert.throws(() => new Bench().ask('reset'), Restart);
    assert.throws(() => new Bench().ask('fault'), Fault);
    const bench = new Bench();
    bench.chip.core.exceptionEntry(3); // the emulator itself has no hard fault
    assert.throws(() => bench.ask('now'), /fault handler was called, exception 3/);
});

test('what grows out of the stack is a fault, not another variable', () => {
    const bench = new Bench();
    bench.ask('many 100');
    assert.ok(bench.chip.minStack > 0x20000000);
    bench.chip.core.registers[13] = 0x20000010;
    assert.throws(() => bench.ask('many 100'), Fault);
});
