// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { ADDRESS, launch } from '../portal/browser.mjs';

/*
 * A person with a phone, who opens the device's page and fills it in. What to type comes as one JSON
 * object on standard input, what was seen leaves as one on standard output.
 */
const { port, key, wrongKey, settings, pictures } = JSON.parse(
    await new Promise((resolve) => createInterface({ input: process.stdin }).once('line', resolve)));
const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 800 };
const LIMIT_MS = 60000;

const browser = await launch(port);

async function open(viewport, url) {
    const page = await (await browser.newContext({ viewport })).newPage();
    const seen = { errors: [], requests: [] };
    page.setDefaultTimeout(LIMIT_MS);
    page.on('pageerror', (error) => seen.errors.push(error.message));
    page.on('console', (message) => {
        if (message.type() === 'error' && !/status of 403/.test(message.text())) {
            seen.errors.push(message.text());
        }
    });
    page.on('request', (request) => seen.requests.push(request.url()));
    const began = Date.now();
    await page.goto(url);
    await page.getByLabel('Network name').waitFor();
    seen.shownMs = Date.now() - began;
    return { page, seen };
}

async function fill(page, typedKey) {
    const field = (name) => page.getByLabel(name, { exact: true });
    await field('Network name').fill(settings.ssid);
    await field('Password').fill(settings.password);
    await field('Address').fill(settings.server);
    await field('Port').fill(String(settings.port));
    await field('Setup key').fill(typedKey);
    await page.getByRole('button', { name: 'Save and start' }).click();
}

const result = {};
try {
    const desktop = await open(DESKTOP, ADDRESS);
    await desktop.page.screenshot({ path: join(pictures, 'setup-desktop.png'), fullPage: true });
    await fill(desktop.page, wrongKey);
    const status = desktop.page.locator('#status, #key-error').filter({ hasText: /key/i }).first();
    await status.waitFor();
    result.wrongKey = await status.textContent();
    await desktop.page.close();

    const phone = await open(PHONE, `${ADDRESS}#${key}`);
    await phone.page.screenshot({ path: join(pictures, 'setup-phone.png'), fullPage: true });
    result.keyShown = await phone.page.getByLabel('Setup key', { exact: true }).inputValue();
    result.secure = await phone.page.evaluate(() => globalThis.isSecureContext);
    await fill(phone.page, key);
    await phone.page.locator('#done-title').waitFor();
    result.done = await phone.page.locator('#done').innerText();
    await phone.page.screenshot({ path: join(pictures, 'setup-done.png'), fullPage: true });
    Object.assign(result, { shownMs: phone.seen.shownMs,
        errors: [...desktop.seen.errors, ...phone.seen.errors],
        requests: [...desktop.seen.requests, ...phone.seen.requests] });
} catch (error) {
    result.failed = error.message;
} finally {
    await browser.close();
}
process.stdout.write(`${JSON.stringify(result)}\n`);
