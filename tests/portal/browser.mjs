// SPDX-License-Identifier: Apache-2.0
// Chromium, which takes 192.168.4.1 for the device on a port of 127.0.0.1: so the page has the
// origin that it has in life, which browsers do not hold for a secure one.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

export const ADDRESS = 'http://192.168.4.1/';
const PLACES = [process.env.MEDSEC_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'];

export const program = () => PLACES.find((path) => path && existsSync(path));

export async function launch(port) {
    const packages = new URL('../../firmware-port/portal/package.json', import.meta.url);
    const require = createRequire(packages);
    const { chromium } = require('playwright-core');
    return chromium.launch({
        executablePath: program(),
        timeout: 120000,
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
            '--disable-background-networking', '--disable-component-update', '--disable-sync',
            `--host-resolver-rules=MAP 192.168.4.1:80 127.0.0.1:${port}`],
    });
}

// All that a screen reader is given, as `{ role, name, description, invalid, required }`.
export async function spoken(page) {
    const session = await page.context().newCDPSession(page);
    const { nodes } = await session.send('Accessibility.getFullAXTree');
    await session.detach();
    return nodes.filter((node) => !node.ignored).map((node) => {
        const property = (name) =>
            (node.properties || []).find((each) => each.name === name)?.value.value;
        return {
            role: node.role?.value, name: node.name?.value || '',
            description: node.description?.value || '', invalid: property('invalid'),
            required: property('required') === true,
        };
    });
}

// The contrast (WCAG 2.2, 1.4.3) of each piece of text that is seen, lowest first.
export const contrasts = (page) => page.evaluate(() => {
    const channels = (color) => color.match(/[\d.]+/g).map(Number);
    const light = (color) => channels(color).slice(0, 3).map((each) => each / 255)
        .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
        .reduce((sum, each, i) => sum + each * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const color = getComputedStyle(at).backgroundColor;
            if (channels(color)[3] !== 0) {
                return color;
            }
        }
        return 'rgb(255, 255, 255)';
    };
    const texts = [...document.querySelectorAll('body *')].filter((element) =>
        element.checkVisibility() && ([...element.childNodes].some((node) =>
            node.nodeType === Node.TEXT_NODE && node.data.trim() !== '') || element.value));
    return texts.map((element) => {
        const pair = [getComputedStyle(element).color, ground(element)].map(light)
            .sort((a, b) => b - a);
        return {
            text: (element.textContent || element.value).slice(0, 40),
            ratio: (pair[0] + 0.05) / (pair[1] + 0.05),
        };
    }).sort((a, b) => a.ratio - b.ratio);
});
