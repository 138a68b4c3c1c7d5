// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Clock } from '../clock.mjs';

test('alarms ring at their own moments, in order', () => {
    const clock = new Clock();
    const rung = [];
    const late = clock.createAlarm(() => rung.push(['late', clock.nanos]));
    const early = clock.createAlarm(() => rung.push(['early', clock.nanos]));

    late.schedule(300);
    early.schedule(100);
    assert.equal(clock.next, 100);
    clock.tick(200);
    assert.deepEqual(rung, [['early', 100]]);
    clock.tick(200);
    assert.deepEqual(rung, [['early', 100], ['late', 300]]);
    assert.equal(clock.nanos, 400);
    assert.equal(clock.next, Infinity);
});

test('an alarm that is scheduled while it rings rings again', () => {
    const clock = new Clock();
    let count = 0;
    const alarm = clock.createAlarm(() => {
        count++;
        alarm.schedule(10);
    });

    alarm.schedule(10);
    clock.tick(35);
    assert.equal(count, 3);
});

test('a cancelled alarm does not ring, and one that is moved rings once', () => {
    const clock = new Clock();
    let count = 0;
    const alarm = clock.createAlarm(() => count++);

    alarm.schedule(10);
    alarm.cancel();
    clock.tick(20);
    assert.equal(count, 0);
    alarm.schedule(10);
    alarm.schedule(30);
    clock.tick(20);
    assert.equal(count, 0);
    clock.tick(20);
    assert.equal(count, 1);
});
