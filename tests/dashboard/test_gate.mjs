// SPDX-License-Identifier: Apache-2.0
// The login: passwords, guessing, sessions, and what is answered to whom.

import assert from 'node:assert/strict';
import { pbkdf2Sync } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';

import { Clock, load } from './modules.mjs';
import { until } from './scene.mjs';

const { gate } = load('lib/gate');
const password = load('lib/password');
const { Sessions } = load('lib/sessions');
const { Throttle } = load('lib/throttle');

const PASSWORD = 'correct horse battery';
const HOUR = 3600000;

describe('the login file', () => {
    const salt = '00112233aabbccdd';
    const pbkdf2 = (iterations) => ['nurse', 'pbkdf2-sha256', iterations, salt,
        pbkdf2Sync(PASSWORD, Buffer.from(salt, 'hex'), iterations, 32,
            'sha256').toString('hex')].join(':');

    test('of either kind takes the password, and no other', async () => {
        for (const line of [await password.line('nurse', PASSWORD), pbkdf2(100000)]) {
            const users = password.parse(`# comment\n\n${line}\n`);
            assert.equal(await password.verify(users, 'nurse', PASSWORD), true);
            for (const [name, text] of [['nurse', `${PASSWORD}x`], ['nurse', ''], ['other',
                PASSWORD], ['', ''],
                ['__proto__', PASSWORD]]) {
                assert.equal(await password.verify(users, name, text), false);
            }
        }
    });

    test('has another line for the same password each time', async () => {
        assert.notEqual(await password.line('nurse', PASSWORD), await password.line('nurse',
            PASSWORD));
    });

    test('that is weak or broken is refused, and not quoted', async () => {
        const good = await password.line('nurse', PASSWORD);
        const key = 'ab'.repeat(32);
        for (const bad of ['', '# only words', 'nurse:secret', pbkdf2(1000), good.replace(':32768:',
            ':1024:'),
            good.replace(':32768:', ':32769:'), good.slice(0, -2), `${good}00`,
                good.replace('nurse', 'a b'),
            `nurse:md5:${salt}:${key}`, `nurse:pbkdf2-sha256:100000:00:${key}`,
                `nurse:pbkdf2-sha256:1e6:${salt}:${key}`,
            `nurse:scrypt:32768:8:${salt}:${key}`]) {
            assert.throws(() => password.parse(bad), (error) => !/secret|ab/.test(error.message),
                bad);
        }
        await assert.rejects(password.line('a:b', PASSWORD), /letters/);
    });
});

describe('guessing', () => {
    let clock;
    let throttle;

    beforeEach(() => {
        clock = new Clock();
        throttle = new Throttle(clock.now);
    });

    const guess = (address, good = false) => {
        const wait = throttle.begin(address);
        if (wait === 0) {
            throttle.end(address, good);
        }
        return wait;
    };

    test('has to wait, longer and longer, a minute at the most', () => {
        assert.deepEqual([1, 2, 3, 4, 5].map(() => guess('192.0.2.1')), [0, 0, 0, 0, 0]);
        const waits = [];
        for (let i = 0; i < 8; i++) {
            const wait = guess('192.0.2.1');
            waits.push(wait);
            clock.pass(wait - 1);
            assert.ok(guess('192.0.2.1') > 0);
            clock.pass(1);
            guess('192.0.2.1');
        }
        assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]);
    });

    test('of one does not keep others out, and is forgotten, but not for a right one', () => {
        for (let i = 0; i < 4; i++) {
            guess('192.0.2.1');
        }
        assert.equal(guess('192.0.2.1', true), 0);
        assert.equal(guess('192.0.2.1'), 0);
        assert.equal(guess('192.0.2.1'), 1000);
        assert.equal(guess('192.0.2.2'), 0);
        clock.pass(HOUR / 4);
        assert.deepEqual([1, 2, 3, 4, 5].map(() => guess('192.0.2.1')), [0, 0, 0, 0, 0]);
    });

    test('from many addresses of one network counts together', () => {
        for (let i = 0; i < 5; i++) {
            guess(`2001:db8:1:2::${i}`);
        }
        assert.ok(guess('2001:db8:1:2:ffff::1') > 0);
        assert.equal(guess('2001:db8:1:3::1'), 0);
        guess('::ffff:192.0.2.9');
        assert.ok(throttle.wrong.has('192.0.2.9'));
    });

    test('takes bounded memory and time', () => {
        for (let i = 0; i < 12000; i++) {
            guess(`10.0.${i >> 8}.${i & 255}`);
        }
        assert.equal(throttle.wrong.size, 10000);
        for (let i = 0; i < 4; i++) {
            assert.equal(throttle.begin(`192.0.2.${i}`), 0);
        }
        assert.ok(throttle.begin('192.0.2.5') > 0);
    });
});

describe('a session', () => {
    test('ends when its time is over, with its sockets', () => {
        const clock = new Clock();
        const sessions = new Sessions(HOUR, clock.now);
        const token = sessions.open('nurse');
        const gone = [];
        sessions.find(token).sockets.add({ disconnect: (close) => gone.push(close) });
        clock.pass(HOUR - 1);
        assert.equal(sessions.find(token).user, 'nurse');
        clock.pass(1);
        assert.equal(sessions.find(token), null);
        assert.deepEqual(gone, [true]);
    });

    test('is found by its token only, which is not kept', () => {
        const sessions = new Sessions(HOUR);
        const token = sessions.open('nurse');
        for (const other of [undefined, null, '', token.slice(1), `${token}a`, token.toUpperCase(),
            '__proto__', ['x']]) {
            assert.equal(sessions.find(other), null);
        }
        assert.ok(!JSON.stringify([...sessions.sessions]).includes(token));
    });

    test('of one who has too many ends, and no other’s', () => {
        const sessions = new Sessions(HOUR);
        const other = sessions.open('doctor');
        const first = sessions.open('nurse');
        for (let i = 0; i < 100; i++) {
            sessions.open('nurse');
        }
        assert.equal(sessions.find(first), null);
        assert.equal(sessions.find(other).user, 'doctor');
        assert.equal(sessions.sessions.size, 101);
    });

    test('more than a thousand are not kept', () => {
        const sessions = new Sessions(HOUR);
        for (let i = 0; i < 1100; i++) {
            sessions.open(`nurse-${i}`);
        }
        assert.equal(sessions.sessions.size, 1000);
    });
});

describe('a request', () => {
    const clock = new Clock();
    let server;
    let state;
    let handlers;
    let healthy = true;

    before(async () => {
        const users = password.parse(await password.line('nurse', PASSWORD));
        state = {
            users, sessions: new Sessions(HOUR, clock.now), throttle: new Throttle(clock.now),
                log: () => {},
            isHealthy: () => healthy, onlyLooking: true,
        };
        handlers = gate(state);
        server = http.createServer((req, res) => {
            const [headers, pages] = handlers.pages;
            headers(req, res, () => pages(req, res, () => res.end('the ward')));
        }).listen(0, '127.0.0.1');
        await once(server, 'listening');
    });
    after(() => server.close());
    beforeEach(() => {
        state.throttle.wrong.clear();
        state.sessions.sessions.clear();
    });

    const ask = (path, { method = 'GET', headers = {}, body } = {}) => new Promise((resolve,
        reject) => {
        const { port } = server.address();
        const req = http.request({
            host: '127.0.0.1', port, path, method, headers,
            agent: false, // or a connection that was idle may end as it is used again
        }, (res) => {
            let text = '';
            res.on('data', (more) => { text += more; });
            res.on('end', () => resolve({ code: res.statusCode, headers: res.headers, text }));
        });
        req.on('error', reject);
        req.end(body);
    });
    const origin = () => `https://127.0.0.1:${server.address().port}`;
    const logIn = (user = 'nurse', text = PASSWORD, from = origin()) => ask('/login', {
        method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...(from &&
            { Origin: from }) },
        body: new URLSearchParams({ user, password: text }).toString(),
    });
    const cookieOf = (answer) => answer.headers['set-cookie'][0].split(';')[0];

    test('without a login gets nothing, on any path', async () => {
        for (const path of ['/', '/dashboard', '/dashboard/ward', '/dashboard/_setup',
            '/dashboard/assets/x.js',
            '/dashboard/manifest.webmanifest', '/dashboard/_debug/datastore/x', '/login/', '/LOGIN',
                '//login', '/healthz/',
            '/editor', '/flows', '/x?/login']) {
            assert.equal((await ask(path)).code, 401, path);
            const page = await ask(path, { headers: { Accept: 'text/html' } });
            assert.deepEqual([page.code, page.headers.location], [303, '/login'], path);
        }
        assert.equal((await ask('/dashboard', { method: 'POST',
            headers: { Accept: 'text/html' } })).code, 401);
    });

    test('has the headers, and none that says what serves', async () => {
        for (const path of ['/', '/login', '/healthz']) {
            const { headers } = await ask(path);
            assert.match(headers['content-security-policy'],
                /default-src 'none'.*frame-ancestors 'none'/);
            assert.doesNotMatch(headers['content-security-policy'],
                /http|\*|script-src[^;]*'unsafe-inline'/);
            assert.equal(headers['x-content-type-options'], 'nosniff');
            assert.equal(headers['x-frame-options'], 'DENY');
            assert.equal(headers['x-powered-by'], undefined);
        }
    });

    test('that logs in gets a cookie for this server alone', async () => {
        const answer = await logIn();
        assert.deepEqual([answer.code, answer.headers.location], [303, '/dashboard/ward']);
        const [cookie] = answer.headers['set-cookie'];
        for (const word of ['__Host-', 'Path=/', 'Secure', 'HttpOnly', 'SameSite=Strict']) {
            assert.ok(cookie.includes(word), word);
        }
        const page = await ask('/dashboard/ward',
            { headers: { Cookie: `a=b; ${cookieOf(answer)}` } });
        assert.deepEqual([page.code, page.text], [200, 'the ward']);
        const root = await ask('/', { headers: { Cookie: cookieOf(answer) } });
        assert.equal(root.headers.location, '/dashboard/ward');
    });

    test('with a wrong login gets the same answer, whatever is wrong', async () => {
        const answers = [await logIn('nurse', 'wrong'), await logIn('nobody', PASSWORD)];
        for (const { code, headers, text } of answers) {
            assert.equal(code, 401);
            assert.equal(headers['set-cookie'], undefined);
            assert.match(text, /Wrong name or password/);
        }
        assert.equal(answers[0].text, answers[1].text);
    });

    test('that guesses has to wait, even with the right password', async () => {
        for (let i = 0; i < 5; i++) {
            assert.equal((await logIn('nurse', `wrong${i}`)).code, 401);
        }
        const answer = await logIn();
        assert.deepEqual([answer.code, answer.headers['retry-after']], [429, '1']);
        clock.pass(1000);
        assert.equal((await logIn()).code, 303);
    });

    test('from another site does not log in, out, or open a socket', async () => {
        for (const from of ['https://evil.example', 'null', 'http://127.0.0.1']) {
            assert.equal((await logIn('nurse', PASSWORD, from)).code, 401, from);
        }
        assert.equal((await logIn('nurse', PASSWORD, null)).code, 303); // no browser
    });

    test('that logs out is out, with its sockets', async () => {
        const cookie = cookieOf(await logIn());
        const socket = open({ cookie });
        assert.equal(socket.error, undefined);
        const evil = { Cookie: cookie, Origin: 'https://evil.example' };
        await ask('/logout', { method: 'POST', headers: evil });
        assert.equal(socket.cut, false);
        const answer = await ask('/logout', { method: 'POST', headers: { Cookie: cookie,
            Origin: origin() } });
        assert.deepEqual([answer.code, answer.headers.location], [303, '/login']);
        assert.equal(socket.cut, true);
        assert.equal((await ask('/dashboard', { headers: { Cookie: cookie } })).code, 401);
        assert.equal((await ask('/logout', { headers: { Cookie: cookie } })).code,
            401); // by GET nothing happens
    });

    test('that is too long is cut off', async () => {
        const long = ask('/login', { method: 'POST', body: `user=${'x'.repeat(5000)}` });
        await assert.rejects(long);
        assert.equal((await logIn()).code, 303);
    });

    test('of the health check says only that', async () => {
        assert.deepEqual([(await ask('/healthz')).code, (await ask('/healthz')).text], [200,
            'ok\n']);
        healthy = false;
        assert.deepEqual([(await ask('/healthz')).code, (await ask('/healthz')).text], [503,
            'the broker is away\n']);
        healthy = true;
    });

    const engine = { opts: {} };
    function open(headers) {
        const found = { cut: false, closed: false };
        const io = {
            server: { engine },
            client: { request: { headers } }, conn: { on: () => {},
                close: () => { found.closed = true; } },
            disconnect: () => { found.cut = true; }, use: (each) => { found.sends = (...packet) => {
                let passed = false;
                each(packet, () => { passed = true; });
                return passed;
            }; },
        };
        handlers.socket(io, (error) => { found.error = error?.message; });
        return found;
    }

    test('of a tab is heard when it says what it looks at, and not too often', async () => {
        const { sends } = open({ cookie: cookieOf(await logIn()) });
        assert.equal(sends('widget-load', 'chart'), true);
        assert.equal(sends('widget-send', 'frame', { payload: {} }), true);
        for (const packet of [['widget-change', 'chart', null], ['widget-change', 'slider-x', 1],
            ['widget-load', {}],
            ['widget-action', 'frame', {}], ['widget-send', 'ward', {}], ['widget-send', 'frame',
                null],
            ['widget-send', 'frame', []], ['widget-send', 'frame', 'x'], ['ui-control', 'x'],
                ['ui-event', 'all', {}], []]) {
            assert.equal(sends(...packet), false, JSON.stringify(packet));
        }
        const passed = Array.from({ length: 400 }, () => sends('widget-load', 'chart'));
        assert.ok(passed[0] && !passed.at(-1));
    });

    test('for a socket is one of twenty', async () => {
        const cookie = cookieOf(await logIn());
        const all = Array.from({ length: 21 }, () => open({ cookie }).error);
        assert.deepEqual([all.filter((error) => !error).length, all.at(-1)], [20, 'not logged in']);
    });

    test('for a socket needs the cookie, from here', async () => {
        const cookie = cookieOf(await logIn());
        const host = 'ward.example';
        const refused = [];
        assert.equal(open({ cookie, host, origin: `https://${host}` }).error, undefined);
        assert.equal(open({ cookie, host }).error, undefined);
        for (const headers of [{}, { cookie: '__Host-medsec=' }, { cookie: 'x' },
            { cookie: cookie.slice(0, -1) },
            { cookie, host, origin: 'https://evil.example' }, { cookie, host, origin: 'null' }]) {
            const found = open(headers);
            assert.equal(found.error, 'not logged in');
            refused.push(found);
        }
        for (const [headers, wanted] of [[{ cookie, host }, true], [{ cookie: 'x', host }, false],
            [{ host }, false]]) {
            engine.opts.allowRequest({ headers }, (error, allowed) => assert.equal(allowed,
                wanted));
        }
        await until('their ends', () => refused.every(({ closed }) => closed));
    });
});
