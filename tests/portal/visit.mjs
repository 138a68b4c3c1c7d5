// SPDX-License-Identifier: Apache-2.0
// What the tests in a browser share: one tab of Chromium on the setup page of one device, which is
// as switched on before each test. The folder of the built page, and of the pictures of it, is the
// first argument of the test.

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach } from 'node:test';

import { ADDRESS, launch, program } from './browser.mjs';
import { Device } from './device.mjs';

if (!program()) {
    console.log('skipped: no chromium');
    process.exit(77);
}

const folder = process.argv[2];
const pictures = join(folder, 'screenshots');

export const KEY = '7M3KQ2ZXC9V0R4TB1HDN';
export const KEY_TEXT = '7M3K-Q2ZX-C9V0-R4TB-1HDN';
export const OTHER_KEY = '7M3K-Q2ZX-C9V0-R4TB-1HDP';
export const SETTINGS = {
    ssid: 'Ward 3 – Süd', password: 'correct horse', server: 'gateway.example.org', port: 9998,
};
export const PHONE = { width: 375, height: 667 };

export const device = new Device(readFileSync(join(folder, 'response.bin')));
export let page;
export let said; // what the browser complained about
let browser;

before(async () => {
    mkdirSync(pictures, { recursive: true });
    browser = await launch(await device.start());
    page = await browser.newPage();
    page.setDefaultTimeout(60000);
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
});
beforeEach(() => device.restart({ key: KEY }));
after(async () => {
    await browser.close();
    device.stop();
});

export async function open({ viewport = PHONE, colorScheme = 'light' } = {}, address = ADDRESS) {
    said = [];
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await page.goto('about:blank'); // or another fragment would not load it again
    await page.goto(address, { waitUntil: 'commit' });
    await page.waitForFunction(() => performance.getEntriesByType('resource').length > 0);
}

export const fields = {
    ssid: 'Network name', password: 'Password', server: 'Address', port: 'Port',
    key: 'Setup key',
};
export const field = (id) => page.getByLabel(fields[id], { exact: true });
export const error = (id) => page.locator(`#${id}-error`).textContent();
export const status = (id = 'status') => page.locator(`#${id}`).textContent();
export const title = () => page.locator('#done-title').textContent();
export const focused = () => page.evaluate(() => document.activeElement.id);
export const press = (name) => page.getByRole('button', { name, exact: true }).click();
export const settled = (id = 'status') => page.waitForFunction((name) =>
    !document.querySelector('[aria-disabled=true]') &&
    document.getElementById(name).textContent !== 'Sending to the device…', id);
export const picture = (name) => page.screenshot({
    path: join(pictures, `${name}.png`), fullPage: true,
});

export async function fill(settings = SETTINGS, key = KEY_TEXT) {
    for (const [id, value] of Object.entries(settings)) {
        await field(id).fill(String(value));
    }
    await field('key').fill(key);
}

export async function save() {
    await press('Save and start');
    await settled();
}
