// SPDX-License-Identifier: Apache-2.0
// Times on a chart: even, on this clock, never back.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './modules.mjs';

const { Timeline } = load('lib/timeline');

// `[[time, wall], ...]`; times of the device begin at 0, those of the wall at 100 000.
const place = (pairs, interval = 50) => {
    const line = new Timeline();
    return pairs.map(([time, wall]) => line.place(time, wall + 100000, interval))
        .map(({ x, anew }) => [Math.round(x) - 100000, anew]);
};
const at = (pairs, interval) => place(pairs, interval).map(([x]) => x);

test('what was delayed stands where it was measured', () => {
    assert.deepEqual(at([[0, 10], [50, 60], [100, 1500], [150, 1500], [200, 210]]), [10, 60, 110,
        160, 210]);
});

test('what came quicker than those before does not go back', () => {
    const xs = at([[0, 900], [50, 950], [100, 110], [150, 160], [200, 210], [250, 260]]);
    assert.ok(xs.every((x, i) => i === 0 || x > xs[i - 1]), String(xs));
    assert.ok(xs.at(-1) < 1150);
    assert.ok(xs.every((x, i) => i === 0 || x - xs[i - 1] >= 20), String(xs)); // and does not bunch
});

test('the quickest is the truth in the end', () => {
    const pairs = Array.from({ length: 200 }, (_, i) => [i * 50, i * 50 + (i === 0 ? 900 : 10)]);
    assert.equal(at(pairs).at(-1), 199 * 50 + 10);
});

test('a clock that is set, on or back, begins anew, and once', () => {
    for (const by of [-90000, 3000]) {
        const found = place([[0, 0], [50, 50], [100 + by, 100], [150 + by, 150]]);
        assert.deepEqual(found, [[0, false], [50, false], [100, true], [150, false]], String(by));
    }
});

test('a backlog of a minute does not', () => {
    assert.deepEqual(place([[0, 0], [50, 50], [100, 59000], [59000, 59000]]),
        [[0, false], [50, false], [100, false], [59000, false]]);
});

test('two at one time stand beside each other', () => {
    assert.deepEqual(at([[0, 0], [0, 0], [0, 0], [50, 50]]), [0, 1, 2, 50]);
});

test('without times, a pause is a pause', () => {
    const xs = at([[null, 0], [null, 50], [null, 5000], [null, 5050]]);
    assert.deepEqual(xs, [0, 50, 5000, 5050]);
});

test('without times, another rate than the usual one is followed', () => {
    const xs = at(Array.from({ length: 100 }, (_, i) => [null, i * 200]), 50);
    assert.ok(Math.abs(xs.at(-1) - 99 * 200) < 2000 && Math.abs(xs.at(-1) - xs.at(-2) - 200) < 60,
        String(xs.slice(-3)));
});

test('without times, this clock set back begins anew', () => {
    const found = place([[null, 10000], [null, 10050], [null, 0], [null, 50]]);
    assert.deepEqual(found.map(([x, anew]) => [x, anew]), [[10000, false], [10050, false], [0,
        true], [50, false]]);
});
