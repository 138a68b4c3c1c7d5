// SPDX-License-Identifier: Apache-2.0
import { closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';

export const FLASH_LEN = 0x200000; // bytes: 2 MiB, as the Pico has
export const SECTOR_LEN = 4096;
export const PAGE_LEN = 256;

// Typical times of the Pico's W25Q16JV.
const ERASE_NANOS = 45e6;
const PROGRAM_NANOS = 0.4e6;

/**
 * The flash chip: erased to 0xff in sectors, programmed in pages by clearing bits. Its bytes can be
 * kept in a file. A power cut half-way leaves a part of the bits as they were.
 */
export class Flash {
    #file = null;
    operations = 0; // erased sectors and programmed pages, since the object was made

    constructor(path = null) {
        this.bytes = new Uint8Array(FLASH_LEN).fill(0xff);
        if (path !== null) {
            this.#open(path);
        }
    }

    #open(path) {
        if (existsSync(path)) {
            const kept = readFileSync(path);
            if (kept.length !== FLASH_LEN) {
                throw new Error(`${path}: ${kept.length} bytes, not ${FLASH_LEN}`);
            }
            this.bytes.set(kept);
        } else {
            writeFileSync(path, this.bytes, { mode: 0o600 });
        }
        this.#file = openSync(path, 'r+');
    }

    close() {
        if (this.#file !== null) {
            closeSync(this.#file);
            this.#file = null;
        }
    }

    #keep(offset, length) {
        if (this.#file !== null) {
            writeSync(this.#file, this.bytes, offset, length, offset);
        }
    }

    /** What erasing would change: `share` of the bits of the sector are set already. */
    erase(offset, share = 1, random = Math.random) {
        for (let i = offset; i < offset + SECTOR_LEN; i++) {
            this.bytes[i] |= share < 1 ? someBits(share, random) : 0xff;
        }
        this.operations++;
        this.#keep(offset, SECTOR_LEN);
        return ERASE_NANOS;
    }

    program(offset, data, share = 1, random = Math.random) {
        for (let i = 0; i < data.length; i++) {
            this.bytes[offset + i] &= data[i] | (share < 1 ? ~someBits(share, random) : 0);
        }
        this.operations++;
        this.#keep(offset, data.length);
        return PROGRAM_NANOS;
    }

    /** Puts `data` there as the drag-and-drop loader does: whole sectors are erased before. */
    load(offset, data) {
        const from = offset - (offset % SECTOR_LEN);
        const to = Math.ceil((offset + data.length) / SECTOR_LEN) * SECTOR_LEN;
        this.bytes.fill(0xff, from, to);
        this.bytes.set(data, offset);
        this.#keep(from, to - from);
    }
}

function someBits(share, random) {
    let bits = 0;
    for (let bit = 1; bit < 0x100; bit <<= 1) {
        bits |= random() < share ? bit : 0;
    }
    return bits;
}
