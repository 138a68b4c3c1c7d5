// SPDX-License-Identifier: Apache-2.0
// The setup page in Chromium: how it loads, what it says while somebody types, and to whom.
// Usage: node test_page.mjs FOLDER, which holds response.bin; pictures of the page go there too.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { ADDRESS, contrasts, spoken } from './browser.mjs';
import {
    KEY, KEY_TEXT, OTHER_KEY, PHONE, SETTINGS, device, error, field, fields, fill, focused, open,
    page, picture, press, said, save, status,
} from './visit.mjs';

const DESKTOP = { width: 1280, height: 900 };
const TARGET_MIN = 44; // CSS pixels, for a finger
const CONTRAST_MIN = 4.5;
const MODULE_BYTES_PER_S = 6700;
const SHOWS_MS = 2000;

describe('loading', () => {
    test('it asks for nothing but itself and a nonce, and breaks no rule of its own', async () => {
        await open();
        assert.deepEqual(device.requests, ['GET /', 'GET /setup']);
        assert.deepEqual(said, []);
        assert.equal(await page.evaluate(() => isSecureContext), false);
        assert.equal(await status(), '');
    });

    test('it shows within two seconds at the speed of the module', async (t) => {
        // What the page computes counts, and not what else the machine did meanwhile.
        const session = await page.context().newCDPSession(page);
        await session.send('Performance.enable', { timeDomain: 'threadTicks' });
        const computed = async () => {
            const { metrics } = await session.send('Performance.getMetrics');
            return metrics.find((each) => each.name === 'TaskDuration').value * 1000;
        };
        const before = await computed();
        await open();
        const computing = await computed() - before;
        const coming = device.page.length / MODULE_BYTES_PER_S * 1000;
        await session.detach();
        t.diagnostic(`${Math.round(coming)} ms to come, ${Math.round(computing)} ms of computing`);
        assert.ok(computing > 0 && coming + computing <= SHOWS_MS);
    });

    test('and waits for nothing else before it shows', async () => {
        device.restart({ key: KEY, mute: true });
        await page.goto(ADDRESS);
        await field('ssid').waitFor();
        assert.deepEqual(device.requests, ['GET /', 'GET /setup']);
    });

    test('the key of a QR code is filled in, and gone from the address', async () => {
        await open({}, `${ADDRESS}#${KEY_TEXT}`);
        assert.equal(await field('key').inputValue(), KEY_TEXT);
        assert.equal(page.url(), ADDRESS);
        assert.ok(device.requests.every((request) => !request.includes('7M3K')));
        assert.equal(await error('key'), '');
    });

    test('a broken address does not break the page', async () => {
        await open({}, `${ADDRESS}#%E0%A4%A`);
        assert.match(await error('key'), /“%” is in no setup key/);
        assert.deepEqual(said, []);
    });

    test('a device that is locked is told at once', async () => {
        device.tries = 0;
        await open();
        await page.waitForFunction(() => document.getElementById('status').textContent !== '');
        assert.match(await status(), /Too many wrong keys/);
    });

    test('so is one that speaks otherwise', async () => {
        device.version = 2;
        await open();
        await page.waitForFunction(() => document.getElementById('status').textContent !== '');
        assert.match(await status(), /does not answer/);
    });

    test('a connection that breaks before anything was sent is made again', async () => {
        await open();
        await fill();
        device.deaf = 2;
        await save();
        assert.equal(device.forms.length, 1);
    });

    test('so is one that does not answer, and nothing is lost', async () => {
        await open();
        device.deaf = Infinity;
        await fill();
        await save();
        assert.match(await status(), /does not answer/);
        device.deaf = 0;
        await save();
        assert.equal(device.forms.length, 1);
    });
});

describe('typing', () => {
    const type = async (id, text) => {
        await field(id).fill('');
        await field(id).pressSequentially(text);
    };

    test('what cannot become right is told while it is typed, and taken back', async () => {
        await open();
        for (const [id, text, words] of [
            ['port', '99a', 'digits only'], ['server', 'a_', '“_”'], ['key', '0U', '“U”'],
            ['password', 'ü', '“ü”'], ['ssid', 'x'.repeat(33), 'by 1'],
        ]) {
            await type(id, text);
            assert.ok((await error(id)).includes(words), `${id}: ${await error(id)}`);
            assert.equal(await field(id).getAttribute('aria-invalid'), 'true');
            await page.keyboard.press('Backspace');
            assert.equal(await error(id), '');
            assert.equal(await field(id).getAttribute('aria-invalid'), 'false');
        }
    });

    test('what stays wrong is not read out again at every key', async () => {
        await open();
        await type('port', '9a');
        await page.evaluate(() => {
            globalThis.changes = 0;
            new MutationObserver((all) => { globalThis.changes += all.length; })
                .observe(document.getElementById('port-error'), { childList: true });
        });
        await field('port').pressSequentially('bc');
        assert.match(await error('port'), /digits only/);
        assert.equal(await page.evaluate(() => globalThis.changes), 0);
    });

    test('what is not finished is told when the field is left, and then at each key', async () => {
        await open();
        await type('password', '1234567');
        assert.equal(await error('password'), '');
        await page.keyboard.press('Tab');
        assert.match(await error('password'), /8 characters or more/);
        await field('password').press('End');
        await page.keyboard.type('8');
        assert.equal(await error('password'), '');
        await page.keyboard.press('Backspace');
        assert.match(await error('password'), /8 characters or more/);
    });

    test('a field that is passed by says nothing', async () => {
        await open();
        for (let i = 0; i < 6; ++i) {
            await page.keyboard.press('Tab');
        }
        assert.deepEqual(await page.locator('.error').allTextContents(), ['', '', '', '', '']);
    });

    test('saving too early sends nothing, and goes to the first field that is wrong', async () => {
        await open();
        await field('ssid').fill('home');
        await save();
        assert.equal(await focused(), 'server');
        assert.match(await status(), /2 fields are not right yet/);
        assert.match(await error('server'), /address of the server/);
        assert.match(await error('key'), /five groups/);
        assert.deepEqual(device.requests, ['GET /', 'GET /setup']);
    });

    test('a space behind the network name is pointed out and kept', async () => {
        await open();
        await fill({ ...SETTINGS, ssid: 'home ' });
        assert.match(await error('ssid'), /ends with a space/);
        assert.equal(await field('ssid').getAttribute('aria-invalid'), 'false');
        await save();
        assert.equal(device.forms[0].ssid, 'home ');
    });

    test('a key is put in groups when it is left', async () => {
        await open();
        await field('key').fill(` ${KEY.toLowerCase().replace('0', 'o')} `);
        await page.keyboard.press('Tab');
        assert.equal(await field('key').inputValue(), KEY_TEXT);
    });

    test('a button is where the finger meets it, whatever leaving a field says', async () => {
        await open();
        const press = async (locator) => {
            const { x, y, width, height } = await locator.boundingBox();
            await page.mouse.move(x + width / 2, y + height / 2);
            await page.mouse.down();
            assert.equal((await locator.boundingBox()).y, y);
            await page.mouse.up();
        };
        await field('password').pressSequentially('short');
        await press(page.getByText('Show the password'));
        assert.equal(await page.getByLabel('Show the password').isChecked(), true);
        await field('key').pressSequentially('7M3K');
        await press(page.getByRole('button', { name: 'Save and start' }));
        assert.match(await error('key'), /some are missing/);
        assert.match(await error('password'), /8 characters/);
    });

    test('the password is hidden until it is asked for', async () => {
        await open();
        assert.equal(await field('password').getAttribute('type'), 'password');
        await page.getByLabel('Show the password').check();
        assert.equal(await field('password').getAttribute('type'), 'text');
        await page.getByLabel('Show the password').uncheck();
        assert.equal(await field('password').getAttribute('type'), 'password');
    });
});

describe('for everybody', () => {
    test('each field has a name, its hint, and what is wrong with it', async () => {
        await open();
        await press('Save and start');
        await field('port').fill('0');
        const found = await spoken(page);
        const boxes = found.filter((node) => node.role === 'textbox');
        assert.deepEqual(boxes.map((box) => box.name), Object.values(fields));
        for (const [i, words] of ['2.4 GHz.*name of your Wi-Fi', 'Leave it empty',
            'A name or numbers.*address of', '1 to 65535', 'Five groups.*Type the'].entries()) {
            assert.match(boxes[i].description, new RegExp(words));
        }
        assert.deepEqual(boxes.map((box) => box.invalid === 'true'),
            [true, false, true, true, true]);
        assert.deepEqual(boxes.map((box) => box.required), [true, false, true, true, true]);
        const unnamed = found.filter((node) =>
            ['button', 'checkbox', 'heading'].includes(node.role) && node.name === '');
        assert.deepEqual(unnamed, []);
        const groups = found.filter((node) => node.role === 'group' && node.name !== '');
        assert.deepEqual(groups.map((node) => node.name), ['Wi-Fi', 'Server', 'This device']);
        assert.equal(await page.getAttribute('html', 'lang'), 'en');
    });

    test('what changes is in places that are read out', async () => {
        await open();
        const places = await page.locator('.error, .status').evaluateAll((all) => all
            .filter((each) => !each.closest('noscript'))
            .map((each) => each.getAttribute('aria-live') || each.getAttribute('role')));
        assert.deepEqual(places, [...new Array(5).fill('polite'), 'status', 'status']);
    });

    for (const scheme of ['light', 'dark']) {
        test(`text can be told from its ground: ${scheme}`, async () => {
            await open({ colorScheme: scheme });
            await press('Save and start');
            await page.locator('summary').click();
            await page.evaluate(() => { document.getElementById('erase-sure').hidden = false; });
            const all = await contrasts(page);
            assert.ok(all.length > 20);
            assert.deepEqual(all.filter((each) => each.ratio < CONTRAST_MIN), []);
        });
    }

    for (const width of [280, 320, 375, 768, 1280]) {
        test(`it fits a screen of ${width} pixels, and a finger`, async () => {
            await open({ viewport: { width, height: 700 } });
            await fill({ ...SETTINGS, ssid: 'W'.repeat(33) });
            await page.locator('summary').click();
            const sizes = await page.evaluate(() => ({
                over: document.documentElement.scrollWidth - innerWidth,
                small: [...document.querySelectorAll('button, input, summary')]
                    .filter((each) => each.checkVisibility())
                    .map((each) => [each.id,
                        (each.closest('label') || each).getBoundingClientRect().height]),
                font: parseFloat(getComputedStyle(document.getElementById('ssid')).fontSize),
            }));
            assert.ok(sizes.over <= 0, `${sizes.over} pixels too wide`);
            assert.deepEqual(sizes.small.filter(([id, height]) => id && height < TARGET_MIN), []);
            assert.ok(sizes.font >= 16, 'a phone would zoom in');
            await fill({ ...SETTINGS, ssid: 'W'.repeat(32) });
            await save();
            assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
        });
    }

    test('where the keyboard is can be seen', async () => {
        await open();
        const seen = [];
        for (let i = 0; i < 8; ++i) {
            await page.keyboard.press('Tab');
            seen.push(await page.evaluate(() => {
                const at = document.activeElement;
                return [at.id || at.tagName, getComputedStyle(at).outlineWidth];
            }));
        }
        assert.deepEqual(seen, [...Object.keys(fields).slice(0, 2), 'show',
            ...Object.keys(fields).slice(2), 'save', 'SUMMARY'].map((id) => [id, '3px']));
    });

    for (const [size, viewport, colorScheme] of [
        ['phone', PHONE, 'light'], ['phone', PHONE, 'dark'], ['desktop', DESKTOP, 'light'],
    ]) {
        test(`pictures of it: ${size}, ${colorScheme}`, async () => {
            const take = (name) => picture(`${size}-${colorScheme}-${name}`);
            await open({ viewport, colorScheme });
            await take('empty');
            await fill({ ...SETTINGS, password: 'short', server: 'http://gateway' }, '7M3K-Q2ZX');
            await save();
            await take('wrong');
            await fill(SETTINGS, OTHER_KEY);
            await save();
            await take('key');
            await field('key').fill(KEY_TEXT);
            await page.locator('summary').click();
            await page.locator('#erase-ask').click();
            await take('erase');
            await save();
            await take('saved');
        });
    }
});
