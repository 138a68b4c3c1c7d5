// SPDX-License-Identifier: Apache-2.0
import { Ds18b20 } from './ds18b20.mjs';
import { Fault, PowerCut, Restart } from './faults.mjs';
import { Mpu6050 } from './mpu6050.mjs';
import { Chip } from './rp2040.mjs';
import { Motion, Pulse } from './signals.mjs';
import * as wiring from './wiring.mjs';

const SLICE_NANOS = 0.25e6; // of the chip's time, between two looks at the real one
const TURN_MS = 8; // before sockets and timers get their turn
const LAG_MAX_NANOS = 50e6; // an emulator that is too slow slows the clock down, not the network
const LED_EDGES = 64;

const realNanos = () => performance.now() * 1e6;

/**
 * The device on the table: a Pico with its flash, the ESP8266 and the sensors. It runs in real time,
 * or as fast as it can after it was late. `onEvent(name, detail)` tells what happens to it.
 */
export class Pico {
    onEvent = () => {};
    onPulse = () => {}; // (raw, nanos): the converter read the pulse sensor
    switchWork = true;
    patient = 36.6;
    leds = []; // the last edges: [milliseconds, on]
    starts = 0;
    overruns = 0; // bytes that the UART lost, in earlier lives of the chip
    minStack = Infinity;
    flashCut = null; // of the next start: see Chip

    #chip = null;
    #base = 0; // nanoseconds of earlier lives of the chip
    #anchor = 0;
    #timer = null;
    #immediate = null;

    constructor({ flash, module, seed = 1, noise = 'live' }) {
        Object.assign(this, { flash, module, noise });
        const celsius = () => this.patient;
        const idle = { createAlarm: () => ({ schedule() {}, cancel() {} }), nanos: 0 };
        this.pulse = new Pulse(seed);
        this.mpu = new Mpu6050({ now: () => this.nanos, motion: new Motion(seed),
            celsius: () => 23.4 });
        this.thermometer = new Ds18b20({ clock: idle, celsius, drive: () => {} });
    }

    /** Time on the board since it was made; stands still while there is no supply. */
    get nanos() {
        return this.#base + (this.#chip?.clock.nanos ?? 0);
    }

    get on() {
        return this.#chip !== null;
    }

    get chip() {
        return this.#chip;
    }

    powerOn() {
        this.mpu.power();
        this.thermometer.power();
        this.module.powerOn();
        this.#start('power');
    }

    /** The supply goes, whatever the chip is doing. */
    powerOff() {
        this.#chip?.powerOff();
        this.#end();
        this.module.onData = () => {};
        this.module.powerOff();
    }

    #start(reason) {
        const chip = new Chip(this.flash, { noise: this.noise });
        chip.flashCut = this.flashCut;
        this.flashCut = null;
        this.#chip = chip;
        this.#anchor = realNanos();
        this.starts++;
        this.#connect(chip);
        this.onEvent('start', reason);
        this.#guard(() => chip.start());
        this.#soon();
    }

    #connect(chip) {
        const seconds = () => this.nanos / 1e9;
        wiring.connectUart(chip, this.module);
        const { onData } = this.module;
        this.module.onData = (bytes) => {
            this.#catchUp();
            onData(bytes);
            this.#soon();
        };
        wiring.connectI2c(chip, this.mpu);
        wiring.connectWire(chip, this.thermometer);
        wiring.connectAdc(chip, { pulse: () => this.pulse.volts(seconds()), chip: () => 23.7 },
            (raw) => this.onPulse(raw, this.nanos));
        wiring.setSwitch(chip, this.switchWork);
        wiring.connectLed(chip, (on) => this.#led(on));
    }

    #led(on) {
        this.leds.push([Math.round(this.nanos / 1e6), on]);
        if (this.leds.length > LED_EDGES) {
            this.leds.shift();
        }
    }

    setSwitch(work) {
        this.switchWork = work;
        if (this.#chip !== null) {
            wiring.setSwitch(this.#chip, work);
        }
    }

    #end() {
        const chip = this.#chip;
        clearTimeout(this.#timer);
        clearImmediate(this.#immediate);
        this.#timer = this.#immediate = null;
        if (chip !== null) {
            this.#base += chip.clock.nanos;
            this.overruns += chip.uart[0].overruns;
            this.minStack = Math.min(this.minStack, chip.minStack);
            this.#chip = null;
        }
    }

    /** false: the chip's life ended meanwhile. */
    #guard(act) {
        try {
            act();
            return true;
        } catch (error) {
            this.#ended(error);
            return false;
        }
    }

    #ended(error) {
        if (error instanceof Restart) {
            this.#end();
            this.#start(error.message);
        } else if (error instanceof PowerCut) {
            this.powerOff();
            this.onEvent('power-cut', error.message);
        } else {
            this.#end();
            this.onEvent('fault', error instanceof Fault ? error.message : error.stack);
        }
    }

    #soon() {
        if (this.#immediate === null && this.#chip !== null) {
            clearTimeout(this.#timer);
            this.#immediate = setImmediate(() => this.#turn());
        }
    }

    /** A byte arrives now: what the chip slept through is over. */
    #catchUp() {
        const chip = this.#chip;
        if (chip?.core.waiting) {
            const now = Math.min(realNanos() - this.#anchor, chip.clock.next - 1);
            chip.clock.tick(Math.max(0, now - chip.clock.nanos));
        }
    }

    #turn() {
        const chip = this.#chip;
        const until = performance.now() + TURN_MS;
        this.#immediate = null;
        for (;;) {
            const lag = realNanos() - this.#anchor - chip.clock.nanos;
            if (lag <= 0 || performance.now() > until) {
                this.#follow(chip, lag);
                return;
            }
            if (!this.#guard(() => chip.run(chip.clock.nanos + Math.min(SLICE_NANOS, lag)))) {
                return;
            }
        }
    }

    #follow(chip, lag) {
        if (lag > LAG_MAX_NANOS) {
            this.#anchor += lag - LAG_MAX_NANOS;
        }
        if (lag > 0) {
            this.#soon();
            return;
        }
        const sleep = chip.core.waiting ? Math.min(chip.clock.next - chip.clock.nanos, 50e6) : 0;
        this.#timer = setTimeout(() => this.#turn(), (sleep - lag) / 1e6);
    }
}
