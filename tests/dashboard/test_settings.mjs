// SPDX-License-Identifier: Apache-2.0
// Settings from the environment: what is wrong is said, and nothing starts; the login file's
// program.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { folder as dashboard, load } from './modules.mjs';

const { settings } = load('lib/environment');
const password = load('lib/password');
const storage = load('lib/storage');

const folder = mkdtempSync(join(tmpdir(), 'medsec-dashboard-'));
const file = (name) => join(folder, name);
let env;

before(async () => {
    writeFileSync(file('cert'), 'a certificate');
    writeFileSync(file('key'), 'its key');
    writeFileSync(file('login'), await password.line('nurse', 'correct horse battery'));
    writeFileSync(file('word'), 'broker password\nmore\n');
    env = { MEDSEC_HTTPS_CERT: file('cert'), MEDSEC_HTTPS_KEY: file('key'),
        MEDSEC_LOGIN_FILE: file('login') };
});
after(() => rmSync(folder, { recursive: true }));

describe('settings', () => {
    test('have defaults that are safe', () => {
        const found = settings(env);
        assert.deepEqual([found.editor, found.broker.url, found.listen, found.sessionHours,
            found.devicesMax],
            [false, 'mqtts://127.0.0.1:8883', { host: '0.0.0.0', port: 1880 }, 12, 1000]);
        assert.deepEqual([...found.users.keys()], ['nurse']);
        assert.equal(found.limits.temperature.alarmFrom, 38);
    });

    test('take what is given', () => {
        const found = settings({ ...env, MEDSEC_LISTEN: '[::1]:0',
            MEDSEC_MQTT_URL: 'mqtts://broker:8884',
            MEDSEC_MQTT_USER: 'dashboard', MEDSEC_MQTT_PASSWORD_FILE: file('word'),
                MEDSEC_MQTT_CA: file('cert'),
            MEDSEC_SESSION_HOURS: '1', MEDSEC_EDITOR: '1', MEDSEC_USER_DIR: folder });
        assert.deepEqual(found.listen, { host: '::1', port: 0 });
        assert.deepEqual(found.broker, { url: 'mqtts://broker:8884', ca: file('cert'),
            user: 'dashboard',
            password: 'broker password' });
        assert.deepEqual([found.editor, found.sessionHours], [true, 1]);
    });

    test('read a certificate again when it is asked for', () => {
        const found = settings(env);
        writeFileSync(file('cert'), 'a renewed one');
        assert.equal(found.tls().cert, 'a renewed one');
    });

    test('that are wrong are named', () => {
        for (const [change, words] of [[{ MEDSEC_HTTPS_CERT: undefined },
            /MEDSEC_HTTPS_CERT is not set/],
            [{ MEDSEC_HTTPS_KEY: file('none') }, /MEDSEC_HTTPS_KEY: .*none: ENOENT/],
                [{ MEDSEC_LOGIN_FILE: '' }, /login\.js add/],
            [{ MEDSEC_LOGIN_FILE: file('cert') }, /line 1 is not NAME/],
                [{ MEDSEC_MQTT_URL: 'http://x' }, /MEDSEC_MQTT_URL/],
            [{ MEDSEC_MQTT_URL: 'mqtts://user:secret@x' }, /MEDSEC_MQTT_URL/],
                [{ MEDSEC_MQTT_CA: file('none') }, /MEDSEC_MQTT_CA/],
            [{ MEDSEC_LISTEN: '1880' }, /ADDRESS:PORT/], [{ MEDSEC_LISTEN: 'a:99999' },
                /0 to 65535/],
            [{ MEDSEC_LIMITS_FILE: file('cert') }, /MEDSEC_LIMITS_FILE/],
                [{ MEDSEC_SESSION_HOURS: '0' }, /1 to 720/],
            [{ MEDSEC_DEVICES_MAX: '-5' }, /1 to 10000/], [{ MEDSEC_EDITOR: '1' },
                /MEDSEC_USER_DIR/]]) {
            assert.throws(() => settings({ ...env, ...change }), words);
        }
    });

    test('that are wrong end Node-RED with words', () => {
        const done = spawnSync(process.execPath,
            [fileURLToPath(new URL('node_modules/node-red/red.js', dashboard)),
            '--settings', fileURLToPath(new URL('settings.js', dashboard))],
                { env: { PATH: process.env.PATH }, encoding: 'utf8' });
        assert.equal(done.status, 3);
        assert.match(done.stderr,
            /^medsec-dashboard: MEDSEC_HTTPS_CERT is not set: a certificate \(PEM\) is needed\n$/);
    });
});

describe('login.js', () => {
    const run = (args, input) => spawnSync(process.execPath, [fileURLToPath(new URL('login.js',
        dashboard)), ...args],
        { input, encoding: 'utf8' });
    const good = async (name, text) => password.verify(password.parse(readFileSync(file('made'),
        'utf8')), name, text);

    test('makes a file of its owner’s, adds users, and changes a password', async () => {
        assert.equal(run(['add', 'nurse', '--login-file', file('made')], 'first password\n').status,
            0);
        const random = run(['add', 'doctor', '--login-file', file('made'),
            '--random']).stdout.trim();
        assert.equal(run(['add', 'nurse', '--login-file', file('made')],
            'second password\n').status, 0);
        assert.equal(statSync(file('made')).mode & 0o777, 0o600);
        assert.deepEqual([await good('nurse', 'second password'), await good('nurse',
            'first password'),
            await good('doctor', random)], [true, false, true]);
        assert.ok(random.length >= 20);
    });

    test('refuses what is too short, no name, and other words', () => {
        assert.equal(run(['add', 'nurse', '--login-file', file('other')], 'short\n').status, 1);
        assert.equal(run(['add', 'a:b', '--login-file', file('other')], 'long enough\n').status, 1);
        for (const args of [[], ['add', 'nurse'], ['del', 'nurse', '--login-file', 'x'],
            ['add', 'nurse', '--login-file', 'x', '--random', 'more']]) {
            assert.equal(run(args, '').status, 2);
        }
    });
});

describe('with the editor', () => {
    test('the flow is kept, and only users of the login file may edit', async () => {
        const previous = process.umask();
        const users = password.parse(readFileSync(file('login'), 'utf8'));
        const make = (flows) => storage.onDisk(folder, {
            flows, credentials: {}, users, sessionHours: 2,
            authenticate: async (from, name, text) => (text === 'right' ? 0 : -1),
        });
        const { adminAuth } = make([1]);
        make([2]);
        process.umask(previous);
        assert.deepEqual(JSON.parse(readFileSync(file('flows.json'), 'utf8')), [1]);
        assert.equal(statSync(file('flows_cred.json')).mode & 0o777, 0o600);
        assert.equal(adminAuth.sessionExpiryTime, 7200);
        assert.equal(await adminAuth.users('gone'), null);
        assert.equal(await adminAuth.authenticate('gone', 'right'), null);
        assert.equal(await adminAuth.authenticate('nurse', 'wrong'), null);
        assert.equal((await adminAuth.authenticate('nurse', 'right')).username, 'nurse');
    });
});

test('health.js is 1 when nobody serves', () => {
    assert.throws(() => execFileSync(process.execPath, [fileURLToPath(new URL('health.js',
        dashboard))],
        { env: { MEDSEC_LISTEN: '127.0.0.1:1' } }), ({ status }) => status === 1);
});
