// SPDX-License-Identifier: Apache-2.0
// Who looks at what, and what each of them is sent: the ward's changes, or one device with its
// chart. A tab says every few seconds what it looks at; one that does not any more is forgotten.
'use strict';

const { isDevice } = require('./topics');

const VIEWERS_MAX = 200;
const AWAY_MS = 15000;
const FULL_MS = 60000;
const CHART_FIRST_MS = 10000; // of the chart that a viewer gets at once
const GAUGES = ['temperature', 'mcu', 'mpu', 'x', 'y', 'z'];
const CHART_TEXT = { light: '#4a5160', dark: '#c3cad6' };
const CHART_GRID = { light: '#dfe3ea', dark: '#343b48' };
const CHART_LINE = { light: '#0b63b5', dark: '#6cb6ff' };

class Viewers {
    constructor(ward, now = () => performance.now()) {
        Object.assign(this, { ward, now });
        this.viewers = new Map();
        this.versions = new Map(); // of the rows: id -> { text, version }
        this.version = 1; // a tab that has 0 has nothing yet
        this.broker = { up: false, since: now() };
    }

    setBroker(up) {
        if (up !== this.broker.up) {
            this.broker = { up, since: this.now() };
        }
    }

    // `payload` is the tab's: `{ page: 'ward' | 'device' | 'none', device, dark }`.
    watch(socket, payload) {
        const page = payload?.page;
        if (typeof socket !== 'string' || !['ward', 'device'].includes(page)) {
            this.viewers.delete(socket);
            return;
        }
        const device = page === 'device' && isDevice(payload.device) ? payload.device : null;
        const dark = payload.dark === true;
        const viewer = this.viewers.get(socket);
        if (viewer && viewer.page === page && viewer.device === device && viewer.dark === dark) {
            viewer.seenAt = this.now();
        } else if (viewer || this.viewers.size < VIEWERS_MAX) {
            this.viewers.set(socket, {
                socket, page, device, dark, seenAt: this.now(), version: 0, points: null, first: 0,
                gauges: new Map(), tick: 0,
            });
        }
    }

    // Messages for each output: `{ ward: [], header: [], chart: [], temperature: [], ... }`.
    frames() {
        const out = { ward: [], header: [], chart: [] };
        GAUGES.forEach((name) => { out[name] = []; });
        this.ward.expire();
        const before = this.now() - AWAY_MS;
        for (const viewer of this.viewers.values()) {
            if (viewer.seenAt < before) {
                this.viewers.delete(viewer.socket);
            }
        }
        if (this.viewers.size > 0) {
            this.number();
        }
        for (const viewer of this.viewers.values()) {
            const send = (name, message) => {
                out[name].push({ ...message, _client: { socketId: viewer.socket } });
            };
            (viewer.page === 'ward' ? this.wardFrame : this.deviceFrame).call(this, viewer, send);
            viewer.tick++;
        }
        return out;
    }

    // Gives each row that changed a new version.
    number() {
        const { devices } = this.ward;
        for (const id of this.versions.keys()) {
            if (!devices.has(id)) {
                this.versions.delete(id);
            }
        }
        for (const [id, device] of devices) {
            const row = device.row();
            const text = JSON.stringify(row);
            if (this.versions.get(id)?.text !== text) {
                this.versions.set(id, { row, text, version: ++this.version });
            }
        }
    }

    server() {
        const { up, since } = this.broker;
        const full = this.now() - this.ward.fullAt < FULL_MS;
        return { broker: up, since: Math.round(this.now() - since), full };
    }

    wardFrame(viewer, send) {
        const rows = [...this.versions.values()].filter(({ version }) => version > viewer.version)
            .map(({ row }) => row);
        const ages = [...this.ward.devices].map(([id, device]) => [id, device.age()]);
        const whole = viewer.version === 0;
        send('ward', { payload: { server: this.server(), whole, rows, ages } });
        viewer.version = this.version;
    }

    deviceFrame(viewer, send) {
        const device = this.ward.devices.get(viewer.device);
        send('header', {
            payload: {
                server: this.server(), device: viewer.device, age: device?.age() ?? null,
                revoked: this.ward.revoked.has(viewer.device),
                row: device ? device.row() : null, detail: device ? device.detail() : null,
            },
        });
        if (viewer.tick === 0) {
            send('chart', { payload: [], ui_update: { chartOptions: chartOptions(viewer.dark) } });
        }
        this.chartFrame(viewer, device, send);
        GAUGES.forEach((name) => this.gaugeFrame(viewer, device, name, send));
    }

    chartFrame(viewer, device, send) {
        if (!device) {
            return;
        }
        const { count, first } = device.points;
        if (viewer.points !== null && viewer.first !== first) { // its clock was set
            send('chart', { payload: [] });
        }
        viewer.first = first;
        let points = device.pointsFrom(viewer.points ?? 0);
        if (viewer.points === null && points.length > 0) {
            const after = points.at(-1).x - CHART_FIRST_MS;
            points = points.filter(({ x }) => x > after);
        }
        viewer.points = count;
        if (points.length > 0) {
            send('chart', { payload: points });
        }
    }

    gaugeFrame(viewer, device, name, send) {
        const { value, state } = device ? device.value(name) : { value: null, state: 'none' };
        const rounded = value === null ? null : Math.round(value * 100) / 100;
        const shown = `${rounded} ${state}`;
        if (viewer.gauges.get(name) !== shown) {
            viewer.gauges.set(name, shown);
            send(name, { payload: rounded ?? 0, class: `medsec-${state || 'good'}` });
        }
    }
}

function chartOptions(dark) {
    const mode = dark ? 'dark' : 'light';
    const text = { color: CHART_TEXT[mode] };
    const line = { lineStyle: { color: CHART_GRID[mode] } };
    const axis = { axisLabel: text, nameTextStyle: text, splitLine: line };
    return {
        color: [CHART_LINE[mode]], title: { textStyle: text }, xAxis: axis, yAxis: axis,
    };
}

module.exports = { GAUGES, Viewers };
