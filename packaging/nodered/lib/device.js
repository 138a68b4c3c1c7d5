// SPDX-License-Identifier: Apache-2.0
// One device: its newest values, and what they mean. Times are those of this process's own clock;
// that of a device only spaces the points of its chart.
'use strict';

const { judge } = require('./limits');
const { Timeline } = require('./timeline');

const HISTORY = 1024; // points of the pulse signal: 50 s at 20 Hz
const HEART_OLD_MS = 10000; // the gateway repeats the rate every 5 s
const LATE_MS = 15000; // of readings that waited in the device or in the spool
const REBOOT_MS = 10000;

// By the profile's topic, so that a device of another kind is understood too.
const ROLES = new Map([
    ['Physiological_Data/Temperature', 'temperature'], ['Physiological_Data/Pulse_Signal', 'pulse'],
    ['Physiological_Data/Accelerometer/x', 'x'], ['Physiological_Data/Accelerometer/y', 'y'],
    ['Physiological_Data/Accelerometer/z', 'z'], ['Internal_Device_Data/Temperature/MCU', 'mcu'],
    ['Internal_Device_Data/Temperature/MPU', 'mpu'],
]);
const PICO_VITALS = [
    ['Temp', 'Cel'], ['PulseSig', 'V'], ['Acel_x', '[g]'], ['Acel_y', '[g]'], ['Acel_z', '[g]'],
    ['TempMcu', 'Cel'], ['TempMpu', 'Cel'],
].map(([key, unit], i) => ({
    key, unit, decimals: 3, topic: [...ROLES.keys()][i],
    signal: key === 'PulseSig' ? 'pulse' : null,
}));

class Device {
    constructor(id, limits, clocks) {
        Object.assign(this, { id, limits, clocks });
        this.status = null;
        this.addresses = {
            deviceAddress: null, devicePort: null, serverAddress: null, serverPort: null,
        };
        this.latest = null; // a reading
        this.readAt = null;
        this.heardAt = clocks.now();
        this.heart = { rate: null, rateAt: null, reason: '', reasonAt: null };
        this.points = {
            x: new Float64Array(HISTORY), y: new Float64Array(HISTORY), first: 0, count: 0,
        };
        this.timeline = new Timeline();
        this.late = 0;
        this.setProfile({ vitals: PICO_VITALS, interval: 50 });
    }

    setProfile({ vitals, interval }) {
        Object.assign(this, { vitals, interval });
        this.roles = new Map();
        for (const vital of vitals) {
            const role = ROLES.get(vital.topic) ?? (vital.signal ? 'pulse' : null);
            if (role && !this.roles.has(role)) {
                this.roles.set(role, vital);
            }
        }
    }

    read({ boot, isMeasured, readings }) {
        const now = this.clocks.now();
        const fresh = readings.filter((reading) => this.isNewer(boot, reading, now));
        for (const reading of fresh) {
            this.latest = { boot, ...reading };
        }
        if (fresh.length === 0) {
            return;
        }
        this.readAt = now;
        this.heardAt = now;
        this.chart(fresh, isMeasured);
    }

    // A reading may come more than once, and late. A boot number that went back is a device that
    // was set up anew, unless the other one was just here.
    isNewer(boot, reading, now) {
        const last = this.latest;
        if (!last || last.boot === null || boot === null || last.seq === null) {
            return true;
        }
        if (boot === last.boot) {
            return reading.seq === null || reading.seq > last.seq;
        }
        return boot > last.boot || now - this.readAt > REBOOT_MS;
    }

    chart(readings, isMeasured) {
        const { points } = this;
        const key = this.roles.get('pulse')?.key;
        const wall = this.clocks.wall();
        const newest = readings.at(-1).time;
        this.late = newest === null ? 0 : Math.max(0, wall - newest);
        // Those of one message were not measured at once: only the newest is that new.
        readings.forEach(({ time, values }) => {
            const measured = isMeasured ? time : null;
            const arrived = measured === null ? wall : wall - (newest - time);
            const { x, anew } = this.timeline.place(measured, arrived, this.interval);
            points.first = anew ? points.count : points.first;
            if (typeof values.get(key) === 'number') {
                this.point(x, values.get(key));
            }
        });
    }

    point(x, y) {
        const { points } = this;
        const at = points.count % HISTORY;
        points.x[at] = x;
        points.y[at] = y;
        points.count++;
    }

    // Those after the `from`-th that are still there.
    pointsFrom(from) {
        const { x, y, first, count } = this.points;
        const found = [];
        for (let i = Math.max(from, first, count - HISTORY); i < count; i++) {
            found.push({ x: Math.round(x[i % HISTORY]), y: y[i % HISTORY] });
        }
        return found;
    }

    // `{ value, state }`, state: '' good, 'none' not known, 'failed' the sensor, 'suspect'
    // implausible.
    value(role) {
        const vital = this.roles.get(role);
        const value = vital && this.latest?.values.get(vital.key);
        if (value === undefined) {
            return { value: null, state: 'none' };
        }
        if (value === null) {
            return { value, state: 'failed' };
        }
        return { value, state: this.latest.suspect.has(vital.key) ? 'suspect' : '' };
    }

    heartRate() {
        const { rate, rateAt, reason, reasonAt } = this.heart;
        const now = this.clocks.now();
        const isOld = (at) => at === null || now - at > HEART_OLD_MS;
        if (!isOld(rateAt) && !(reasonAt > rateAt)) {
            return { value: rate, state: '' };
        }
        return isOld(reasonAt) ? { value: null, state: 'none' }
            : { value: null, state: 'poor', reason };
    }

    // What a nurse is to be told of, worst first: `[{ level, vital, word }, ...]`.
    findings() {
        const found = [];
        const tell = (vital, finding) => finding && found.push({ vital, ...finding });
        const temperature = this.value('temperature');
        const inUnit = this.roles.get('temperature')?.unit === this.limits.temperature.unit;
        if (temperature.state === '' && inUnit) {
            tell('temperature', judge(this.limits.temperature, temperature.value));
        }
        const heart = this.heartRate();
        if (heart.state === '') {
            tell('heart', judge(this.limits.heartRate, heart.value));
        }
        if (this.latest && temperature.state === 'failed') {
            tell('temperature', { level: 'warning', word: 'sensor failed' });
        } else if (temperature.state === 'suspect') {
            tell('temperature', { level: 'warning', word: 'implausible' });
        }
        if (this.late > LATE_MS) {
            tell('readings', { level: 'warning', word: 'delayed' });
        }
        return found.sort((a, b) => (a.level === b.level ? 0 : a.level === 'alarm' ? -1 : 1));
    }

    // What the ward shows.
    row() {
        const findings = this.findings();
        const temperature = this.value('temperature');
        return {
            id: this.id, online: this.status?.online ?? null, reason: this.status?.reason ?? '',
            authenticated: this.status?.authenticated ?? null,
            level: findings[0]?.level ?? 'ok', findings,
            temperature: {
                ...temperature,
                value: temperature.value === null ? null : Math.round(temperature.value * 10) / 10,
            },
            unit: this.roles.get('temperature')?.unit ?? '', heart: this.heartRate(),
        };
    }

    // What the device's own page shows beyond that.
    detail() {
        const values = {};
        for (const role of ROLES.values()) {
            values[role] = { ...this.value(role), unit: this.roles.get(role)?.unit ?? '' };
        }
        const known = new Set([...this.roles.values()].map((vital) => vital.key));
        const others = this.vitals.filter((vital) => !known.has(vital.key)).map((vital) => ({
            name: vital.topic.split('/').slice(1).join(' ') || vital.topic, unit: vital.unit,
            value: this.latest?.values.get(vital.key) ?? null,
        }));
        return { values, others, addresses: this.addresses, wire: this.status?.wire ?? '' };
    }

    // Since the last reading; null: none came.
    age() {
        return this.readAt === null ? null : Math.round(this.clocks.now() - this.readAt);
    }
}

module.exports = { Device };
