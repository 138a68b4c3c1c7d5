// SPDX-License-Identifier: Apache-2.0
// What is said between the page and the device: GET /setup for a nonce, POST /setup with the form.

import { NONCE_LEN, STATUS, joined, keysOf, openAnswer, sealForm } from './form.js';

const ANSWER_MS = 15000;
const GET_TRIES = 3;

async function request(options) {
    const timer = new AbortController();
    const late = setTimeout(() => timer.abort(), ANSWER_MS);
    try {
        const response = await fetch('/setup', { signal: timer.signal, ...options });
        return { status: response.status, body: new Uint8Array(await response.arrayBuffer()) };
    } catch {
        return null;
    } finally {
        clearTimeout(late);
    }
}

const json = (body) => {
    try {
        return JSON.parse(new TextDecoder().decode(body)) || {};
    } catch {
        return {};
    }
};

// What the device says of itself, or null: `{ setup, nonce, tries, version }`.
export async function hello() {
    for (let i = 0; i < GET_TRIES; ++i) {
        const got = await request({});
        const said = got && got.status === 200 ? json(got.body) : {};
        if (said.setup === 1 && /^[0-9a-f]{32}$/.test(said.nonce)) {
            return said;
        }
    }
    return null;
}

const refusals = { 403: 'key', 409: 'contended', 429: 'locked', 503: 'contended' };

function outcomeOf(got, keys) {
    if (!got) {
        return { what: 'silent' };
    }
    if (got.status !== 200) {
        return { what: refusals[got.status] || 'refused', tries: json(got.body).tries };
    }
    const status = openAnswer(keys, got.body);
    const what = Object.keys(STATUS).find((name) => STATUS[name] === status);
    return { what: what || 'stranger' };
}

async function sendOnce(key, plain) {
    const device = await hello();
    if (!device) {
        return { what: 'absent' };
    }
    if (device.tries === 0) {
        return { what: 'locked' };
    }
    const nonce = Uint8Array.from(device.nonce.match(/../g), (pair) => parseInt(pair, 16));
    const salt = joined(nonce, crypto.getRandomValues(new Uint8Array(NONCE_LEN)));
    const keys = keysOf(key, salt);
    const headers = { 'Content-Type': 'application/octet-stream' };
    return outcomeOf(await request({ method: 'POST', headers, body: sealForm(keys, salt, plain) }),
        keys);
}

// `what`: absent (no device), silent (sent, and no answer), key (with the `tries` left), locked,
// refused, stranger (answered by somebody who does not have the key), contended (somebody else is
// at it), or a name of STATUS.
export async function send(key, plain) {
    const outcome = await sendOnce(key, plain);
    return outcome.what === 'contended' ? sendOnce(key, plain) : outcome;
}
