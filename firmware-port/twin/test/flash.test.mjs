// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { FLASH_LEN, Flash, SECTOR_LEN } from '../flash.mjs';
import { prng } from '../signals.mjs';
import { readUf2 } from '../uf2.mjs';

const folder = (t) => {
    const path = mkdtempSync(join(tmpdir(), 'medsec-flash-'));
    t.after(() => rmSync(path, { recursive: true }));
    return path;
};

test('programming only clears bits, erasing sets them', () => {
    const flash = new Flash();
    flash.program(0x1000, Uint8Array.of(0xf0, 0x0f));
    flash.program(0x1000, Uint8Array.of(0x3c, 0xff));
    assert.deepEqual([...flash.bytes.subarray(0x1000, 0x1003)], [0x30, 0x0f, 0xff]);
    flash.erase(0x1000);
    assert.ok(flash.bytes.every((byte) => byte === 0xff));
});

test('a torn operation does a part of its bits, never another one', () => {
    const flash = new Flash();
    const random = prng(7);
    const data = new Uint8Array(256).fill(0x0f);

    flash.program(0, data, 0.5, random);
    const cleared = flash.bytes.subarray(0, 256).reduce((sum, byte) =>
        sum + 8 - byte.toString(2).replaceAll('0', '').length, 0);
    assert.ok(flash.bytes.subarray(0, 256).every((byte) => (byte & 0x0f) === 0x0f));
    assert.ok(cleared > 300 && cleared < 724, `${cleared} of 1024 bits`);

    flash.program(0, new Uint8Array(256));
    flash.erase(0, 0.5, random);
    const some = flash.bytes.subarray(0, 256);
    assert.ok(some.some((byte) => byte !== 0xff) && some.some((byte) => byte !== 0));
});

test('the file keeps what was written', (t) => {
    const path = join(folder(t), 'flash');
    const first = new Flash(path);
    first.program(SECTOR_LEN, Uint8Array.of(1, 2, 3));
    first.load(3 * SECTOR_LEN + 10, Uint8Array.of(4));
    first.close();
    const second = new Flash(path);
    assert.deepEqual([...second.bytes.subarray(SECTOR_LEN, SECTOR_LEN + 4)], [1, 2, 3, 0xff]);
    assert.equal(second.bytes[3 * SECTOR_LEN + 10], 4);
    assert.equal(second.bytes.length, FLASH_LEN);
    second.close();
});

test('a file of another length is refused', (t) => {
    const path = join(folder(t), 'flash');
    writeFileSync(path, 'short');
    assert.throws(() => new Flash(path), /5 bytes/);
});

function block(number, count, address, data) {
    const bytes = Buffer.alloc(512);
    const words = [0x0a324655, 0x9e5d5157, 0x2000, address, data.length, number, count, 0xe48bff56];
    words.forEach((word, i) => bytes.writeUInt32LE(word, 4 * i));
    Buffer.from(data).copy(bytes, 32);
    bytes.writeUInt32LE(0x0ab16f30, 508);
    return bytes;
}

test('UF2: blocks that touch become one piece', () => {
    const data = new Uint8Array(256).fill(5);
    const pieces = readUf2(Buffer.concat([block(0, 3, 0x10000000, data),
        block(1, 3, 0x10000100, data), block(2, 3, 0x101f0000, data)]));
    assert.deepEqual(pieces.map(({ offset, data: { length } }) => [offset, length]),
        [[0, 512], [0x1f0000, 256]]);
});

test('UF2: what is not for this chip, or not whole, is refused', () => {
    const good = block(0, 1, 0x10000000, [1]);
    const bad = (offset, value) => {
        const bytes = Buffer.from(good);
        bytes.writeUInt32LE(value, offset);
        return bytes;
    };
    assert.equal(readUf2(good).length, 1);
    assert.throws(() => readUf2(bad(0, 1)), /no such block/);
    assert.throws(() => readUf2(bad(508, 1)), /no such block/);
    assert.throws(() => readUf2(bad(8, 0)), /RP2040/);
    assert.throws(() => readUf2(bad(28, 1)), /RP2040/);
    assert.throws(() => readUf2(bad(16, 477)), /length/);
    assert.throws(() => readUf2(bad(24, 2)), /number of blocks/);
    assert.throws(() => readUf2(good.subarray(1)), /whole/);
});
