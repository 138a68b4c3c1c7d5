// SPDX-License-Identifier: Apache-2.0
// The dashboard in Chromium, with fifty devices at 20 readings a second on both wires: what is on
// the page is what the broker had. Usage: node test_browser.mjs BUILD; pictures go to
// BUILD/tests/dashboard/screenshots.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { contrasts } from '../portal/browser.mjs';
import { require } from './modules.mjs';
import { chart, compareAge, countBeats, keepOn } from './observe.mjs';
import { PASSWORD, PATIENCE_MS, Scene, USER, until } from './scene.mjs';

const CHROMIUM = [process.env.MEDSEC_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser']
    .find((path) => path && existsSync(path));
const build = process.argv[2];
const DESKTOP = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
const CONTRAST_MIN = 4.5;
const CPU_MAX = 0.6; // of one processor, for 1000 readings a second and the tabs
const READINGS = 5000; // for which that is measured

for (const [there, what] of [[CHROMIUM, 'no chromium'], [existsSync('/usr/sbin/mosquitto'),
    'no mosquitto']]) {
    if (!there) {
        console.log(`skipped: ${what}`);
        process.exit(77);
    }
}

// A thousand readings a second want their part of the machine, however many others want theirs; what
// is started here inherits it.
try {
    setPriority(-10);
} catch {
    console.log('not root: as slow as the machine is');
}

const scene = new Scene(build, join(build, 'tests/dashboard/browser'));
const pictures = join(build, 'tests/dashboard/screenshots');
let browser;
let page; // on the ward
let ward; // another tab, which ends up there too
const complaints = [];
const foreign = [];

async function tab({ viewport = DESKTOP, colorScheme = 'light', storageState } = {}) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport, colorScheme,
        storageState });
    context.setDefaultTimeout(PATIENCE_MS);
    const opened = await context.newPage();
    opened.on('console', (message) => ['error', 'warning'].includes(message.type()) &&
        complaints.push(message.text()));
    opened.on('pageerror', (error) => complaints.push(String(error)));
    opened.on('request', (request) => {
        if (!request.url().startsWith(scene.url) && !/^(data|blob):/.test(request.url())) {
            foreign.push(request.url());
        }
    });
    return opened;
}

async function logIn(opened, password = PASSWORD) {
    await opened.goto(`${scene.url}/login`);
    await opened.getByLabel('Name').fill(USER);
    await opened.getByLabel('Password').fill(password);
    await opened.getByRole('button', { name: 'Log in' }).click();
    await opened.waitForLoadState();
}

let state; // cookies of one who is logged in
const enter = async (path, options) => {
    const opened = await tab({ ...options, storageState: state });
    await opened.goto(scene.url + path);
    return opened;
};
// Within the page, as a link does: it is not loaded again.
const go = (opened, path) => opened.evaluate((where) => document.querySelector('#app').__vue_app__
    .config.globalProperties.$router.push(where), path);
const leave = (opened) => opened.context().close();
const show = (opened, name, fullPage = false) => opened.screenshot({ path: join(pictures,
    `${name}.png`), fullPage });
const devicePath = (id) => `/dashboard/device?id=${id}`;

const shown = (opened, device, vital) =>
    opened.locator(`[data-device="${device}"][data-vital="${vital}"]`).textContent();
const gauge = (opened, name) =>
    opened.locator(`.medsec-${name} .nrdb-ui-gauge-value span`).textContent();
// All beds of the ward, in the order of the page.
const beds = (opened) => opened.evaluate(() => [...document.querySelectorAll('.medsec-bed')].map(
    (bed) => {
    const text = (vital) => bed.querySelector(`[data-vital=${vital}]`)?.textContent ?? '';
    return {
        id: bed.dataset.device, level: bed.dataset.level, temperature: text('temperature'),
            heart: text('heart'),
        age: text('age'), status: text('status'), why: text('why'),
        reason: text('reason'),
    };
}));
const bed = async (opened, id) => (await beds(opened)).find((each) => each.id === id);

before(async () => {
    mkdirSync(pictures, { recursive: true });
    scene.certificates();
    scene.devices(40, 10);
    await scene.startBroker();
    await scene.startGateway();
    const { chromium } = require('playwright-core');
    [browser] = await Promise.all([
        chromium.launch({
            executablePath: CHROMIUM, timeout: PATIENCE_MS,
            args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking',
                '--disable-component-update',
                '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost'],
        }),
        scene.startDashboard(), scene.subscribe(),
    ]);
});
after(async () => {
    await browser?.close();
    await scene.end();
});

describe('logging in', () => {
    test('a wrong password shows nothing', async () => {
        page = await tab();
        await page.goto(`${scene.url}/dashboard/ward`);
        assert.equal(new URL(page.url()).pathname, '/login');
        await show(page, 'login');
        await logIn(page, 'a wrong password');
        assert.match(await page.getByRole('alert').textContent(), /Wrong name or password/);
        assert.equal(await page.evaluate(() => fetch('/dashboard/_setup').then(({ status }) =>
            status)), 401);
        complaints.length = 0; // of the 401s
    });

    test('the right one shows the ward', async () => {
        await logIn(page);
        assert.equal(new URL(page.url()).pathname, '/dashboard/ward');
        await page.getByText('No device was heard of').waitFor();
        state = await page.context().storageState();
    });
});

describe('the ward', () => {
    test('shows one device by itself, with value and addresses as they were sent', async () => {
        scene.startSim('--devices', '1');
        await until('it is there', async () => (await beds(page)).length === 1);
        scene.move(1, 1, scene.ids[0]);
        await until('its value', async () => (await bed(page, scene.ids[0])).temperature === '37.1');
        assert.equal(scene.values(scene.ids[0]).Temp, 37.1);
        await go(page, devicePath(scene.ids[0]));
        for (const [vital, address, port] of [['serverAddress', 'Internal_Server/Ip_address',
            'Internal_Server/Port_address'],
            ['deviceAddress', 'Ip_address', 'Port_address']]) {
            await until(vital, async () => await shown(page, scene.ids[0], vital) ===
                [address, port].map((topic) =>
                    scene.latest.get(`Pico/${scene.ids[0]}/${topic}`)).join(':'));
        }
        await go(page, '/dashboard/ward');
        scene.processes.get('sim').kill('SIGKILL');
        // Fifty of them without seven more messages for each reading, which the dashboard does not
        // take: half of the machine's work would be theirs.
        await scene.stop('gateway');
        await scene.startGateway('reading');
    });

    test('shows fifty devices of both wires, each with the values that were sent', async () => {
        scene.startSim();
        await until('fifty are there', async () => (await beds(page)).length === 50);
        // 35.1 to 37.6 degrees: each device another number of steps of half a degree.
        const wanted = new Map(scene.ids.map((id, i) => {
            const steps = (i % 6) - 3;
            scene.move(steps < 0 ? 2 : 1, Math.abs(steps), id);
            return [id, (36.6 + steps * 0.5).toFixed(1)];
        }));
        let wrong;
        await until('the page and the broker have them', async () => {
            const rows = await beds(page);
            wrong = rows.filter(({ id, temperature }) => temperature !== wanted.get(id) ||
                scene.values(id)?.Temp.toFixed(1) !== temperature);
            return rows.length === 50 && wrong.length === 0;
        }).catch((error) => { throw new Error(`${error.message}: ${JSON.stringify(wrong)}`); });
    });

    test('says that all is well where it is, in a word', async () => {
        const well = JSON.stringify(['ok', '✓OK', 'now', '']);
        await until('all is well', async () => {
            const { age, level, status, why } = await bed(page, scene.ids[3]);
            return JSON.stringify([level, status, age, why]) === well;
        });
    });

    test('puts a fever first, as an alarm, and takes it back', async () => {
        const steps = Math.ceil((38 - scene.values('bed-0033').Temp) / 0.5);
        scene.move(1, steps, 'bed-0033');
        let first;
        await until('the alarm', async () => {
            [first] = await beds(page);
            return first.id === 'bed-0033' && first.why === 'temperature very high';
        }).catch((error) => { throw new Error(`${error.message}: ${JSON.stringify(first)}`); });
        const { level, status, temperature } = first;
        assert.deepEqual([level, status], ['alarm', '▲ALARM']);
        assert.equal(temperature, scene.values('bed-0033').Temp.toFixed(1));
        assert.match(await page.locator('[aria-live=assertive]').textContent(),
            /bed-0033: temperature very high/);
        assert.match(await page.title(), /1 ALARM/);
        scene.move(2, steps, 'bed-0033');
        await until('no alarm', async () => (await bed(page, 'bed-0033')).level === 'ok');
    });

    test('shows the heart rate that the gateway found, or why there is none', async () => {
        // Each when page and broker agree on it: some rate of fifty is always under way.
        const agreed = new Map();
        await until('rates', async () => {
            (await beds(page)).forEach(({ id, heart, reason }) => {
                const sent = scene.heartRate(id);
                if (sent === 'none' ? heart === '–' && reason !== '' : heart === sent &&
                    reason === '') {
                    agreed.set(id, heart);
                }
            });
            const found = [...agreed.values()].filter((rate) => rate >= 60 && rate <= 85);
            return agreed.size === 50 && found.length >= 40; // simulated: 72, and up to a tenth off
        }).catch(({ message }) => { throw new Error(`${message}: ${JSON.stringify([...agreed])}`); });
    });

    // Two that are not simulated, and silent ten seconds after they are.
    const invent = async () => {
        for (const [id, suffix, text] of [['ward-4-window-right', 'Heart_Rate', '141'], ['poor-1',
            'Heart_Rate/Reason', 'noisy']]) {
            await scene.publish(`Pico/${id}/Reading`, JSON.stringify({ device: id,
                values: { Temp: 36.9 } }));
            await scene.publish(`Pico/${id}/Physiological_Data/${suffix}`, text);
        }
    };

    test('says which heart is too fast, and why one is not known', async () => {
        const wanted = ['ward-4-window-right', 'alarm', '141', 'heart rate very high',
            'signal too unsteady', '–'].join();
        let seen;
        await until('a rate and a reason', async () => {
            await invent();
            const rows = await beds(page);
            const poor = rows.find(({ id }) => id === 'poor-1');
            const [{ id, level, heart, why }] = rows;
            seen = [id, level, heart, why, poor?.reason, poor?.heart].join();
            return seen === wanted;
        }).catch((error) => { throw new Error(`${error.message}: ${seen}`); });
    });

    test('can be read: on a phone, at night, and no name is cut', async (t) => {
        const stop = keepOn(invent);
        t.after(stop);
        for (const [name, viewport] of [['phone', PHONE], ['desktop', DESKTOP]]) {
            for (const colorScheme of ['dark', 'light']) {
                await page.setViewportSize(viewport);
                await page.emulateMedia({ colorScheme });
                await page.waitForFunction((mode) => document.documentElement.dataset.mode === mode,
                    colorScheme);
                await until('what is too long, and what is wrong', async () =>
                    (await beds(page))[0].heart === '141' && (await bed(page, 'poor-1')).reason);
                await show(page, `ward-${name}-${colorScheme}`);
                assert.equal(await page.evaluate(() => document.documentElement.scrollWidth),
                    viewport.width);
                assert.ok(await page.evaluate(() =>
                    [...document.querySelectorAll('.medsec-id, .medsec-badge, b')]
                    .every((each) => each.scrollWidth <= each.clientWidth ||
                        getComputedStyle(each).display === 'inline')));
                const [worst] = await contrasts(page);
                assert.ok(worst.ratio >= CONTRAST_MIN, `${worst.text}: ${worst.ratio}`);
            }
        }
        await stop();
        await scene.publish('Pico/ward-4-window-right/Status', '', { retain: true });
        await scene.publish('Pico/poor-1/Status', '', { retain: true });
        await until('fifty again', async () => (await beds(page)).length === 50);
    });

    test('takes a small part of the processor at a thousand readings a second', async (t) => {
        const session = await page.context().newCDPSession(page);
        await session.send('Performance.enable', { timeDomain: 'threadTicks' });
        const busy = async () => (await session.send('Performance.getMetrics')).metrics
            .find(({ name }) => name === 'TaskDuration').value;
        const mark = async () => ({ at: performance.now(), cpu: scene.cpu('dashboard'),
            tab: await busy(), readings: scene.readings });
        const begin = await mark();
        await until('readings', () => scene.readings - begin.readings > READINGS);
        const end = await mark();
        const s = (end.at - begin.at) / 1000;
        const rate = (end.readings - begin.readings) / s;
        const node = (end.cpu - begin.cpu) / s * (1000 / rate);
        const inTab = (end.tab - begin.tab) / s;
        t.diagnostic(`${Math.round(rate)} readings/s; of one processor: ` +
            `server ${Math.round(node * 100)} % for 1000, tab ${Math.round(inTab * 100)} %`);
        assert.ok(node < CPU_MAX && inTab < CPU_MAX);
    });
});

describe('a device', () => {
    let one;
    let other;

    test('has its values and chart as they were sent', async () => {
        scene.move(7, 4, 'bed-0005'); // x + 0.4 g
        scene.move(10, 2, 'bed-0005'); // y - 0.2 g
        scene.move(3, 5, 'bed-0005'); // MCU + 2.5 degrees
        await page.locator('[data-device="bed-0005"] a').click();
        await page.locator('h2', { hasText: 'bed-0005' }).waitFor();
        assert.equal(new URL(page.url()).search, '?id=bed-0005');
        let seen;
        await until('the gauges have what the broker has', async () => {
            const { Temp, TempMcu, TempMpu, Acel_x, Acel_y, Acel_z } = scene.values('bed-0005');
            seen = await Promise.all(['temperature', 'mcu', 'mpu', 'x', 'y', 'z'].map((name) =>
                gauge(page, name)));
            return TempMcu > 26 && [Temp, TempMcu, TempMpu, Acel_x, Acel_y, Acel_z]
                .every((value, i) => Number(seen[i]) === value);
        }).catch((error) => { throw new Error(`${error.message}: ${seen}`); });
        assert.deepEqual(seen.slice(3, 5), ['0.4', '-0.2']);
        await until('the sliders too', async () =>
            String(await page.locator('.medsec-slider [role=slider]')
            .evaluateAll((all) => all.map((each) =>
                Number(each.getAttribute('aria-valuenow'))))) === '0.4,-0.2,0');
        const points = await until('the chart has five seconds, and is of now', async () => {
            const found = await chart(page);
            return found.length >= 100 && Math.abs(found.at(-1).x - Date.now()) < 10000 && found;
        });
        assert.ok(points.every(({ x }, i) => i === 0 || x > points[i - 1].x));
        await show(page, 'device-desktop-light', true);
    });

    test('is another one for another viewer, and neither sees the other’s', async () => {
        one = await enter(devicePath('bed-0001'), { viewport: PHONE });
        other = await enter(devicePath('seed-0004'), { colorScheme: 'dark' });
        scene.move(7, 3, 'bed-0001');
        scene.move(8, 6, 'seed-0004');
        await until('each has its own', async () => await gauge(one, 'x') === '0.3' &&
            await gauge(other, 'x') === '-0.6');
        for (let i = 0; i < 10; i++) {
            assert.deepEqual([await gauge(one, 'x'), await gauge(other, 'x'), await gauge(page,
                'x')], ['0.3', '-0.6', '0.4']);
            assert.deepEqual(await Promise.all([one, other].map((each) =>
                each.locator('h2').textContent())),
                ['bed-0001', 'seed-0004']);
        }
        for (const [opened, id] of [[one, 'bed-0001'], [other, 'seed-0004']]) {
            await until('its temperature', async () =>
                await shown(opened, id, 'temperature') === scene.values(id).Temp.toFixed(2));
        }
        await until('charts', async () => (await chart(one)).length > 40 &&
            (await chart(other)).length > 40);
        assert.notDeepEqual((await chart(one)).map(({ y }) => y), (await chart(other)).map((
            { y }) => y));
        await show(one, 'device-phone-light', true);
        await show(other, 'device-desktop-dark', true);
        for (const opened of [page, other]) {
            const [worst] = await contrasts(opened);
            assert.ok(worst.ratio >= CONTRAST_MIN, `${worst.text}: ${worst.ratio}`);
        }
    });

    test('fits a phone', async () => {
        assert.equal(await one.evaluate(() => document.documentElement.scrollWidth), PHONE.width);
        await leave(one);
        await leave(other);
    });
});

describe('hostile input', () => {
    const HTML = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>{{constructor.constructor("window.hit=1")()}}';

    test('through any topic and payload changes nothing but its own line', async () => {
        ward = await enter('/dashboard/ward', { colorScheme: 'dark' });
        await until('fifty', async () => (await beds(ward)).length === 50);
        const values = { Temp: 36.6 };
        for (const [topic, payload] of [
            [`Pico/${encodeURIComponent(HTML).slice(0, 60)}/Status`, '{"status":"online"}'],
            ['Pico/<img src=x onerror=alert(1)>/Status', '{"status":"online"}'],
            ['Pico/__proto__/Reading', JSON.stringify({ device: '__proto__', values })],
            ['Pico/evil-1/Status', JSON.stringify({ status: 'online', reason: HTML,
                wire: HTML.slice(0, 15), time: HTML })],
            ['Pico/evil-1/Profile', JSON.stringify({ vitals: [
                { key: 'Temp', topic: 'Physiological_Data/Temperature', unit: '<i>C</i>',
                    decimals: 1 },
                { key: 'b', topic: 'X/<img src=x onerror="window.hit=1">{{7*7}}', unit: '{{1}}<u>',
                    decimals: 1 }] })],
            ['Pico/evil-1/Reading', JSON.stringify({ device: 'evil-1', values: { Temp: 36.6, b: 1 },
                suspect: [HTML] })],
            ['Pico/evil-1/Ip_address', HTML], ['Pico/evil-1/Physiological_Data/Heart_Rate/Reason',
                HTML],
            ['Pico/evil-1/Reading', '{"device":"evil-1","values":{"__proto__":{"polluted":1}}}'],
            ['Pico/bed-0001/Reading', `{"device":"bed-0001","values":${'['.repeat(50000)}`],
            ['Pico/bed-0001/Reading', Buffer.alloc(300000, 0x7b)], ['Pico/bed-0001/Reading',
                Buffer.from([0xff, 0, 0xfe])],
            ['Pico/bed-0001/Readings', '{"device":"bed-0001","readings":{"length":1e9}}'],
        ]) {
            await scene.publish(topic, payload);
        }
        await until('what is allowed of it', async () => (await bed(ward,
            'evil-1'))?.temperature === '36.6');
        const rows = await beds(ward);
        assert.deepEqual(rows.map(({ id }) => id).filter((id) => !scene.ids.includes(id)).sort(),
            ['__proto__', 'evil-1']);
        await go(ward, devicePath('evil-1'));
        await ward.getByText('{{7*7}}', { exact: false }).waitFor(); // as text
        for (const opened of [ward, page]) {
            assert.deepEqual(await opened.evaluate(() => [window.hit, {}.polluted,
                document.querySelectorAll('img[src=x], .medsec-page script, .medsec-page u, .medsec-page i').length]),
            [undefined, undefined, 0]);
        }
        for (const path of [devicePath(encodeURIComponent(HTML)), '/dashboard/device',
            '/dashboard/device?id=a&id=b']) {
            await go(ward, path);
            await ward.getByText('No such device.').waitFor();
            assert.equal(await ward.evaluate(() => window.hit), undefined);
        }
        assert.equal(await scene.health(), 200);
        for (const id of ['evil-1', '__proto__']) {
            await scene.publish(`Pico/${id}/Status`, '', { retain: true });
        }
    });

    test('of a viewer who is logged in reaches no other viewer', async () => {
        await go(ward, devicePath('bed-0001'));
        await ward.locator('h2').waitFor();
        const before_ = await gauge(page, 'x');
        await ward.evaluate(() => {
            const { $socket } = document.querySelector('#app').__vue_app__._context.provides;
            const forged = {
                topic: 'Pico/bed-0005/Reading', payload: new TextEncoder().encode(JSON.stringify({
                    device: 'bed-0005', values: { Temp: 41, Acel_x: 0.99 } })),
                status: { fill: 'red' }, _client: { socketId: 'x' },
            };
            for (const id of ['x', 'slider-x', 'temperature', 'chart', 'header', 'ward', 'in-0',
                'ingest', 'link',
                'broker-state', 'frames', 'watch', 'nothing', '__proto__', 7, null, {}]) {
                for (const event of ['widget-change', 'widget-send', 'widget-action',
                    'widget-load']) {
                    for (const message of [{ payload: 0.99 }, forged, null, []]) {
                        $socket.emit(event, id, message);
                    }
                }
            }
        });
        const marker = Math.random().toString(36).slice(2);
        await scene.publish(`Pico/${marker}/Status`, '{"status":"online"}');
        await go(ward, '/dashboard/ward'); // after all of that
        await until('the ward', async () => bed(ward, marker));
        assert.notEqual((await bed(ward, 'bed-0005')).temperature, '41.0');
        await scene.publish(`Pico/${marker}/Status`, '', { retain: true });
        await until('the server is there', async () => (await scene.health()) === 200);
        for (let i = 0; i < 5; i++) {
            assert.equal(await gauge(page, 'x'), before_);
        }
        await until('it is served', async () => await shown(page, 'bed-0005', 'age') === 'now');
    });
});

describe('when something is wrong', () => {
    test('a device that is revoked leaves', async () => {
        await until('it is there', async () => bed(ward, 'bed-0040'));
        scene.keygen('revoke', 'bed-0040');
        await until('it is gone', async () => (await bed(ward, 'bed-0040')) === undefined);
    });

    test('a tab says so when its server hangs, and is well again after', async () => {
        const server = scene.processes.get('dashboard');
        await Promise.all([ward, page].map(countBeats));
        server.kill('SIGSTOP');
        try {
            for (const opened of [ward, page]) {
                await opened.getByText('No connection to the server').waitFor();
                const beats = await opened.evaluate(() => window.beats);
                assert.ok(beats <= 5, `${beats} beats`);
            }
            await show(ward, 'ward-lost');
        } finally {
            server.kill('SIGCONT');
        }
        for (const opened of [ward, page]) {
            await opened.locator('[data-medsec=banner]').waitFor({ state: 'detached' });
        }
    });

    test('devices that send nothing have no data after ten seconds, on every page', async () => {
        const isSilent = async () => (await shown(page, 'bed-0005', 'status')).includes('NO DATA');
        const silentFor = () => performance.now() - heardAt;
        let heardAt;
        await scene.stop('sim');
        await compareAge(page, 'bed-0005');
        await until('a last reading is there', async () => {
            heardAt = performance.now();
            await scene.publish('Pico/bed-0005/Reading',
                '{"device":"bed-0005","values":{"Temp":36}}');
            return !await isSilent();
        });
        await until('no data', isSilent);
        assert.ok(silentFor() > 10000, `${silentFor()} ms`);
        await until('its age is the true one', async () => {
            const s = silentFor() / 1000;
            return parseInt(await shown(page, 'bed-0005', 'age'), 10) >= s - 2;
        });
        assert.deepEqual(await page.evaluate(() => window.wrong), []);
        await until('all of the ward', async () => (await beds(ward)).every(({ heart, level }) =>
            level === 'silent' && heart === '–'));
        assert.match((await beds(ward))[0].why, /not connected \(closed\)|sends nothing/);
        assert.equal(await page.evaluate(() => document.documentElement.hasAttribute('data-old')),
            true);
        await show(ward, 'ward-no-data');
    });

    test('the broker is away', async () => {
        await scene.stop('broker');
        await ward.getByText('no connection to the gateway’s broker').waitFor();
        await until('the health check says so', async () => (await scene.health()) === 503);
        await scene.startBroker();
        await ward.locator('[data-medsec=banner]').waitFor({ state: 'detached' });
    });

    test('until now nothing came from elsewhere, and no browser complained', () => {
        assert.deepEqual(foreign, []);
        // A tab that is left while its socket opens says so.
        assert.deepEqual(complaints.filter((text) => !/^WebSocket .* is closed before/.test(text)),
            []);
    });

    test('who logs out is out, in every tab', async () => {
        await ward.getByRole('button', { name: 'Log out' }).click();
        await ward.getByLabel('Password').waitFor();
        await page.getByLabel('Password').waitFor();
        const again = await enter('/dashboard/ward');
        assert.equal(new URL(again.url()).pathname, '/login');
        await leave(again);
    });
});
