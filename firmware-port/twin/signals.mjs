// SPDX-License-Identifier: Apache-2.0

/*
 * What the sensors of a resting patient would see. The pulse wave is that of medsec-sim
 * (cli/sim/pulse.h).
 */
const BEAT_LEN = 1024; // samples
const MIN_V = -0.4;
const MAX_V = 2.4;
const BREATH_HZ = 0.25;
const BREATH_V = 0.05;
const BREATH_RR = 0.03; // share of a beat's length
const JITTER_RR = 0.01;

/** The wave that the heart sends, and the one that comes back: places and widths in beats. */
const waves = [{ at: 0.5, height: 1, width: 0.1 }, { at: 0.8, height: 0.35, width: 0.12 }];

/** SplitMix64: for the shape of a simulation, never for a secret. Gives 0 <= x < 1. */
export function prng(seed) {
    const mask = (1n << 64n) - 1n;
    let state = BigInt(seed);
    return () => {
        state = (state + 0x9e3779b97f4a7c15n) & mask;
        let z = state;
        z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
        z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
        return Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53;
    };
}

function level(phase) {
    return waves.reduce((sum, { at, height, width }) => {
        const off = phase - at - Math.round(phase - at);
        return sum + height * Math.exp(-((off / width) ** 2) / 2);
    }, 0);
}

function makeBeat() {
    const beat = Float64Array.from({ length: BEAT_LEN }, (_, i) => level(i / BEAT_LEN));
    const low = Math.min(...beat);
    const high = Math.max(...beat);
    return beat.map((v) => MIN_V + ((v - low) / (high - low)) * (MAX_V - MIN_V));
}

/** A pulse wave at 70 beats a minute or so; asked for later and later moments. */
export class Pulse {
    static #beat = null;
    #at = 0;
    #phase;
    #breath;
    #interval;

    constructor(seed, beatsPerMinute = 70) {
        Pulse.#beat ??= makeBeat();
        this.random = prng(seed);
        this.rateHz = beatsPerMinute / 60;
        this.#phase = this.random();
        this.#breath = this.random();
        this.#begin();
    }

    #begin() {
        const breath = BREATH_RR * Math.sin(2 * Math.PI * this.#breath);
        const jitter = JITTER_RR * (2 * this.random() - 1);
        this.#interval = (1 + breath + jitter) / this.rateHz;
    }

    volts(seconds) {
        const step = seconds - this.#at;
        this.#at = seconds;
        this.#breath = (this.#breath + step * BREATH_HZ) % 1;
        this.#phase += step / this.#interval;
        while (this.#phase >= 1) {
            this.#phase -= 1;
            this.#begin();
        }
        const at = this.#phase * BEAT_LEN;
        const index = Math.floor(at) % BEAT_LEN;
        const here = Pulse.#beat[index];
        const next = Pulse.#beat[(index + 1) % BEAT_LEN];
        return here + (next - here) * (at - Math.floor(at)) +
            BREATH_V * Math.sin(2 * Math.PI * this.#breath);
    }
}

/** Acceleration in g: gravity, breathing, and a little noise. */
export class Motion {
    constructor(seed) {
        this.random = prng(seed + 1);
    }

    g(seconds) {
        const breath = 0.01 * Math.sin(2 * Math.PI * BREATH_HZ * seconds);
        const noise = () => 0.004 * (this.random() - 0.5);
        return [0.05 + noise(), -0.5 + breath + noise(), 0.86 + breath + noise()];
    }
}
