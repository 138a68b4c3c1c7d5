// SPDX-License-Identifier: Apache-2.0
import { Registers } from './registers.mjs';

const DR = 0x00;
const RSR = 0x04;
const FR = 0x18;
const IBRD = 0x24;
const FBRD = 0x28;
const LCR_H = 0x2c;
const CR = 0x30;
const IFLS = 0x34;
const IMSC = 0x38;
const RIS = 0x3c;
const MIS = 0x40;
const ICR = 0x44;
const DMACR = 0x48;

const FR_BUSY = 1 << 3;
const FR_RXFE = 1 << 4;
const FR_TXFF = 1 << 5;
const FR_RXFF = 1 << 6;
const FR_TXFE = 1 << 7;

const INT_RX = 1 << 4;
const INT_TX = 1 << 5;
const INT_RT = 1 << 6;
const INT_OE = 1 << 10;

const DR_OE = 1 << 11;
const LCR_FEN = 1 << 4;
const LCR_8N1 = 0x60;
const CR_ENABLED = 0x301; // UARTEN, TXE, RXE

const FIFO_LEN = 32;
const LEVELS = [4, 8, 16, 24, 28]; // of IFLS: 1/8, 1/4, 1/2, 3/4, 7/8
const BITS = 10; // of a byte on the line, 8N1

/**
 * The UART (ARM PrimeCell PL011, RP2040 data sheet 4.2): FIFOs of 32 bytes with their levels, receive
 * timeout, overrun; both lines run at the rate that is set. rp2040js' own has no send FIFO and
 * interrupts with every byte, so firmware that fails on a chip would pass there.
 */
export class Pl011 extends Registers {
    onSend = () => {}; // (byte): the line's other end has it
    overruns = 0;
    #rx = [];
    #tx = [];
    #line = []; // bytes on their way in
    #raw = 0;
    #overrun = false;
    #sending = false;
    #received; // alarms
    #sent;
    #idle;

    constructor(chip, name, irq) {
        super(chip, name, [DR, RSR, FR, IBRD, FBRD, LCR_H, CR, IFLS, IMSC, RIS, MIS, ICR, DMACR]);
        this.irq = irq;
        this.values.set(IFLS, 0x12);
        this.#received = chip.clock.createAlarm(() => this.#receive());
        this.#sent = chip.clock.createAlarm(() => this.#finishSend());
        this.#idle = chip.clock.createAlarm(() => this.#timeout());
    }

    get enabled() {
        return (this.values.get(CR) & CR_ENABLED) === CR_ENABLED;
    }

    get baud() {
        const divisor = this.values.get(IBRD) + this.values.get(FBRD) / 64;
        return divisor > 0 ? this.chip.periHz() / (16 * divisor) : 0;
    }

    get #byteNanos() {
        return (BITS * 1e9) / this.baud;
    }

    /** Bytes from the other end: they arrive one after the other, at the rate of the line. */
    feed(bytes) {
        const quiet = this.#line.length === 0;
        if (!this.enabled || bytes.length === 0) {
            return; // nobody listens
        }
        this.#line.push(...bytes);
        if (quiet) {
            this.#received.schedule(this.#byteNanos);
        }
    }

    /** Bytes that are still on the line. */
    get waiting() {
        return this.#line.length;
    }

    #receive() {
        const byte = this.#line.shift();
        if (this.#rx.length === FIFO_LEN) {
            this.overruns++;
            this.#overrun = true;
            this.#raw |= INT_OE;
        } else {
            this.#rx.push(byte | (this.#overrun ? DR_OE : 0));
            this.#overrun = false;
        }
        this.#idle.schedule((32 / BITS) * this.#byteNanos);
        if (this.#line.length > 0) {
            this.#received.schedule(this.#byteNanos);
        }
        this.#update();
    }

    #timeout() {
        if (this.#rx.length > 0) {
            this.#raw |= INT_RT;
            this.#update();
        }
    }

    #beginSend() {
        if (!this.#sending && this.#tx.length > 0 && this.enabled) {
            this.#sending = true;
            this.#sent.schedule(this.#byteNanos);
        }
    }

    #finishSend() {
        const before = this.#tx.length;
        const byte = this.#tx.shift();
        const level = LEVELS[this.values.get(IFLS) & 7];
        this.#sending = false;
        // It is told when the level is passed on the way down, not as long as it is low.
        if (before > level && this.#tx.length <= level) {
            this.#raw |= INT_TX;
        }
        this.#beginSend();
        this.#update();
        this.onSend(byte);
    }

    #update() {
        const level = LEVELS[(this.values.get(IFLS) >> 3) & 7];
        if (this.#rx.length >= level) {
            this.#raw |= INT_RX;
        } else {
            this.#raw &= ~INT_RX;
        }
        if (this.#rx.length === 0) {
            this.#raw &= ~INT_RT;
        }
        this.chip.setInterrupt(this.irq, (this.#raw & this.values.get(IMSC)) !== 0);
    }

    #flags() {
        const { length } = this.#tx;
        return (this.#rx.length === 0 ? FR_RXFE : 0) | (this.#rx.length === FIFO_LEN ? FR_RXFF : 0) |
            (length === 0 ? FR_TXFE : 0) | (length === FIFO_LEN ? FR_TXFF : 0) |
            (length > 0 ? FR_BUSY : 0);
    }

    readUint32(offset) {
        switch (offset) {
        case DR: {
            const value = this.#rx.shift() ?? 0;
            this.#update();
            return value;
        }
        case FR:
            return this.#flags();
        case RIS:
            return this.#raw;
        case MIS:
            return this.#raw & this.values.get(IMSC);
        default:
            return super.readUint32(offset);
        }
    }

    writeUint32(offset, value) {
        switch (offset) {
        case DR:
            this.#push(value & 0xff);
            break;
        case ICR:
            this.#raw &= ~value;
            this.#update();
            break;
        case CR:
            super.writeUint32(offset, value);
            this.#switch();
            break;
        default:
            super.writeUint32(offset, value);
            this.#update();
        }
    }

    #push(byte) {
        if (this.#tx.length === FIFO_LEN) {
            this.chip.fail(`${this.name}: a byte was written to the full send FIFO`);
        }
        this.#tx.push(byte);
        if (this.#tx.length > LEVELS[this.values.get(IFLS) & 7]) {
            this.#raw &= ~INT_TX;
            this.#update();
        }
        this.#beginSend();
    }

    #switch() {
        if (!this.enabled) {
            return;
        }
        if ((this.values.get(LCR_H) & 0x7f) !== (LCR_8N1 | LCR_FEN)) {
            this.chip.fail(`${this.name}: not 8N1 with FIFOs`);
        }
        if (Math.abs(this.baud / 115200 - 1) > 0.025) {
            this.chip.fail(`${this.name}: ${Math.round(this.baud)} baud`);
        }
        this.#beginSend();
    }
}
