// SPDX-License-Identifier: Apache-2.0

const BLOCK_LEN = 512;
const MAGIC_START0 = 0x0a324655;
const MAGIC_START1 = 0x9e5d5157;
const MAGIC_END = 0x0ab16f30;
const FLAG_FAMILY = 0x2000;
const FAMILY_RP2040 = 0xe48bff56;
const FLASH_START = 0x10000000;

function block(view, at, number) {
    const word = (offset) => view.getUint32(at + offset, true);
    const length = word(16);

    if (word(0) !== MAGIC_START0 || word(4) !== MAGIC_START1 || word(508) !== MAGIC_END) {
        throw new Error(`UF2 block ${number}: no such block`);
    }
    if (!(word(8) & FLAG_FAMILY) || word(28) !== FAMILY_RP2040) {
        throw new Error(`UF2 block ${number}: not for the RP2040`);
    }
    if (word(20) !== number || length > 476) {
        throw new Error(`UF2 block ${number}: bad number or length`);
    }
    return { offset: word(12) - FLASH_START, length, count: word(24) };
}

/** The pieces of flash that a UF2 file holds: [{ offset, data }], joined where they touch. */
export function readUf2(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const pieces = [];

    if (bytes.length === 0 || bytes.length % BLOCK_LEN !== 0) {
        throw new Error('UF2: not whole blocks');
    }
    for (let at = 0, number = 0; at < bytes.length; at += BLOCK_LEN, number++) {
        const { offset, length, count } = block(view, at, number);
        if (count !== bytes.length / BLOCK_LEN) {
            throw new Error(`UF2 block ${number}: another number of blocks`);
        }
        const data = bytes.subarray(at + 32, at + 32 + length);
        const last = pieces[pieces.length - 1];
        if (last !== undefined && last.offset + last.data.length === offset) {
            last.data = Buffer.concat([last.data, data]);
        } else {
            pieces.push({ offset, data: Buffer.from(data) });
        }
    }
    return pieces;
}
