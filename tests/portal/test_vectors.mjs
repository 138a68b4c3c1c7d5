// SPDX-License-Identifier: Apache-2.0
// The page against the vectors of the C code.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import {
    checkPassword, checkPort, checkServer, checkSsid, keyOf,
} from '../../firmware-port/portal/check.js';
import {
    KIND, decommissionForm, joined, keysOf, openAnswer, sealForm, settingsForm,
} from '../../firmware-port/portal/form.js';

const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (data) => Buffer.from(data).toString('hex');
const rows = (name) => readFileSync(new URL(`../vectors/${name}`, import.meta.url), 'utf8')
    .trimEnd().split('\n').map(JSON.parse);

for (const [i, row] of rows('setup_forms.jsonl').entries()) {
    test(`form ${i + 1}, of ${row.device}`, () => {
        const salt = joined(bytes(row.nonce), bytes(row.page));
        const keys = keysOf(keyOf(row.text), salt);
        const plain = row.kind === KIND.settings ? settingsForm(row) : decommissionForm();
        assert.equal(hex(plain), row.plain);
        assert.equal(hex(sealForm(keys, salt, plain)), row.form);
        assert.equal(openAnswer(keys, bytes(row.answer)), row.status);
    });
}

for (const row of rows('setup_settings.jsonl')) {
    // What no page can make, or this one mends.
    if (row.ssid_hex !== undefined || row.server !== row.server.trim()) {
        continue;
    }
    test(`the device and the page agree: ${row.what}`, () => {
        const said = [checkServer(row.server), checkPort(String(row.port)), checkSsid(row.ssid),
            checkPassword(row.password)].filter((each) => each !== null);
        assert.equal(said.length === 0, row.good, JSON.stringify(said));
    });
}
