// SPDX-License-Identifier: Apache-2.0
// The setup page in Chromium, with a device that is written apart from it.
// Usage: node test_page.mjs FOLDER, which holds response.bin; the screenshots go there too.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';

import { ADDRESS, contrasts, launch, program, spoken } from './browser.mjs';
import { Device } from './device.mjs';

if (!program()) {
    console.log('skipped: no chromium');
    process.exit(77);
}

const folder = process.argv[2];
const shots = join(folder, 'screenshots');
const KEY = '7M3KQ2ZXC9V0R4TB1HDN';
const KEY_TEXT = '7M3K-Q2ZX-C9V0-R4TB-1HDN';
const OTHER_KEY = '7M3K-Q2ZX-C9V0-R4TB-1HDP';
const SETTINGS = { ssid: 'Ward 3 – Süd', password: 'correct horse', server: 'gateway.example.org', port: 9998 };
const PHONE = { width: 375, height: 667 };
const DESKTOP = { width: 1280, height: 900 };
const TARGET_MIN = 44; // CSS pixels, for a finger
const CONTRAST_MIN = 4.5;
const MODULE_BYTES_PER_S = 6700;
const SHOWS_MS = 2000;

const device = new Device(readFileSync(join(folder, 'response.bin')));
let browser;
let page;
let said; // what the browser complained about

async function open({ viewport = PHONE, colorScheme = 'light' } = {}, address = ADDRESS) {
    said = [];
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await page.goto('about:blank'); // or another fragment would not load it again
    await page.goto(address, { waitUntil: 'commit' });
    await page.waitForFunction(() => performance.getEntriesByType('resource').length > 0);
}

const field = (name) => page.getByLabel(name, { exact: true });
const fields = {
    ssid: 'Network name', password: 'Password', server: 'Address', port: 'Port',
    key: 'Setup key',
};
const error = (id) => page.locator(`#${id}-error`).textContent();
const status = () => page.locator('#status').textContent();
const settled = (id = 'status') => page.waitForFunction((name) =>
    !document.querySelector('[aria-disabled=true]') &&
    document.getElementById(name).textContent !== 'Sending to the device…', id);

async function fill(settings = SETTINGS, key = KEY_TEXT) {
    for (const [id, value] of Object.entries(settings)) {
        await field(fields[id]).fill(String(value));
    }
    await field(fields.key).fill(key);
}

async function save() {
    await page.getByRole('button', { name: 'Save and start' }).click();
    await settled();
}

before(async () => {
    mkdirSync(shots, { recursive: true });
    browser = await launch(await device.start());
    page = await browser.newPage();
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
});
beforeEach(() => device.restart({ key: KEY }));
after(async () => {
    await browser.close();
    device.stop();
});

describe('loading', () => {
    test('the page asks for nothing but itself and a nonce, and breaks no rule of its own', async () => {
        await open();
        assert.deepEqual(device.requests, ['GET /', 'GET /setup']);
        assert.deepEqual(said, []);
        assert.equal(await page.evaluate(() => isSecureContext), false);
        assert.equal(await status(), '');
    });

    test('it shows within two seconds at the speed of the module', async (t) => {
        const times = [];
        do { // again when the machine was busy with something else
            device.restart({ key: KEY, bytesPerSecond: MODULE_BYTES_PER_S });
            await open();
            times.push(await page.evaluate(() =>
                performance.getEntriesByName('first-contentful-paint')[0].startTime));
        } while (times.at(-1) > SHOWS_MS && times.length < 3);
        t.diagnostic(`first text after ${times.map(Math.round)} ms`);
        assert.ok(times.at(-1) <= SHOWS_MS);
    });

    test('the key of a QR code is filled in, and gone from the address', async () => {
        await open({}, `${ADDRESS}#${KEY_TEXT}`);
        assert.equal(await field(fields.key).inputValue(), KEY_TEXT);
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
        const left = await page.evaluate(() => [...document.querySelectorAll('input:not([type=checkbox])')]
            .map((input) => input.value).join(''));
        assert.equal(left, '');
        assert.deepEqual(said, []);
    });

    test('a wrong key is told beside its field, with the tries that are left', async () => {
        await open();
        await fill(SETTINGS, OTHER_KEY);
        for (const words of ['4 more tries are left', '3 more tries', '2 more tries', 'One more try is left']) {
            await save();
            assert.ok((await error('key')).includes(words), await error('key'));
            assert.equal(await page.evaluate(() => document.activeElement.id), 'key');
        }
        await field(fields.key).fill(KEY_TEXT);
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
            assert.equal(await page.locator('#done-title').textContent(), 'Saved');
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
        await field(fields.ssid).fill('another');
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
            assert.equal(await field(fields.ssid).inputValue(), SETTINGS.ssid);
            await save();
            assert.equal(device.forms.length, 2);
        });
    }
});

describe('typing', () => {
    const type = async (id, text) => {
        await field(fields[id]).fill('');
        await field(fields[id]).pressSequentially(text);
    };

    test('what cannot become right is told while it is typed, and taken back', async () => {
        await open();
        for (const [id, text, words] of [
            ['port', '99a', 'digits only'], ['server', 'a_', '“_”'], ['key', '0U', '“U”'],
            ['password', 'ü', '“ü”'], ['ssid', 'x'.repeat(33), 'by 1'],
        ]) {
            await type(id, text);
            assert.ok((await error(id)).includes(words), `${id}: ${await error(id)}`);
            assert.equal(await field(fields[id]).getAttribute('aria-invalid'), 'true');
            await page.keyboard.press('Backspace');
            assert.equal(await error(id), '');
            assert.equal(await field(fields[id]).getAttribute('aria-invalid'), 'false');
        }
    });

    test('what is not finished is told when the field is left, and then at each key', async () => {
        await open();
        await type('password', '1234567');
        assert.equal(await error('password'), '');
        await page.keyboard.press('Tab');
        assert.match(await error('password'), /8 characters or more/);
        await field(fields.password).press('End');
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
        await field(fields.ssid).fill('home');
        await save();
        assert.equal(await page.evaluate(() => document.activeElement.id), 'server');
        assert.match(await status(), /2 fields are not right yet/);
        assert.match(await error('server'), /address of the server/);
        assert.match(await error('key'), /five groups/);
        assert.deepEqual(device.requests, ['GET /', 'GET /setup']);
    });

    test('a space behind the network name is pointed out and kept', async () => {
        await open();
        await fill({ ...SETTINGS, ssid: 'home ' });
        assert.match(await error('ssid'), /ends with a space/);
        assert.equal(await field(fields.ssid).getAttribute('aria-invalid'), 'false');
        await save();
        assert.equal(device.forms[0].ssid, 'home ');
    });

    test('a key is put in groups when it is left', async () => {
        await open();
        await field(fields.key).fill(` ${KEY.toLowerCase().replace('0', 'o')} `);
        await page.keyboard.press('Tab');
        assert.equal(await field(fields.key).inputValue(), KEY_TEXT);
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
        await field(fields.password).pressSequentially('short');
        await press(page.getByText('Show the password'));
        assert.equal(await page.getByLabel('Show the password').isChecked(), true);
        await field(fields.key).pressSequentially('7M3K');
        await press(page.getByRole('button', { name: 'Save and start' }));
        assert.match(await error('key'), /some are missing/);
        assert.match(await error('password'), /8 characters/);
    });

    test('the password is hidden until it is asked for', async () => {
        await open();
        assert.equal(await field(fields.password).getAttribute('type'), 'password');
        await page.getByLabel('Show the password').check();
        assert.equal(await field(fields.password).getAttribute('type'), 'text');
        await page.getByLabel('Show the password').uncheck();
        assert.equal(await field(fields.password).getAttribute('type'), 'password');
    });
});

describe('erasing', () => {
    const press = (name) => page.getByRole('button', { name, exact: true }).click();
    const begin = async (key = KEY_TEXT) => {
        await open();
        await field(fields.key).fill(key);
        await page.getByText('Erase this device').first().click();
        await press('Erase this device');
    };

    test('asks again, with the way back first', async () => {
        await begin();
        assert.equal(await page.evaluate(() => document.activeElement.id), 'erase-no');
        await press('No, keep it');
        assert.equal(await page.evaluate(() => document.activeElement.id), 'erase-ask');
        assert.equal(await page.locator('#erase-sure').isVisible(), false);
        assert.deepEqual(device.requests, ['GET /', 'GET /setup']);
    });

    test('says so to the device when it is meant', async () => {
        await begin();
        await press('Yes, erase it');
        await page.waitForSelector('#done:not([hidden])');
        assert.deepEqual(device.forms, [{ kind: 2, server: '', port: 0, ssid: '', password: '' }]);
        assert.equal(await page.locator('#done-title').textContent(), 'Erased');
    });

    test('a device that could not says what to do', async () => {
        device.forced = ['1'];
        await begin();
        await press('Yes, erase it');
        await settled('erase-status');
        assert.match(await page.locator('#erase-status').textContent(), /could not erase all/);
    });

    test('needs the key, and no other field', async () => {
        await begin('');
        assert.match(await page.locator('#erase-status').textContent(), /One field/);
        assert.match(await error('key'), /five groups/);
        assert.equal(await error('ssid'), '');
        await begin(OTHER_KEY);
        await press('Yes, erase it');
        await settled('erase-status');
        assert.match(await error('key'), /4 more tries/);
    });
});

describe('for everybody', () => {
    test('each field has a name, its hint, and what is wrong with it', async () => {
        await open();
        await page.getByRole('button', { name: 'Save and start' }).click();
        await field(fields.port).fill('0');
        const found = await spoken(page);
        const boxes = found.filter((node) => node.role === 'textbox');
        assert.deepEqual(boxes.map((box) => box.name), Object.values(fields));
        for (const [i, words] of ['2.4 GHz.*name of your Wi-Fi', 'Leave it empty', 'A name or numbers.*address of',
            '1 to 65535', 'Five groups.*Type the setup key'].entries()) {
            assert.match(boxes[i].description, new RegExp(words));
        }
        assert.deepEqual(boxes.map((box) => box.invalid), ['true', 'false', 'true', 'true', 'true']);
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
            await page.getByRole('button', { name: 'Save and start' }).click();
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
                    .map((each) => [each.id, (each.closest('label') || each).getBoundingClientRect().height]),
                font: parseFloat(getComputedStyle(document.getElementById('ssid')).fontSize),
            }));
            assert.ok(sizes.over <= 0, `${sizes.over} pixels too wide`);
            assert.deepEqual(sizes.small.filter(([id, height]) => id && height < TARGET_MIN), []);
            assert.ok(sizes.font >= 16, 'a phone would zoom in');
        });
    }

    test('where the keyboard is can be seen', async () => {
        await open();
        const seen = [];
        for (let i = 0; i < 8; ++i) {
            await page.keyboard.press('Tab');
            seen.push(await page.evaluate(() => [document.activeElement.id || document.activeElement.tagName,
                getComputedStyle(document.activeElement).outlineWidth]));
        }
        assert.deepEqual(seen, ['ssid', 'password', 'show', 'server', 'port', 'key', 'save', 'SUMMARY']
            .map((id) => [id, '3px']));
    });

    for (const [size, viewport, colorScheme] of [
        ['phone', PHONE, 'light'], ['phone', PHONE, 'dark'], ['desktop', DESKTOP, 'light'],
    ]) {
        test(`pictures of it: ${size}, ${colorScheme}`, async () => {
            const picture = (name) => page.screenshot({
                path: join(shots, `${size}-${colorScheme}-${name}.png`), fullPage: true,
            });
            await open({ viewport, colorScheme });
            await picture('empty');
            await fill({ ...SETTINGS, password: 'short', server: 'http://gateway' }, '7M3K-Q2ZX');
            await save();
            await picture('wrong');
            await fill(SETTINGS, OTHER_KEY);
            await save();
            await picture('key');
            await field(fields.key).fill(KEY_TEXT);
            await page.locator('summary').click();
            await page.locator('#erase-ask').click();
            await picture('erase');
            await save();
            await picture('saved');
        });
    }
});
