// SPDX-License-Identifier: Apache-2.0
// What a page says of a row, and that the flow is whole.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { LIMITS, load } from './modules.mjs';

const words = load('flows/words');
const { credentials, flows } = load('flows/flows');
const { check, judge } = load('lib/limits');

const row = (more = {}) => ({
    id: 'a', online: true, reason: '', level: 'ok', findings: [], heart: { value: 72.4, state: '' },
        ...more,
});
const FEVER = { level: 'alarm', findings: [{ level: 'alarm', vital: 'temperature',
    word: 'very high' }] };

describe('a row', () => {
    test('is old after ten seconds, off after an hour when it is not connected', () => {
        for (const [online, age, wanted] of [[true, 10000, 'ok'], [true, 10001, 'silent'], [false,
            10001, 'silent'],
            [true, 3600001, 'silent'], [false, 3600001, 'off'], [false, null, 'off'], [null, null,
                'off'],
            [true, null, 'silent']]) {
            assert.equal(words.levelOf(row({ online }), age), wanted, `${online} ${age}`);
        }
        assert.equal(words.levelOf(row(FEVER), 500), 'alarm');
    });

    test('has a symbol and a word for each level, all of them different', () => {
        const names = ['alarm', 'silent', 'warning', 'ok', 'off'].map((level) => words.name(level));
        assert.equal(new Set(names.map(([symbol]) => symbol)).size, 5);
        assert.equal(new Set(names.map(([, word]) => word)).size, 5);
    });

    test('says why', () => {
        assert.equal(words.why(row(FEVER), 'alarm'), 'temperature very high');
        assert.equal(words.why(row(FEVER), 'silent'),
            'last was temperature very high; connected, but sends nothing');
        assert.equal(words.why(row({ online: false, reason: 'closed' }), 'silent'),
            'not connected (closed)');
        assert.equal(words.why(row(), 'ok'), '');
    });

    test('says why there is no heart rate', () => {
        const poor = (reason, state = 'poor') => row({ heart: { value: null, state, reason } });
        assert.equal(words.poorOf(poor('noisy'), 'ok'), 'signal too unsteady');
        assert.equal(words.poorOf(poor('constructor'), 'ok'), 'constructor');
        assert.equal(words.poorOf(poor('noisy'), 'silent'), '');
        assert.equal(words.poorOf(poor(undefined, 'none'), 'ok'), '');
        assert.equal(words.poorOf(row(), 'ok'), '');
    });

    test('has no heart rate when it is old', () => {
        assert.equal(words.heartOf(row(), 'ok'), '72');
        assert.equal(words.heartOf(row(), 'silent'), '–');
        assert.equal(words.heartOf(row({ heart: { value: null, state: 'none' } }), 'ok'), '–');
    });

    test('says how long ago', () => {
        assert.deepEqual([null, 1999, 2000, 119000, 120000, 7199000, 7200000].map((age) =>
            words.ago(age)),
            ['not yet', 'now', '2 s ago', '119 s ago', '2 min ago', '119 min ago', '2 h ago']);
    });
});

describe('the flow', () => {
    const nodes = flows(LIMITS);

    test('has its words in its pages', () => {
        const pages = nodes.filter(({ id }) => ['ward', 'header', 'frame'].includes(id));
        assert.equal(pages.length, 3);
        assert.ok(pages.every(({ format }) => format.includes('levelOf(row, age)') &&
            !format.includes('words.js')));
    });

    test('shows everything as text', () => {
        assert.deepEqual(nodes.filter(({ format }) => /v-html|innerHTML|outerHTML/.test(format)), []);
    });

    test('has no wire that leads nowhere, and each id once', () => {
        const ids = new Set(nodes.map(({ id }) => id));
        assert.equal(ids.size, nodes.length);
        assert.deepEqual(nodes.flatMap(({ wires }) => (wires ?? []).flat()).filter((id) =>
            !ids.has(id)), []);
    });

    test('holds no password, and checks the broker’s certificate', () => {
        assert.ok(Object.values(credentials['config-broker']).every((value) =>
            /^\$\{MEDSEC_\w+\}$/.test(value)));
        assert.equal(nodes.find(({ type }) => type === 'tls-config').verifyservercert, true);
    });

    test('has the gauge of the patient by the limits', () => {
        const gauge = nodes.find(({ id }) => id === 'temperature');
        assert.deepEqual(gauge.segments.map(({ from }) => from), ['30', '35', '36', '37.5', '38']);
    });
});

describe('limits', () => {
    test('that are not there tell nothing', () => {
        const none = { alarmBelow: null, warnBelow: null, warnFrom: null, alarmFrom: null };
        assert.deepEqual([-5, 0, 500].map((value) => judge(none, value)), [null, null, null]);
    });

    test('that are not limits are refused with words', () => {
        const change = (change_) => ({ ...LIMITS, temperature: { ...LIMITS.temperature,
            ...change_ } });
        assert.equal(check(LIMITS), LIMITS);
        check(change({ alarmBelow: null }));
        for (const bad of [{ unit: 'K' }, { alarmFrom: 37 }, { warnFrom: '37' },
            { warnBelow: undefined }]) {
            assert.throws(() => check(change(bad)), /temperature/);
        }
        assert.throws(() => check({ temperature: LIMITS.temperature }), /heartRate/);
    });
});
