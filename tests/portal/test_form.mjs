// SPDX-License-Identifier: Apache-2.0
// The page's forms, opened by node's own cryptography, and against the vectors of the C code.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
    decommissionForm, keysOf, openAnswer, sealForm, settingsForm,
} from '../../firmware-port/portal/form.js';
import { formOf, openForm, sealAnswer } from './device.mjs';

const KEY = '0123456789ABCDEFGHJK';
const SALT = Uint8Array.from({ length: 32 }, (_, i) => 7 * i);
const longest = {
    server: `${'a'.repeat(60)}.org`, port: 65535, ssid: 'é'.repeat(16), password: '~'.repeat(63),
};

const sealed = (plain) => Buffer.from(sealForm(keysOf(KEY, SALT), SALT, plain));

for (const settings of [longest, { server: '1.2.3.4', port: 1, ssid: 'a', password: '' }]) {
    test(`a form is 240 bytes and opens to what was typed: port ${settings.port}`, () => {
        const form = sealed(settingsForm(settings));
        assert.equal(form.length, 240);
        assert.deepEqual(form.subarray(0, 32), Buffer.from(SALT));
        assert.deepEqual(formOf(openForm(KEY, form)), { kind: 1, ...settings });
    });
}

test('a form to decommission says that and nothing else', () => {
    const plain = openForm(KEY, sealed(decommissionForm()));
    assert.deepEqual([...plain], [1, 2, ...new Array(190).fill(0)]);
});

test('another key or another salt does not open a form', () => {
    const form = sealed(decommissionForm());
    assert.equal(openForm(KEY.replace('0', '1'), form), null);
    form[31] ^= 1;
    assert.equal(openForm(KEY, form), null);
});

test('an answer opens to its status, and only as it was sealed', () => {
    const keys = keysOf(KEY, SALT);
    for (const status of [0, 1, 2]) {
        assert.equal(openAnswer(keys, new Uint8Array(sealAnswer(KEY, SALT, status))), status);
    }
    const good = new Uint8Array(sealAnswer(KEY, SALT, 0));
    for (let i = 0; i < good.length; ++i) {
        const bad = good.slice();
        bad[i] ^= 1;
        assert.equal(openAnswer(keys, bad), -1);
        assert.equal(openAnswer(keys, good.slice(0, i)), -1);
    }
    assert.equal(openAnswer(keys, new Uint8Array(sealAnswer(KEY.replace('0', '1'), SALT, 0))), -1);
});
