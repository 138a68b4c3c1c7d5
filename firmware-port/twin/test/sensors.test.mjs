// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Clock } from '../clock.mjs';
import { crc8, Ds18b20 } from '../ds18b20.mjs';
import { Mpu6050, MPU6050_ADDRESS } from '../mpu6050.mjs';
import { Pulse } from '../signals.mjs';

/** A 1-Wire master with the times of the data sheet. */
class Master {
    low = false;
    sensorLow = false;

    constructor(celsius) {
        this.clock = new Clock();
        this.sensor = new Ds18b20({ clock: this.clock, celsius: () => celsius,
            drive: (low) => {
                this.sensorLow = low;
            } });
    }

    pull(us) {
        this.sensor.master(true);
        this.clock.tick(us * 1e3);
        this.sensor.master(false);
    }

    reset() {
        this.pull(480);
        this.clock.tick(70e3);
        const present = this.sensorLow;
        this.clock.tick(410e3);
        return present;
    }

    writeBit(bit) {
        this.pull(bit ? 2 : 62);
        this.clock.tick((bit ? 62 : 2) * 1e3);
    }

    readBit(sampleAfter = 8) {
        this.pull(2);
        this.clock.tick(sampleAfter * 1e3);
        const bit = this.sensorLow ? 0 : 1;
        this.clock.tick((62 - sampleAfter) * 1e3);
        return bit;
    }

    write(...bytes) {
        for (const byte of bytes) {
            for (let i = 0; i < 8; i++) {
                this.writeBit((byte >> i) & 1);
            }
        }
    }

    read(count) {
        return Array.from({ length: count }, () =>
            Array.from({ length: 8 }, (_, i) => this.readBit() << i).reduce((a, b) => a | b));
    }
}

test('DS18B20: power-on value, conversion, scratchpad with its sum', () => {
    const master = new Master(36.6);
    assert.ok(master.reset());
    master.write(0xcc, 0xbe);
    const before = master.read(9);
    assert.deepEqual(before.slice(0, 2), [0x50, 0x05]);
    assert.equal(crc8(before), 0);

    master.reset();
    master.write(0xcc, 0x44);
    assert.equal(master.readBit(), 0, 'still converting');
    master.clock.tick(750e6);
    assert.equal(master.readBit(), 1);
    master.reset();
    master.write(0xcc, 0xbe);
    const after = master.read(9);
    assert.equal((after[0] | (after[1] << 8)) / 16, 36.625);
    assert.equal(crc8(after), 0);
    assert.deepEqual(master.sensor.violations, []);
});

test('DS18B20: fewer bits, negative temperatures', () => {
    const master = new Master(-10.1875);
    master.reset();
    master.write(0xcc, 0x4e, 0, 0, 0x1f); // 9 bits
    master.reset();
    master.write(0xcc, 0x44);
    master.clock.tick(94e6);
    master.reset();
    master.write(0xcc, 0xbe);
    const [low, high, , , configuration] = master.read(9);
    assert.equal(((low | (high << 8)) << 16) >> 16, -10.5 * 16);
    assert.equal(configuration, 0x1f);
});

test('DS18B20: its number, and who is meant by a number', () => {
    const master = new Master(20);
    master.reset();
    master.write(0x33);
    const rom = master.read(8);
    assert.equal(rom[0], 0x28);
    assert.equal(crc8(rom), 0);
    master.reset();
    master.write(0x55, ...rom, 0xbe);
    assert.equal(crc8(master.read(9)), 0);
    master.reset();
    master.write(0x55, ...rom.map((byte) => byte ^ 1), 0xbe);
    assert.ok(master.read(9).every((byte) => byte === 0xff));
});

test('DS18B20: an absent one is silent, a garbled scratchpad does not check', () => {
    const master = new Master(20);
    master.sensor.garbles = 1;
    master.reset();
    master.write(0xcc, 0xbe);
    assert.notEqual(crc8(master.read(9)), 0);
    master.sensor.present = false;
    assert.ok(!master.reset());
});

test('DS18B20: who looks too late reads ones, who is out of time is noted', () => {
    const master = new Master(20);
    master.reset();
    master.write(0x33);
    const bits = Array.from({ length: 8 }, () => master.readBit(20));
    assert.deepEqual(bits, new Array(8).fill(1));
    master.reset();
    master.pull(30);
    assert.match(master.sensor.violations[0], /neither 0 nor 1/);
    master.clock.tick(100e3);
    master.pull(200);
    assert.match(master.sensor.violations[1], /neither a slot nor a reset/);
});

class Bus {
    nanos = 0;

    constructor(pace = 1) {
        this.sensor = new Mpu6050({ now: () => this.nanos, pace,
            motion: { g: () => [0.5, -0.5, 1] }, celsius: () => 23.5 });
        this.nanos = 100e6;
    }

    write(register, ...bytes) {
        assert.ok(this.sensor.connect(MPU6050_ADDRESS, true));
        [register, ...bytes].forEach((byte) => assert.ok(this.sensor.write(byte)));
    }

    read(register, count) {
        this.write(register);
        assert.ok(this.sensor.connect(MPU6050_ADDRESS, false));
        return Array.from({ length: count }, () => this.sensor.read());
    }

    words(register, count) {
        const bytes = Buffer.from(this.read(register, 2 * count));
        return Array.from({ length: count }, (_, i) => bytes.readInt16BE(2 * i));
    }

    wake() {
        this.write(0x6b, 0);
        this.write(0x19, 9, 1, 0, 0x18); // 100 Hz, 16 g
    }
}

test('MPU6050: asleep at first, then it measures', () => {
    const bus = new Bus();
    assert.deepEqual(bus.read(0x75, 1), [0x68]);
    assert.deepEqual(bus.read(0x6b, 1), [0x40]);
    bus.write(0x19, 9);
    assert.deepEqual(bus.read(0x19, 1), [0], 'asleep, it does not listen');
    bus.wake();
    bus.nanos += 20e6;
    assert.deepEqual(bus.words(0x3b, 4), [1024, -1024, 2048, Math.round((23.5 - 36.53) * 340)]);
});

test('MPU6050: the FIFO has whole samples, at its own pace', () => {
    const bus = new Bus(1.02);
    bus.wake();
    bus.write(0x23, 0x88); // acceleration and temperature
    bus.write(0x6a, 0x04);
    bus.write(0x6a, 0x40);
    bus.nanos += 1.005e9;
    assert.deepEqual(bus.words(0x72, 1), [102 * 8]);
    assert.deepEqual(bus.words(0x74, 4).slice(0, 3), [1024, -1024, 2048]);
    assert.deepEqual(bus.words(0x72, 1), [101 * 8]);
    bus.nanos += 1e9;
    assert.deepEqual(bus.words(0x72, 1), [1024]);
    assert.equal(bus.read(0x3a, 1)[0] & 0x10, 0x10, 'it says that it ran over');
    assert.equal(bus.read(0x3a, 1)[0] & 0x10, 0, 'once');
    bus.write(0x6a, 0);
    bus.write(0x6a, 0x04);
    assert.deepEqual(bus.words(0x72, 1), [0]);
});

test('MPU6050: silent when absent, busy, or asked by another address', () => {
    const bus = new Bus();
    assert.ok(!bus.sensor.connect(0x69, true));
    bus.sensor.present = false;
    assert.ok(!bus.sensor.connect(MPU6050_ADDRESS, true));
    bus.sensor.present = true;
    bus.sensor.hang();
    for (let clocks = 0; clocks < 9; clocks++) {
        assert.ok(!bus.sensor.connect(MPU6050_ADDRESS, true));
        bus.sensor.clockPulse();
    }
    assert.ok(bus.sensor.connect(MPU6050_ADDRESS, true));
});

test('the pulse has its tops at the pace of the heart', () => {
    const pulse = new Pulse(1, 60);
    const volts = Array.from({ length: 30 * 100 }, (_, i) => pulse.volts(i / 100));
    const peaks = volts.filter((v, i) => v > 1.8 && v >= volts[i - 1] && v > volts[i + 1]).length;
    assert.ok(peaks >= 28 && peaks <= 32, `${peaks} in 30 s`);
    assert.ok(Math.min(...volts) >= -0.5 && Math.max(...volts) <= 2.5);
});
