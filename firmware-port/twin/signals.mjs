// SPDX-License-Identifier: Apache-2.0

/*
 * What the sensors of a resting patient would see. The electrocardiogram is that of medsec-sim
 * (cli/sim/ecg.h): P. E. McSharry, G. D. Clifford, L. Tarassenko, L. A. Smith, IEEE Trans. Biomed.
 * Eng. 50(3):289-294, 2003.
 */
const BEAT_LEN = 1024; // samples
const STEPS_PER_SAMPLE = 4;
const SETTLING_BEATS = 8;
const MIN_V = -0.4;
const MAX_V = 2.4;
const BREATH_HZ = 0.25;
const BREATH_V = 0.05;
const BREATH_RR = 0.03; // share of a beat's length
const JITTER_RR = 0.01;

/** Table I of the paper: P, Q, R, S, T. */
const waves = [[-70, 1.2, 0.25], [-15, -5, 0.1], [0, 30, 0.1], [15, -7.5, 0.1], [100, 0.75, 0.4]]
    .map(([degrees, a, b]) => ({ angle: (degrees * Math.PI) / 180, a, b }));

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

function slope(theta, z) {
    let sum = -z;
    for (const { angle, a, b } of waves) {
        const turns = (theta - angle) / (2 * Math.PI);
        const d = (turns - Math.round(turns)) * 2 * Math.PI;
        sum -= a * d * Math.exp((-d * d) / (2 * b * b));
    }
    return sum;
}

/** One step of the classical Runge-Kutta method, at 60 beats a minute. */
function advance(theta, z, step) {
    const turn = 2 * Math.PI * step;
    const k1 = slope(theta, z);
    const k2 = slope(theta + turn / 2, z + (step / 2) * k1);
    const k3 = slope(theta + turn / 2, z + (step / 2) * k2);
    const k4 = slope(theta + turn, z + step * k3);
    return z + (step / 6) * (k1 + 2 * k2 + 2 * k3 + k4);
}

function makeBeat() {
    const beat = new Float64Array(BEAT_LEN);
    const step = 1 / (BEAT_LEN * STEPS_PER_SAMPLE);
    let z = 0;
    for (let i = 0; i < SETTLING_BEATS * BEAT_LEN * STEPS_PER_SAMPLE; i++) {
        const at = i % (BEAT_LEN * STEPS_PER_SAMPLE);
        if (at % STEPS_PER_SAMPLE === 0) {
            beat[at / STEPS_PER_SAMPLE] = z;
        }
        z = advance(-Math.PI + 2 * Math.PI * step * at, z, step);
    }
    const low = Math.min(...beat);
    const high = Math.max(...beat);
    return beat.map((v) => MIN_V + ((v - low) / (high - low)) * (MAX_V - MIN_V));
}

/** An electrocardiogram at 70 beats a minute or so; asked for later and later moments. */
export class Ecg {
    static #beat = null;
    #at = 0;
    #phase;
    #breath;
    #interval;

    constructor(seed, beatsPerMinute = 70) {
        Ecg.#beat ??= makeBeat();
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
        const here = Ecg.#beat[index];
        const next = Ecg.#beat[(index + 1) % BEAT_LEN];
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
