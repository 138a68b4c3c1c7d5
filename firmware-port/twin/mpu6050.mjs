// SPDX-License-Identifier: Apache-2.0

const SMPLRT_DIV = 0x19;
const CONFIG = 0x1a;
const ACCEL_CONFIG = 0x1c;
const FIFO_EN = 0x23;
const INT_STATUS = 0x3a;
const ACCEL_XOUT_H = 0x3b;
const GYRO_XOUT_H = 0x43;
const USER_CTRL = 0x6a;
const PWR_MGMT_1 = 0x6b;
const PWR_MGMT_2 = 0x6c;
const FIFO_COUNT_H = 0x72;
const FIFO_COUNT_L = 0x73;
const FIFO_R_W = 0x74;
const WHO_AM_I = 0x75;

const FIFO_LEN = 1024;
const FIFO_OVERFLOW = 0x10; // of INT_STATUS
const DATA_READY = 0x01;
const USER_FIFO_EN = 0x40;
const USER_FIFO_RESET = 0x04;
const DEVICE_RESET = 0x80;
const SLEEP = 0x40;

export const MPU6050_ADDRESS = 0x68;
const START_NANOS = 30e6; // until the registers answer after power-on
const BITS_STUCK = 9;

const high = (value) => (value >> 8) & 0xff;
const int16 = (value) => Math.max(-32768, Math.min(32767, Math.round(value)));

/**
 * The MPU6050 by its register map (RM-MPU-6000A 4.2): accelerometer, thermometer and FIFO; the
 * gyroscope gives zeros. `now()` is in nanoseconds, `motion.g(seconds)` gives [x, y, z], `celsius()`
 * the temperature of the die. Its clock is its own: `pace` 1.01 is one percent fast.
 */
export class Mpu6050 {
    present = true;
    heldLow = 0; // clocks until it lets go of SDA

    #registers = new Uint8Array(128);
    #fifo = [];
    #sampledUntil = 0;
    #poweredAt;
    #pointer = null; // null: the next byte written is the register number
    #address = 0;

    constructor({ now, motion, celsius, pace = 1.01 }) {
        Object.assign(this, { now, motion, celsius, pace });
        this.power();
    }

    power() {
        this.#poweredAt = this.now();
        this.#reset();
    }

    #reset() {
        this.#registers.fill(0);
        this.#registers[PWR_MGMT_1] = SLEEP;
        this.#registers[WHO_AM_I] = MPU6050_ADDRESS;
        this.#fifo = [];
    }

    /** A transfer that ended in the middle of a byte: SDA stays low. */
    hang() {
        this.heldLow = BITS_STUCK;
    }

    clockPulse() {
        this.heldLow = Math.max(0, this.heldLow - 1);
    }

    connect(address, writes) {
        const answers = this.present && this.heldLow === 0 && address === MPU6050_ADDRESS &&
            this.now() - this.#poweredAt >= START_NANOS;
        if (answers && writes) {
            this.#pointer = null;
        }
        return answers;
    }

    write(byte) {
        if (!this.present) {
            return false;
        }
        if (this.#pointer === null) {
            this.#pointer = byte & 0x7f;
        } else {
            this.#set(this.#pointer, byte);
            this.#advance();
        }
        return true;
    }

    read() {
        if (!this.present) {
            return 0xff;
        }
        const value = this.#get(this.#pointer ?? 0);
        this.#advance();
        return value;
    }

    #advance() {
        if (this.#pointer !== FIFO_R_W) {
            this.#pointer = (this.#pointer + 1) & 0x7f;
        }
    }

    get #asleep() {
        return (this.#registers[PWR_MGMT_1] & SLEEP) !== 0;
    }

    get #periodNanos() {
        const filter = this.#registers[CONFIG] & 7;
        const gyroHz = filter === 0 || filter === 7 ? 8000 : 1000;
        return (1e9 * (1 + this.#registers[SMPLRT_DIV])) / (gyroHz * this.pace);
    }

    /** One sample as its registers hold it: 14 bytes from ACCEL_XOUT_H on. */
    #sample(nanos) {
        const scale = 16384 >> ((this.#registers[ACCEL_CONFIG] >> 3) & 3);
        const g = this.motion.g(nanos / 1e9);
        const words = [...g.map((axis) => int16(axis * scale)),
            int16((this.celsius() - 36.53) * 340), 0, 0, 0];
        return words.flatMap((word) => [high(word), word & 0xff]);
    }

    /** What one sample puts into the FIFO: the parts that FIFO_EN names, in the registers' order. */
    #chosen(sample) {
        const wanted = this.#registers[FIFO_EN];
        return [
            ...(wanted & 0x08 ? sample.slice(0, 6) : []),
            ...(wanted & 0x80 ? sample.slice(6, 8) : []),
            ...(wanted & 0x40 ? sample.slice(8, 10) : []),
            ...(wanted & 0x20 ? sample.slice(10, 12) : []),
            ...(wanted & 0x10 ? sample.slice(12, 14) : []),
        ];
    }

    #catchUp() {
        const now = this.now();
        const period = this.#periodNanos;
        if (this.#asleep) {
            this.#sampledUntil = now;
            return;
        }
        const most = Math.ceil(FIFO_LEN / 2) * period; // nothing older would be left
        this.#sampledUntil = Math.max(this.#sampledUntil, now - most);
        while (this.#sampledUntil + period <= now) {
            this.#sampledUntil += period;
            this.#take(this.#sample(this.#sampledUntil));
        }
    }

    #take(sample) {
        this.#registers.set(sample, ACCEL_XOUT_H);
        this.#registers[INT_STATUS] |= DATA_READY;
        if (this.#registers[USER_CTRL] & USER_FIFO_EN) {
            this.#fifo.push(...this.#chosen(sample));
        }
        if (this.#fifo.length > FIFO_LEN) { // the oldest bytes go, wherever a sample began
            this.#fifo.splice(0, this.#fifo.length - FIFO_LEN);
            this.#registers[INT_STATUS] |= FIFO_OVERFLOW;
        }
    }

    #get(register) {
        this.#catchUp();
        switch (register) {
        case FIFO_COUNT_H:
            return high(this.#fifo.length);
        case FIFO_COUNT_L:
            return this.#fifo.length & 0xff;
        case FIFO_R_W:
            return this.#fifo.shift() ?? 0xff;
        case INT_STATUS: {
            const value = this.#registers[INT_STATUS];
            this.#registers[INT_STATUS] = 0;
            return value;
        }
        default:
            return this.#registers[register];
        }
    }

    #set(register, byte) {
        this.#catchUp();
        if (register === PWR_MGMT_1 && byte & DEVICE_RESET) {
            this.#reset();
        } else if (register === USER_CTRL) {
            if (byte & USER_FIFO_RESET && !(byte & USER_FIFO_EN)) {
                this.#fifo = [];
            }
            this.#registers[USER_CTRL] = byte & ~0x07;
        } else if (this.#asleep && register !== PWR_MGMT_1 && register !== PWR_MGMT_2) {
            return; // what is written to a sleeping chip is lost
        } else if (register < INT_STATUS || register > GYRO_XOUT_H + 5) {
            this.#registers[register] = byte;
        }
    }
}

