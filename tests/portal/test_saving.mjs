// SPDX-License-Identifier: Apache-2.0
// The setup page in Chromium, and what it does with the device, which is written apart from it.
// Usage: node test_saving.mjs FOLDER, which holds response.bin.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
    KEY, KEY_TEXT, OTHER_KEY, SETTINGS, device, error, field, fill, focused, open, page, press,
    said, save, settled, status, title,
} from './visit.mjs';

describe('saving', () => {
    test('by the keyboard alone, from the first field to the end', async () => {
        await open();
        const type = async (text) => {
            await page.keyboard.press('Tab');
            await page.keyboard.type(text);
        };
        await type(SETTINGS.ssid);
        await type(SETTINGS.password);
        await page.keyboard.press('Tab'); // past "show the password"
        await type(SETTINGS.server);
        await type('1883'); // a field that has something is selected when it is entered
        await type(KEY.toLowerCase());
        await page.keyboard.press('Enter');
        await page.waitForSelector('#done:not([hidden])');
        assert.deepEqual(device.forms, [{ kind: 1, ...SETTINGS, port: 1883 }]);
        assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Saved');
        assert.match(await page.locator('#done-text').textContent(), /joins “Ward 3 – Süd”/);
    });

    test('takes a nonce of its own, and leaves nothing typed in the page', async () => {
        await open();
        await fill();
        await save();
        assert.deepEqual(device.requests, ['GET /', 'GET /setup', 'GET /setup', 'POST /setup']);
        const left = await page.locator('input:not([type=checkbox])')
            .evaluateAll((inputs) => inputs.map((input) => input.value).join(''));
        assert.equal(left, '');
        assert.deepEqual(said, []);
    });

    test('spaces around address and port are not sent', async () => {
        await open();
        await fill({ ...SETTINGS, server: ` ${SETTINGS.server} `, port: ` ${SETTINGS.port} ` });
        await save();
        assert.deepEqual(device.forms, [{ kind: 1, ...SETTINGS }]);
    });

    test('pressing twice sends once', async () => {
        await open();
        await fill();
        device.bytesPerSecond = 1000;
        await field('key').press('Enter');
        await page.keyboard.press('Enter');
        await page.waitForSelector('#done:not([hidden])');
        assert.equal(device.requests.filter((request) => request === 'POST /setup').length, 1);
    });

    test('a wrong key is told beside its field, with the tries that are left', async () => {
        await open();
        await fill(SETTINGS, OTHER_KEY);
        for (const words of ['4 more tries are left', '3 more tries', '2 more tries',
            'One more try is left']) {
            await save();
            assert.ok((await error('key')).includes(words), await error('key'));
            assert.equal(await focused(), 'key');
        }
        await field('key').fill(KEY_TEXT);
        assert.equal(await error('key'), '');
        await save();
        assert.equal(device.forms.length, 1);
    });

    test('after the last try nothing more is sent', async () => {
        device.tries = 1;
        await open();
        await fill(SETTINGS, OTHER_KEY);
        await save();
        await save();
        assert.match(await status(), /Too many wrong keys/);
        assert.equal(device.requests.filter((request) => request === 'POST /setup').length, 1);
    });

    for (const forced of ['other', 'busy']) {
        test(`when somebody else is at it, it is tried once more: ${forced}`, async () => {
            device.forced = [forced];
            await open();
            await fill();
            await save();
            assert.equal(device.forms.length, 1);
            assert.equal(await title(), 'Saved');
        });
    }

    test('and once more only', async () => {
        device.forced = ['other', 'other'];
        await open();
        await fill();
        await save();
        assert.equal(device.forms.length, 0);
        assert.match(await status(), /Somebody else/);
    });

    test('who never answers is not waited for for ever', async () => {
        device.forced = ['mute'];
        await open();
        await page.evaluate(() => { // its patience ends when it is told to
            globalThis.setTimeout = (then) => { globalThis.late = then; };
        });
        await fill();
        const asked = device.asked('POST /setup');
        await press('Save and start');
        await asked;
        await page.evaluate(() => globalThis.late());
        await settled();
        assert.match(await status(), /no answer came/);
    });

    test('what the device does not know as a request of its page is told', async () => {
        device.forced = ['unknown'];
        await open();
        await fill();
        await save();
        assert.match(await status(), /did not understand this page/);
    });

    test('a device that gives one nonce twice does not get two forms under one key', async () => {
        device.restart({ key: KEY, sameNonce: true, forced: ['1'] });
        await open();
        await fill();
        await save();
        await field('ssid').fill('another');
        await save();
        assert.equal(device.forms.length, 2);
        assert.equal(device.salts[0].slice(0, 32), device.salts[1].slice(0, 32));
        assert.notEqual(device.salts[0], device.salts[1]);
    });

    for (const [forced, words] of [
        ['1', 'could not store'], ['2', 'does not take these settings'],
        ['7', 'did not come from the device'], ['forged', 'did not come from the device'],
        ['lost', 'no answer came'],
    ]) {
        test(`the answer "${forced}" is put into words, and what was typed stays`, async () => {
            device.forced = [forced];
            await open();
            await fill();
            await save();
            assert.ok((await status()).includes(words), await status());
            assert.equal(await field('ssid').inputValue(), SETTINGS.ssid);
            await save();
            assert.equal(device.forms.length, 2);
        });
    }
});

describe('erasing', () => {
    const begin = async (key = KEY_TEXT) => {
        await open();
        await field('key').fill(key);
        await page.getByText('Erase this device').first().click();
        await press('Erase this device');
    };

    test('asks again, with the way back first', async () => {
        await begin();
        assert.equal(await focused(), 'erase-no');
        assert.equal(await page.locator('#erase-ask').isVisible(), false);
        await press('No, keep it');
        assert.equal(await focused(), 'erase-ask');
        assert.equal(await page.locator('#erase-sure').isVisible(), false);
        assert.deepEqual(device.requests, ['GET /', 'GET /setup']);
    });

    test('says so to the device when it is meant', async () => {
        await begin();
        await press('Yes, erase it');
        await page.waitForSelector('#done:not([hidden])');
        assert.deepEqual(device.forms, [{ kind: 2, server: '', port: 0, ssid: '', password: '' }]);
        assert.equal(await title(), 'Erased');
    });

    test('a device that could not says what to do', async () => {
        device.forced = ['1'];
        await begin();
        await press('Yes, erase it');
        await settled('erase-status');
        assert.match(await status('erase-status'), /could not erase all/);
    });

    test('needs the key, and no other field', async () => {
        await begin('');
        assert.match(await status('erase-status'), /One field/);
        assert.match(await error('key'), /five groups/);
        assert.equal(await error('ssid'), '');
        await begin(OTHER_KEY);
        await press('Yes, erase it');
        await settled('erase-status');
        assert.match(await error('key'), /4 more tries/);
    });
});
