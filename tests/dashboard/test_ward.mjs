// SPDX-License-Identifier: Apache-2.0
// What the dashboard makes of the broker's messages: also of those that are not as they should be.

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';

import { Clock, LIMITS, load } from './modules.mjs';

const { Ward } = load('lib/ward');

const DAY = 24 * 3600 * 1000;
let clock;
let ward;

beforeEach(() => {
    clock = new Clock();
    ward = new Ward({ limits: LIMITS, devicesMax: 5, now: clock.now, wall: clock.wall });
});

const send = (topic, value) => ward.ingest(topic, Buffer.from(typeof value === 'string' ||
    Buffer.isBuffer(value)
    ? value : JSON.stringify(value)));
const reading = (values, more = {}) => ({
    device: 'bed-7', wire: 'medsec/1', boot: 7, seq: ward.counts.messages, time: clock.text(),
        values, ...more,
});
const read = (values, more) => send('Pico/bed-7/Reading', reading(values, more));
const status = (status_, more = {}) => send('Pico/bed-7/Status', {
    status: status_, wire: 'medsec/1', authenticated: true, sessions: 1, reason: 'connected',
        time: clock.text(), ...more,
});
const heart = (text) => send('Pico/bed-7/Physiological_Data/Heart_Rate', text);
const why = (text) => send('Pico/bed-7/Physiological_Data/Heart_Rate/Reason', text);
const bed = (id = 'bed-7') => ward.devices.get(id);
const level = () => bed().row().level;
const refused = (act) => {
    const before = ward.counts.refused;
    act();
    return ward.counts.refused - before;
};

describe('a device', () => {
    test('appears with its first reading, and has its values', () => {
        read({ Temp: 36.64, PulseSig: 1.5, Acel_x: 0.25, Acel_y: -0.5, Acel_z: 1, TempMcu: 23.75,
            TempMpu: 23.5 });
        assert.deepEqual([...ward.devices.keys()], ['bed-7']);
        assert.equal(bed().row().temperature.value, 36.6);
        const { values } = bed().detail();
        assert.deepEqual(['temperature', 'pulse', 'x', 'y', 'z', 'mcu', 'mpu'].map((role) =>
            values[role].value),
            [36.64, 1.5, 0.25, -0.5, 1, 23.75, 23.5]);
    });

    test('appears with its status', () => {
        status('online');
        assert.equal(bed().row().online, true);
        assert.equal(bed().age(), null);
        status('offline', { reason: 'closed' });
        assert.deepEqual([bed().row().online, bed().row().reason], [false, 'closed']);
    });

    test('does not appear with anything else', () => {
        heart('72');
        send('Pico/bed-7/Ip_address', '127.0.0.1');
        send('Pico/bed-7/Profile', { vitals: [{ key: 'T', topic: 'X/Y', decimals: 1,
            unit: 'Cel' }] });
        assert.equal(ward.devices.size, 0);
    });

    test('of a batch has the last reading, and all points of the chart', () => {
        send('Pico/bed-7/Readings', {
            device: 'bed-7', boot: 7, readings: [0, 50, 100].map((ms, i) => ({
                seq: i, time: new Date(clock.wall() - 100 + ms).toISOString(),
                    values: { Temp: 36 + i, PulseSig: i },
            })),
        });
        assert.equal(bed().value('temperature').value, 38);
        assert.deepEqual(bed().pointsFrom(0).map(({ x, y }) => [x - clock.wall(), y]), [[-100, 0],
            [-50, 1], [0, 2]]);
    });

    test('keeps a bounded chart, in order', () => {
        for (let i = 0; i < 3000; i++) {
            clock.pass(50);
            read({ PulseSig: i });
        }
        const points = bed().pointsFrom(0);
        assert.equal(points.length, 1024);
        assert.equal(points.at(-1).y, 2999);
        assert.ok(points.every(({ x }, i) => i === 0 || x > points[i - 1].x));
        assert.deepEqual(bed().pointsFrom(2999).map(({ y }) => y), [2999]);
    });

    test('with a clock that is wrong has the chart of the server’s clock', () => {
        const wrong = (ms) => new Date(clock.wall() - 3 * DAY + ms).toISOString();
        read({ PulseSig: 1 }, { time: wrong(0) });
        clock.pass(50);
        read({ PulseSig: 2 }, { time: wrong(0) });
        const [first, second] = bed().pointsFrom(0);
        assert.equal(second.x - first.x, 50);
        assert.equal(second.x, clock.wall());
    });

    test('whose clock is set begins its chart anew', () => {
        for (const ms of [0, 50, 90000, 90050]) {
            clock.pass(50);
            read({ PulseSig: ms }, { time: new Date(clock.wall() + ms).toISOString() });
        }
        assert.deepEqual(bed().pointsFrom(0).map(({ y }) => y), [90000, 90050]);
    });

    test('tells a reading that is sent again from a new one', () => {
        read({ Temp: 36.6 }, { seq: 5 });
        clock.pass(1000);
        read({ Temp: 39 }, { seq: 5 });
        read({ Temp: 39 }, { seq: 4 });
        read({ Temp: 39 }, { boot: 6, seq: 9 });
        assert.equal(bed().value('temperature').value, 36.6);
        assert.equal(bed().age(), 1000);
        read({ Temp: 37 }, { seq: 6 });
        assert.equal(bed().value('temperature').value, 37);
        read({ Temp: 36 }, { boot: 8, seq: 0 });
        assert.equal(bed().value('temperature').value, 36);
    });

    test('may begin again with a lower boot number', () => {
        read({ Temp: 36.6 }, { boot: 9, seq: 5 });
        clock.pass(11000);
        read({ Temp: 37 }, { boot: 1, seq: 0 });
        assert.equal(bed().value('temperature').value, 37);
    });

    test('on the seed wire has no numbers, and each reading counts', () => {
        for (const Temp of [36.6, 36.5]) {
            read({ Temp }, { boot: undefined, seq: undefined });
        }
        assert.equal(bed().value('temperature').value, 36.5);
    });

    test('on the seed wire has an even chart, though its readings come in heaps', () => {
        for (let i = 0; i < 40; i++) {
            clock.pass(i % 4 === 0 ? 200 : 0);
            read({ PulseSig: i }, { wire: 'seed' });
        }
        const gaps = bed().pointsFrom(20).map(({ x }, i, all) => (i === 0 ? 50 : x - all[i - 1].x));
        assert.ok(gaps.every((gap) => gap > 25 && gap < 75), String(gaps));
    });

    test('of another kind is understood by its profile, whichever comes first', () => {
        const vitals = [
            { key: 'T', topic: 'Physiological_Data/Temperature', unit: 'Cel', decimals: 1 },
            { key: 'E', topic: 'ECG/Lead_I', unit: 'mV', decimals: 3, signal: 'ecg' },
            { key: 'O', topic: 'Physiological_Data/SpO2', unit: '%', decimals: 0 },
        ];
        send('Pico/bed-7/Profile', { vitals });
        read({ T: 38.5, E: 0.5, O: 97 });
        assert.equal(level(), 'alarm');
        assert.deepEqual(bed().pointsFrom(0).map(({ y }) => y), [0.5]);
        assert.deepEqual(bed().detail().others, [{ name: 'SpO2', unit: '%', value: 97 }]);
    });

    test('has the addresses', () => {
        status('online');
        send('Pico/bed-7/Ip_address', '192.0.2.1');
        send('Pico/bed-7/Port_address', '40000');
        send('Pico/bed-7/Internal_Server/Ip_address', '2001:db8::1');
        send('Pico/bed-7/Internal_Server/Port_address', '9998');
        assert.deepEqual(bed().detail().addresses, {
            deviceAddress: '192.0.2.1', devicePort: 40000, serverAddress: '2001:db8::1',
                serverPort: 9998,
        });
        assert.equal(refused(() => send('Pico/bed-7/Ip_address', '<b>x</b>')), 1);
        assert.equal(refused(() => send('Pico/bed-7/Port_address', '70000')), 1);
    });
});

describe('what is told', () => {
    test('the temperature, at each limit', () => {
        for (const [Temp, wanted] of [[34.9, 'alarm'], [35, 'warning'], [35.9, 'warning'], [36,
            'ok'], [37.4, 'ok'],
            [37.5, 'warning'], [37.99, 'warning'], [38, 'alarm']]) {
            read({ Temp });
            assert.equal(level(), wanted, String(Temp));
        }
    });

    test('the heart rate, at each limit', () => {
        read({ Temp: 36.6 });
        for (const [rate, wanted] of [[39, 'alarm'], [40, 'warning'], [49, 'warning'], [50, 'ok'],
            [109, 'ok'],
            [110, 'warning'], [130, 'alarm']]) {
            heart(String(rate));
            assert.equal(level(), wanted, String(rate));
            assert.deepEqual(bed().row().heart, { value: rate, state: '' });
        }
    });

    test('the worst first', () => {
        read({ Temp: 37.6 });
        heart('140');
        assert.deepEqual(bed().findings().map(({ vital, level: each }) => [vital, each]),
            [['heart', 'alarm'], ['temperature', 'warning']]);
    });

    test('a reason instead of a rate, and the rate again', () => {
        read({ Temp: 36.6 });
        heart('72');
        clock.pass(1000);
        why('noisy');
        assert.deepEqual(bed().row().heart, { value: null, state: 'poor', reason: 'noisy' });
        clock.pass(1000);
        heart('74');
        assert.deepEqual(bed().row().heart, { value: 74, state: '' });
    });

    test('no rate that is old: it is repeated every five seconds', () => {
        read({ Temp: 36.6 });
        heart('140');
        clock.pass(10001);
        assert.deepEqual(bed().row().heart, { value: null, state: 'none' });
        assert.equal(level(), 'ok');
    });

    test('a sensor that failed, and an implausible value, but no alarm of them', () => {
        read({ Temp: null, PulseSig: 1 });
        assert.deepEqual([level(), bed().findings()[0].word], ['warning', 'sensor failed']);
        read({ Temp: 85 }, { suspect: ['Temp', 'nonsense'] });
        assert.deepEqual([level(), bed().findings()[0].word], ['warning', 'implausible']);
    });

    test('no limit in another unit', () => {
        read({ Temp: 36.6 });
        send('Pico/bed-7/Profile', {
            vitals: [{ key: 'Temp', topic: 'Physiological_Data/Temperature', unit: '[degF]',
                decimals: 1 }],
        });
        read({ Temp: 98 });
        assert.equal(level(), 'ok');
    });

    test('readings that waited long', () => {
        for (const wire of ['medsec/1', 'seed']) {
            read({ Temp: 36.6 }, { wire, time: new Date(clock.wall() - 60000).toISOString() });
            assert.equal(bed().findings()[0].word, 'delayed');
            read({ Temp: 36.6 }, { wire });
            assert.equal(level(), 'ok');
        }
    });

    test('the age is that of this clock', () => {
        read({ Temp: 36.6 }, { time: '1999-01-01T00:00:00Z' });
        clock.pass(4000);
        assert.equal(bed().age(), 4000);
    });
});

describe('devices go', () => {
    test('when they are revoked, with what is still under way of them', () => {
        read({ Temp: 36.6 });
        status('offline', { reason: 'revoked' });
        read({ Temp: 36.6 });
        assert.equal(ward.devices.size, 0);
        assert.ok(ward.revoked.has('bed-7'));
        status('online');
        read({ Temp: 36.6 });
        assert.equal(ward.devices.size, 1);
        assert.equal(ward.revoked.size, 0);
    });

    test('when their status is cleared', () => {
        status('online');
        send('Pico/bed-7/Status', '');
        assert.equal(ward.devices.size, 0);
    });

    test('when nothing was heard of them for a day', () => {
        read({ Temp: 36.6 });
        clock.pass(DAY);
        ward.expire();
        assert.equal(ward.devices.size, 1);
        clock.pass(1);
        ward.expire();
        assert.equal(ward.devices.size, 0);
    });

    test('when the retained status is older than that', () => {
        status('offline', { time: new Date(clock.wall() - DAY - 1).toISOString() });
        assert.equal(ward.devices.size, 0);
        status('offline', { time: new Date(clock.wall() - DAY + 1000).toISOString() });
        assert.equal(ward.devices.size, 1);
        clock.pass(2000);
        ward.expire();
        assert.equal(ward.devices.size, 0);
    });

    test('and of those that were revoked a thousand names are kept', () => {
        for (let i = 0; i < 1100; i++) {
            send(`Pico/bed-${i}/Status`, { status: 'offline', reason: 'revoked' });
        }
        assert.equal(ward.revoked.size, 1000);
        assert.ok(ward.revoked.has('bed-1099'));
    });

    test('but a revoked one of former times does not come', () => {
        status('offline', { reason: 'revoked' });
        assert.equal(ward.devices.size, 0);
    });

    test('not more come than are allowed', () => {
        for (let i = 0; i < 8; i++) {
            send(`Pico/bed-${i}/Status`, { status: 'online' });
            send(`Pico/other-${i}/Profile`, { vitals: [{ key: 'T', topic: 'X', decimals: 1 }] });
        }
        assert.equal(ward.devices.size, 5);
        assert.equal(ward.fullAt, clock.now());
        assert.ok(ward.profiles.size <= 5);
    });
});

describe('what is refused', () => {
    test('topics that are not quite those', () => {
        for (const topic of ['', 'Pico', 'Pico/', 'Pico//Reading', 'Pico/./Status',
            'Pico/../Status', 'pico/a/Status',
            'Pico/a/status', 'Pico/a/Status/', 'Pico/a/b/Status', 'Pico/a b/Status',
                'Pico/<b>/Status', 'Pico/ä/Status',
            `Pico/${'a'.repeat(65)}/Status`, 'Pico/a/Command/Config', 'Pico/a/__proto__',
                'Pico/a/constructor',
            null, undefined, 7]) {
            assert.equal(refused(() => ward.ingest(topic, Buffer.from('{"status":"online"}'))), 1,
                String(topic));
        }
        assert.equal(ward.devices.size, 0);
        assert.equal(refused(() => send(`Pico/${'a'.repeat(64)}/Status`, { status: 'online' })), 0);
    });

    test('payloads that are not', () => {
        for (const payload of ['', 'x', '[]', 'null', '7', '"x"', '{}', '{"device":"bed-7"}',
            Buffer.alloc(70000, 0x20),
            '['.repeat(60000), { ...reading({ Temp: 36 }), device: 'bed-8' }, reading({}), reading(
                [36]), reading(null),
            reading({ Temp: '36' }), reading({ Temp: true }), reading({ Temp: [1] }), reading(
                { 'a b': 1 }),
            reading({ '<b>': 1 }), reading(Object.fromEntries(Array.from({ length: 33 }, (_, i) =>
                [`k${i}`, 1]))),
            '{"device":"bed-7","values":{"Temp":1e999}}']) {
            assert.equal(refused(() => send('Pico/bed-7/Reading', payload)), 1,
                JSON.stringify(payload).slice(0, 60));
        }
        for (const payload of ['{}', { status: 'ONLINE' }, { status: ['online'] },
            '[{"status":"online"}]']) {
            assert.equal(refused(() => send('Pico/bed-7/Status', payload)), 1);
        }
        assert.equal(ward.devices.size, 0);
        assert.equal(refused(() => ward.ingest('Pico/bed-7/Reading', 'no buffer')), 1);
        assert.equal(refused(() => ward.ingest('Pico/bed-7/Status', undefined)), 1);
    });

    test('what is longer than the gateway sends', () => {
        const padded = (length) => JSON.stringify(reading({ Temp: 36 })).padEnd(length);
        assert.equal(refused(() => send('Pico/bed-7/Reading', padded(65537))), 1);
        assert.equal(refused(() => send('Pico/bed-7/Reading', padded(65536))), 0);
        const many = (count) => ({ device: 'bed-7', readings: Array(count).fill(
            { values: { a: 1 } }) });
        assert.equal(refused(() => send('Pico/bed-7/Readings', many(2049))), 1);
        assert.equal(refused(() => send('Pico/bed-7/Readings', many(2048))), 0);
    });

    test('a batch with one bad reading, as a whole', () => {
        const message = { device: 'bed-7', readings: [reading({ Temp: 36 }), reading(
            { Temp: 'x' })] };
        assert.equal(refused(() => send('Pico/bed-7/Readings', message)), 1);
        assert.equal(refused(() => send('Pico/bed-7/Readings', { device: 'bed-7', readings: [] })),
            1);
        assert.equal(ward.devices.size, 0);
    });

    test('rates and reasons that are none', () => {
        read({ Temp: 36.6 });
        for (const text of ['', 'NaN', '7e9', '0x10', '72 ', ' 72', '1'.repeat(25), '{"a":1}']) {
            assert.equal(refused(() => heart(text)), 1, text);
        }
        for (const text of ['', 'A', 'a b', '<b>', 'a'.repeat(33)]) {
            assert.equal(refused(() => why(text)), 1, text);
        }
        assert.equal(bed().row().heart.state, 'none');
    });

    test('members that would change what all objects have', () => {
        send('Pico/__proto__/Status', { status: 'online' });
        send('Pico/constructor/Status', { status: 'online' });
        send('Pico/bed-7/Reading',
            '{"device":"bed-7","__proto__":{"polluted":1},"values":{"__proto__":1,"Temp":36.6,"constructor":2}}');
        send('Pico/bed-7/Status',
            '{"status":"online","__proto__":{"reason":"revoked"},"constructor":{"prototype":{"polluted":1}}}');
        send('Pico/bed-7/Profile',
            '{"vitals":[{"key":"__proto__","topic":"__proto__","decimals":1,"unit":"Cel"}]}');
        assert.equal({}.polluted, undefined);
        assert.deepEqual([...ward.devices.keys()], ['__proto__', 'constructor', 'bed-7']);
        assert.ok([...ward.devices.values()].every((device) => JSON.stringify([device.row(),
            device.detail()])));
    });

    test('words of a status that are no words', () => {
        status('offline', { reason: '<img src=x>', wire: '\u0007', time: 'never',
            authenticated: 'yes' });
        const { reason, authenticated } = bed().row();
        assert.deepEqual([reason, bed().detail().wire, authenticated], ['', '', false]);
    });
});
