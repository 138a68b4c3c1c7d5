// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { require } from '../dashboard/modules.mjs';
import { program } from '../portal/browser.mjs';

/*
 * Somebody at a screen of the ward, who waits for the first reading of any device. Address and
 * login come as one JSON object on standard input; what was seen leaves as one on standard output.
 */
const { url, user, password, limit, pictures } = JSON.parse(
    await new Promise((done) => createInterface({ input: process.stdin }).once('line', done)));
const end = Date.now() + 1000 * limit;
const PATIENCE_MS = 60000;
const browser = await require('playwright-core').chromium.launch({
    executablePath: program(), timeout: 3 * PATIENCE_MS,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking',
        '--disable-component-update'],
});
const result = { attempts: 0 };

async function logIn(page) {
    await page.goto(`${url}/login`);
    await page.getByLabel('Name').fill(user);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.waitForURL('**/dashboard/**');
}

async function shown(page, path, selector) {
    for (;;) {
        result.attempts += 1;
        try {
            await page.goto(url + path);
            if (new URL(page.url()).pathname === '/login') {
                await logIn(page);
                await page.goto(url + path);
            }
            const place = page.locator(selector).filter({ hasText: /\d/ }).first();
            await place.waitFor();
            return await place.evaluate((element) =>
                ({ text: element.textContent.trim(), ...element.dataset }));
        } catch (error) {
            if (Date.now() > end) {
                throw error;
            }
            await new Promise((resolve) => setTimeout(resolve, 200));
        }
    }
}

try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true,
        viewport: { width: 1280, height: 800 } });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    result.reading = await shown(page, '/dashboard/ward', '[data-device][data-vital=temperature]');
    result.at = Date.now() / 1000;
    await page.screenshot({ path: join(pictures, 'ward.png') });
    const { device } = result.reading;
    await shown(page, `/dashboard/device?id=${device}`,
        `[data-device="${device}"][data-vital=temperature]`);
    result.values = await page.locator(`[data-device="${device}"][data-vital]`).evaluateAll(
        (elements) => elements.map((each) => [each.dataset.vital, each.textContent.trim()]));
    await page.screenshot({ path: join(pictures, 'device.png') });
} catch (error) {
    result.failed = error.message;
} finally {
    await browser.close();
}
process.stdout.write(`${JSON.stringify(result)}\n`);
