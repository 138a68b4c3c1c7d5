// SPDX-License-Identifier: Apache-2.0
// Payloads from the broker, each checked member by member into a new object: nothing else of them
// is kept. Every function gives null for what is not as docs/mqtt.md has it.
'use strict';

const PAYLOAD_MAX = 65536; // bytes; the gateway's longest, a READINGS, has 32 KiB
const READINGS_MAX = 2048;
const VITALS_MAX = 32;
const TEXT_MAX = 64;
const INTERVAL_MS = 50; // of a profile that does not say
const KEY = /^[A-Za-z0-9_.-]{1,32}$/;
const PLAIN = /^[\x20-\x7e]*$/;
const WORD = /^[a-z0-9-]{1,32}$/;
const NUMBER = /^-?\d{1,9}(\.\d{1,9})?$/;
const ADDRESS = /^[0-9A-Fa-f:.]{2,45}$/;

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const plain = (value, max = TEXT_MAX) =>
    (typeof value === 'string' && value.length <= max && PLAIN.test(value) ? value : null);
const word = (value) => (typeof value === 'string' && WORD.test(value) ? value : null);
const count = (value) => (Number.isSafeInteger(value) && value >= 0 ? value : null);

function text(payload, max) {
    return Buffer.isBuffer(payload) && payload.length <= max ? payload.toString('latin1') : null;
}

function object(payload) {
    if (!Buffer.isBuffer(payload) || payload.length > PAYLOAD_MAX) {
        return null;
    }
    try {
        const value = JSON.parse(payload.toString('utf8'));
        return isObject(value) ? value : null;
    } catch {
        return null;
    }
}

// Milliseconds since 1970, or null.
function time(value) {
    const ms = typeof value === 'string' && value.length <= 32 ? Date.parse(value) : NaN;
    return Number.isFinite(ms) ? ms : null;
}

// A Map of numbers; null for a sensor that failed.
function values(object_) {
    const entries = isObject(object_) ? Object.entries(object_) : [];
    const good = entries.length > 0 && entries.length <= VITALS_MAX &&
        entries.every(([key, value]) => KEY.test(key) && (value === null || Number.isFinite(value)));
    return good ? new Map(entries) : null;
}

function one(each) {
    const found = isObject(each) ? values(each.values) : null;
    if (!found) {
        return null;
    }
    const suspect = each.suspect;
    return {
        seq: count(each.seq), time: time(each.time), values: found,
        suspect: new Set(Array.isArray(suspect) ? suspect.filter((key) => found.has(key)) : []),
    };
}

// `{ boot, isMeasured, readings: [{ seq, time, values, suspect }, ...] }` of a Reading or a
// Readings; one bad reading spoils the message. `isMeasured`: the times are not those of the
// arrival at the gateway.
function readings(payload, several, id) {
    const outer = object(payload);
    if (!outer || outer.device !== id) {
        return null;
    }
    const list = several ? outer.readings : [outer];
    if (!Array.isArray(list) || list.length === 0 || list.length > READINGS_MAX) {
        return null;
    }
    const found = list.map(one);
    return found.includes(null) ? null : {
        boot: count(outer.boot), isMeasured: outer.wire !== 'seed', readings: found,
    };
}

function status(payload) {
    const outer = object(payload);
    const state = outer && outer.status;
    if (state !== 'online' && state !== 'offline') {
        return null;
    }
    return {
        online: state === 'online', reason: word(outer.reason) ?? '',
        wire: plain(outer.wire, 16) ?? '', authenticated: outer.authenticated === true,
        time: time(outer.time),
    };
}

function vital(each) {
    const key = isObject(each) ? plain(each.key, 32) : null;
    const topic = isObject(each) ? plain(each.topic) : null;
    const decimals = isObject(each) ? count(each.decimals) : null;
    if (!key || !KEY.test(key) || !topic || decimals === null || decimals > 9) {
        return null;
    }
    return {
        key, topic, decimals, unit: plain(each.unit, 16) ?? '',
        signal: word(each.signal),
    };
}

function profile(payload) {
    const outer = object(payload);
    const list = outer && outer.vitals;
    if (!Array.isArray(list) || list.length === 0 || list.length > VITALS_MAX) {
        return null;
    }
    const vitals = list.map(vital);
    const interval = count(outer.interval_ms);
    return vitals.includes(null) ? null
        : { vitals, interval: interval > 0 ? interval : INTERVAL_MS };
}

function number(payload) {
    const digits = text(payload, 24);
    return digits !== null && NUMBER.test(digits) ? Number(digits) : null;
}

const reason = (payload) => word(text(payload, 32));
function address(payload) {
    const found = text(payload, 45);
    return found !== null && ADDRESS.test(found) ? found : null;
}
function port(payload) {
    const found = number(payload);
    return Number.isInteger(found) && found >= 0 && found < 65536 ? found : null;
}

module.exports = { address, number, port, profile, readings, reason, status };
