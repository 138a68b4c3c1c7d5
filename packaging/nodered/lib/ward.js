// SPDX-License-Identifier: Apache-2.0
// All devices, from the messages of the broker. They come by themselves: with a reading or a
// status. They go when they are revoked (what was under way from them is not taken), when somebody
// clears the retained status, and when nothing was heard of them for a day.
'use strict';

const { Device } = require('./device');
const payload = require('./payload');
const topics = require('./topics');

const GONE_MS = 24 * 3600 * 1000;
const REVOKED_MAX = 1000;

class Ward {
    constructor({
        limits, devicesMax = 1000, now = () => performance.now(), wall = () => Date.now(),
    }) {
        Object.assign(this, { limits, devicesMax, clocks: { now, wall } });
        this.devices = new Map();
        this.revoked = new Set();
        this.profiles = new Map(); // of devices that were not heard of yet
        this.counts = { messages: 0, refused: 0 };
        this.fullAt = -Infinity; // when a device found no room
    }

    ingest(topic, bytes) {
        this.counts.messages++;
        const about = topics.parse(topic);
        if (!about || !this.take(about, bytes)) {
            this.counts.refused++;
        }
    }

    take({ id, kind }, bytes) {
        switch (kind) {
        case 'reading':
        case 'readings': {
            const message = payload.readings(bytes, kind === 'readings', id);
            return message !== null &&
                (this.revoked.has(id) || this.with(id, (device) => device.read(message)));
        }
        case 'status':
            return this.takeStatus(id, bytes);
        case 'profile': {
            const profile = payload.profile(bytes);
            return profile !== null && this.takeProfile(id, profile);
        }
        case 'heart': {
            const rate = payload.number(bytes);
            return rate !== null && this.known(id, ({ heart }) => {
                Object.assign(heart, { rate, rateAt: this.clocks.now(), reasonAt: null });
            });
        }
        case 'heartReason': {
            const reason = payload.reason(bytes);
            return reason !== null && this.known(id, ({ heart }) => {
                Object.assign(heart, { reason, reasonAt: this.clocks.now() });
            });
        }
        default: {
            const value = kind.endsWith('Port') ? payload.port(bytes) : payload.address(bytes);
            return value !== null && this.known(id, ({ addresses }) => {
                addresses[kind] = value;
            });
        }
        }
    }

    takeStatus(id, bytes) {
        if (bytes?.length === 0) {
            return this.drop(id);
        }
        const status = payload.status(bytes);
        if (!status) {
            return false;
        }
        if (!status.online && status.reason === 'revoked') {
            this.drop(id);
            this.revoked.add(id);
            if (this.revoked.size > REVOKED_MAX) {
                this.revoked.delete(this.revoked.values().next().value);
            }
            return true;
        }
        if (status.online) {
            this.revoked.delete(id);
        }
        const age = status.time === null ? 0 : Math.max(0, this.clocks.wall() - status.time);
        if (!status.online && age > GONE_MS) { // retained since then
            return true;
        }
        return this.with(id, (device) => {
            device.status = status;
            device.heardAt = Math.max(device.readAt ?? -Infinity,
                this.clocks.now() - (status.online ? 0 : age));
        });
    }

    takeProfile(id, profile) {
        if (!this.known(id, (device) => device.setProfile(profile)) &&
            this.profiles.size < this.devicesMax) {
            this.profiles.set(id, profile);
        }
        return true;
    }

    // False when there is no such device.
    known(id, act) {
        const device = this.devices.get(id);
        if (device) {
            act(device);
        }
        return device !== undefined;
    }

    // The same, and makes it. False when there are too many.
    with(id, act) {
        if (!this.devices.has(id)) {
            if (this.devices.size >= this.devicesMax) {
                this.fullAt = this.clocks.now();
                return false;
            }
            const device = new Device(id, this.limits, this.clocks);
            if (this.profiles.has(id)) {
                device.setProfile(this.profiles.get(id));
                this.profiles.delete(id);
            }
            this.devices.set(id, device);
        }
        return this.known(id, act);
    }

    drop(id) {
        this.devices.delete(id);
        this.profiles.delete(id);
        return true;
    }

    expire() {
        const before = this.clocks.now() - GONE_MS;
        for (const [id, { heardAt }] of this.devices) {
            if (heardAt < before) {
                this.drop(id);
            }
        }
    }
}

module.exports = { Ward };
