// SPDX-License-Identifier: Apache-2.0
// Each tab is sent what it looks at, and nothing else.

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';

import { Clock, LIMITS, load } from './modules.mjs';

const { Viewers } = load('lib/viewers');
const { Ward } = load('lib/ward');

let clock;
let ward;
let viewers;

beforeEach(() => {
    clock = new Clock();
    ward = new Ward({ limits: LIMITS, now: clock.now, wall: clock.wall });
    viewers = new Viewers(ward, clock.now);
});

let seq = 0;
const read = (device, values) => ward.ingest(`Pico/${device}/Reading`, Buffer.from(JSON.stringify({
    device, boot: 1, seq: seq++, time: clock.text(), values,
})));
const look = (socket, page, device, dark) => viewers.watch(socket, { page, device, dark });
const to = (messages, socket) => messages.filter(({ _client }) => _client.socketId === socket);
const frame = (made) => made.ward[0]?.payload;

describe('the ward', () => {
    test('comes whole, then only what changed, and each age', () => {
        read('a', { Temp: 36.6 });
        read('b', { Temp: 36.6 });
        look('s1', 'ward');
        const first = frame(viewers.frames());
        assert.equal(first.whole, true);
        assert.deepEqual(first.rows.map(({ id }) => id), ['a', 'b']);
        clock.pass(250);
        read('b', { Temp: 38.2 });
        const second = frame(viewers.frames());
        assert.equal(second.whole, false);
        assert.deepEqual(second.rows.map(({ id, level }) => [id, level]), [['b', 'alarm']]);
        assert.deepEqual(second.ages, [['a', 250], ['b', 0]]);
        read('b', { Temp: 38.21 });
        assert.deepEqual(frame(viewers.frames()).rows, []);
    });

    test('of nobody is whole only once', () => {
        look('s1', 'ward');
        assert.equal(frame(viewers.frames()).whole, true);
        read('a', { Temp: 36.6 });
        const { whole, rows } = frame(viewers.frames());
        assert.deepEqual([whole, rows.length], [false, 1]);
    });

    test('of one who comes later is whole too', () => {
        read('a', { Temp: 36.6 });
        look('s1', 'ward');
        viewers.frames();
        look('s2', 'ward');
        const made = viewers.frames();
        assert.deepEqual([to(made.ward, 's1')[0].payload.rows.length, to(made.ward,
            's2')[0].payload.rows.length], [0, 1]);
    });

    test('says when a device is gone, and what the broker does', () => {
        read('a', { Temp: 36.6 });
        look('s1', 'ward');
        assert.equal(frame(viewers.frames()).server.broker, false);
        ward.drop('a');
        viewers.setBroker(true);
        clock.pass(500);
        const { ages, server } = frame(viewers.frames());
        assert.deepEqual(ages, []);
        assert.equal(viewers.versions.size, 0);
        assert.deepEqual(server, { broker: true, since: 500, full: false });
    });
});

test('a ward that is full says so while devices find no room', () => {
    ward.devicesMax = 1;
    read('a', { Temp: 36.6 });
    look('s1', 'ward');
    assert.equal(frame(viewers.frames()).server.full, false);
    read('b', { Temp: 36.6 });
    assert.equal(frame(viewers.frames()).server.full, true);
    clock.pass(60000);
    look('s1', 'ward');
    assert.equal(frame(viewers.frames()).server.full, false);
});

describe('a device', () => {
    test('goes to who looks at it', () => {
        read('a', { Temp: 36.6, PulseSig: 1, Acel_x: 0.5 });
        read('b', { Temp: 37.4, PulseSig: 2, Acel_x: -0.5 });
        look('s1', 'device', 'a');
        look('s2', 'device', 'b');
        look('s3', 'ward');
        const made = viewers.frames();
        for (const [socket, device, temperature, pulse, x] of [['s1', 'a', 36.6, 1, 0.5], ['s2',
            'b', 37.4, 2, -0.5]]) {
            assert.equal(to(made.header, socket)[0].payload.device, device);
            assert.equal(to(made.header, socket)[0].payload.row.temperature.value, temperature);
            assert.deepEqual(to(made.chart, socket).at(-1).payload.map(({ y }) => y), [pulse]);
            assert.deepEqual([to(made.temperature, socket)[0].payload, to(made.x,
                socket)[0].payload], [temperature, x]);
        }
        assert.ok(Object.entries(made).every(([name, messages]) => name === 'ward' || to(messages,
            's3').length === 0));
        assert.equal(to(made.ward, 's1').length, 0);
        assert.ok(Object.values(made).flat().every(({ _client }) => ['s1', 's2',
            's3'].includes(_client.socketId)));
    });

    test('begins its chart anew, with ten seconds of it, and then has each point once', () => {
        for (let i = 0; i < 400; i++) {
            clock.pass(50);
            read('a', { PulseSig: i });
        }
        look('s1', 'device', 'a');
        const [cleared, points] = viewers.frames().chart;
        assert.deepEqual(cleared.payload, []);
        assert.deepEqual([points.payload.length, points.payload.at(-1).y], [200, 399]);
        clock.pass(50);
        read('a', { PulseSig: 400 });
        assert.deepEqual(viewers.frames().chart.map(({ payload }) => payload.map(({ y }) => y)),
            [[400]]);
        assert.deepEqual(viewers.frames().chart, []);
    });

    test('whose clock was set has a chart without what was before', () => {
        read('a', { PulseSig: 1 });
        look('s1', 'device', 'a');
        viewers.frames();
        clock.start += 90000; // as if the device's were set back
        const time = new Date(clock.wall() - 90000).toISOString();
        ward.ingest('Pico/a/Reading', Buffer.from(JSON.stringify({ device: 'a', time,
            values: { PulseSig: 2 } })));
        assert.deepEqual(viewers.frames().chart.map(({ payload }) => payload.map(({ y }) => y)),
            [[], [2]]);
    });

    test('that is not there is said, and its gauges have no value', () => {
        look('s1', 'device', 'nobody');
        const made = viewers.frames();
        assert.deepEqual([made.header[0].payload.row, made.header[0].payload.revoked], [null,
            false]);
        assert.equal(made.temperature[0].class, 'medsec-none');
        assert.equal(made.mcu[0].class, 'medsec-none');
    });

    test('whose sensor failed is told from one with a value', () => {
        read('a', { Temp: null, TempMcu: 23 });
        look('s1', 'device', 'a');
        const made = viewers.frames();
        assert.deepEqual([made.temperature[0].class, made.mcu[0].class], ['medsec-failed',
            'medsec-good']);
    });

    test('is sent a gauge’s value only when it changed', () => {
        read('a', { Temp: 36.6, TempMcu: 23 });
        look('s1', 'device', 'a');
        viewers.frames();
        read('a', { Temp: 36.7, TempMcu: 23 });
        const made = viewers.frames();
        assert.deepEqual([made.temperature.length, made.mcu.length], [1, 0]);
    });

    test('that was chosen instead has everything anew', () => {
        read('a', { Temp: 36.6, PulseSig: 1 });
        read('b', { Temp: 36.6, PulseSig: 2 });
        look('s1', 'device', 'a');
        viewers.frames();
        look('s1', 'device', 'b');
        const made = viewers.frames();
        assert.deepEqual(made.chart[0].payload, []);
        assert.deepEqual(made.chart[1].payload.map(({ y }) => y), [2]);
        assert.equal(made.temperature.length, 1);
    });

    test('has the colours of the tab', () => {
        look('s1', 'device', 'a', true);
        look('s2', 'device', 'a', false);
        const colours = viewers.frames().chart.map(({ ui_update }) =>
            ui_update.chartOptions.color[0]);
        assert.notEqual(colours[0], colours[1]);
    });
});

describe('tabs', () => {
    test('that say nothing any more are forgotten', () => {
        look('s1', 'ward');
        clock.pass(14000);
        look('s1', 'ward');
        clock.pass(14000);
        assert.equal(viewers.frames().ward.length, 1);
        clock.pass(1001);
        assert.equal(viewers.frames().ward.length, 0);
        assert.equal(viewers.viewers.size, 0);
    });

    test('that leave are forgotten', () => {
        look('s1', 'ward');
        look('s1', 'none');
        assert.equal(viewers.viewers.size, 0);
    });

    test('that say nonsense get nothing', () => {
        for (const payload of [undefined, null, 'ward', 7, [], {}, { page: 'admin' },
            { page: ['ward'] }]) {
            viewers.watch('s1', payload);
        }
        viewers.watch(undefined, { page: 'ward' });
        assert.equal(viewers.viewers.size, 0);
        for (const device of ['../x', '<b>', {}, ['a'], 'x'.repeat(65), null]) {
            look('s1', 'device', device);
            assert.equal(viewers.frames().header[0].payload.device, null);
        }
    });

    test('are not more than can be served', () => {
        for (let i = 0; i < 300; i++) {
            look(`s${i}`, 'ward');
        }
        assert.equal(viewers.viewers.size, 200);
    });
});
