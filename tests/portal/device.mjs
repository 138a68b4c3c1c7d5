// SPDX-License-Identifier: Apache-2.0
// A device in setup mode as the page sees it, written from docs/wire.md and not from the page or
// the firmware: what is sealed goes through node's own cryptography.

import { createDecipheriv, createCipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:net';

const NONCE_LEN = 16;
const TAG_LEN = 16;
const SALT_LEN = 32;
const FORM_LEN = 240;
const TRIES = 5;

function keysOf(key, salt) {
    const both = Buffer.from(hkdfSync('sha256', key, salt, 'medsec setup 1', 64));
    return { form: both.subarray(0, 32), answer: both.subarray(32) };
}

function open(key, label, sealed) {
    const cipher = createDecipheriv('chacha20-poly1305', key, Buffer.alloc(12),
        { authTagLength: TAG_LEN });
    const text = sealed.subarray(0, sealed.length - TAG_LEN);
    cipher.setAAD(Buffer.from(label), { plaintextLength: text.length });
    cipher.setAuthTag(sealed.subarray(text.length));
    try {
        return Buffer.concat([cipher.update(text), cipher.final()]);
    } catch {
        return null;
    }
}

function seal(key, label, text) {
    const cipher = createCipheriv('chacha20-poly1305', key, Buffer.alloc(12),
        { authTagLength: TAG_LEN });
    cipher.setAAD(Buffer.from(label), { plaintextLength: text.length });
    return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

const textAt = (plain, from, to) => {
    const field = plain.subarray(from, to);
    const end = field.includes(0) ? field.indexOf(0) : field.length;
    if (field.subarray(end).some((byte) => byte !== 0)) {
        throw new Error('a field that is not filled with zeros');
    }
    return field.subarray(0, end).toString('utf8');
};

export function formOf(plain) {
    if (plain.length !== 192 || plain[0] !== 1 || plain.subarray(163).some((byte) => byte !== 0)) {
        throw new Error('not a form');
    }
    return {
        kind: plain[1], port: plain.readUInt16BE(2), server: textAt(plain, 4, 68),
        ssid: textAt(plain, 68, 100), password: textAt(plain, 100, 163),
    };
}

export const openForm = (key, form) => open(keysOf(key, form.subarray(0, SALT_LEN)).form, 'form',
    form.subarray(SALT_LEN));
export const sealAnswer = (key, salt, status) =>
    seal(keysOf(key, salt).answer, 'answer', Buffer.from([status]));

const REASONS = { 200: 'OK', 302: 'Found', 400: 'Bad Request', 403: 'Forbidden', 409: 'Conflict',
    429: 'Too Many Requests', 503: 'Service Unavailable' };

const answer = (status, body, head = '') => Buffer.concat([
    Buffer.from(`HTTP/1.1 ${status} ${REASONS[status]}\r\nContent-Length: ${body.length}\r\n` +
        `Cache-Control: no-store\r\nConnection: close\r\n${head}\r\n`), body]);
const told = (status, what) => answer(status, Buffer.from(JSON.stringify(what)),
    'Content-Type: application/json\r\n');

export class Device {
    constructor(page) {
        this.page = page;
        this.sockets = new Set();
        this.server = createServer((socket) => this.serve(socket));
    }

    // As after switching on. `forced` are answers for the next POSTs in place of its own: a status,
    // 'lost' (taken, and no answer), 'forged' (sealed under another key), 'other' (another nonce),
    // 'busy', 'unknown' (a request that it does not know), 'mute' (the connection stays, and nothing
    // comes). `deaf`: as many connections end at once.
    // `version`: of what it speaks. `mute`: no nonce comes.
    restart({ key, forced = [], sameNonce = false, bytesPerSecond = 0, deaf = 0, version = 1,
        mute = false }) {
        Object.assign(this, { key, forced, sameNonce, bytesPerSecond, deaf, version, mute });
        this.tries = TRIES;
        this.nonce = randomBytes(NONCE_LEN);
        this.requests = [];
        this.forms = [];
        this.salts = [];
    }

    start() {
        return new Promise((done) => {
            this.server.listen(0, '127.0.0.1', () => done(this.server.address().port));
        });
    }

    stop() {
        this.sockets.forEach((socket) => socket.destroy());
        this.server.close();
    }

    serve(socket) {
        let input = Buffer.alloc(0);
        this.sockets.add(socket);
        socket.on('close', () => this.sockets.delete(socket));
        socket.on('error', () => {});
        if (this.deaf > 0) {
            this.deaf -= 1;
            socket.destroy();
            return;
        }
        socket.on('data', (data) => {
            input = Buffer.concat([input, data]);
            const end = input.indexOf('\r\n\r\n');
            const head = input.subarray(0, Math.max(end, 0)).toString('latin1');
            const length = Number((head.match(/^content-length: *(\d+)/im) || [0, 0])[1]);
            if (end < 0 || input.length < end + 4 + length) {
                return;
            }
            const [method, target] = head.split(' ');
            this.type = (head.match(/^content-type: *(.*)$/im) || [])[1];
            const said = this.answer(`${method} ${target}`, input.subarray(end + 4));
            input = Buffer.alloc(0);
            if (said) {
                this.send(socket, said);
            } else if (said === null) {
                socket.destroy();
            }
        });
    }

    send(socket, bytes) {
        if (!this.bytesPerSecond) {
            socket.end(bytes);
            return;
        }
        const begin = performance.now();
        let sent = 0;
        const step = () => {
            const due = Math.min(bytes.length,
                Math.ceil((performance.now() - begin) / 1000 * this.bytesPerSecond));
            socket.write(bytes.subarray(sent, due));
            sent = due;
            if (sent < bytes.length) {
                setTimeout(step, 10);
            } else {
                socket.end();
            }
        };
        step();
    }

    // Resolves when the next such request is there.
    asked(request) {
        return new Promise((done) => {
            this.awaited = { request, done };
        });
    }

    answer(request, body) {
        this.requests.push(request);
        if (this.awaited?.request === request) {
            this.awaited.done();
        }
        switch (request) {
        case 'GET /':
            return this.page;
        case 'GET /setup':
            return this.mute ? undefined : this.hello();
        case 'POST /setup':
            return this.take(body, this.forced.shift());
        default:
            return answer(302, Buffer.alloc(0), 'Location: http://192.168.4.1/\r\n');
        }
    }

    hello() {
        if (!this.sameNonce) {
            this.nonce = randomBytes(NONCE_LEN);
        }
        return told(200, {
            setup: this.version, nonce: this.nonce.toString('hex'), tries: this.tries,
            version: '0.9.9',
        });
    }

    take(body, forced) {
        const nonce = this.nonce;
        if (!this.sameNonce) {
            this.nonce = randomBytes(NONCE_LEN);
        }
        if (this.tries === 0) {
            return told(429, { error: 'locked' });
        }
        if (forced === 'mute') {
            return undefined;
        }
        if (forced === 'busy') {
            return told(503, { error: 'busy' });
        }
        if (forced === 'unknown' || body.length !== FORM_LEN ||
            this.type !== 'application/octet-stream') {
            return told(400, { error: 'request' });
        }
        if (forced === 'other' || !body.subarray(0, NONCE_LEN).equals(nonce)) {
            return told(409, { error: 'nonce' });
        }
        const salt = body.subarray(0, SALT_LEN);
        const plain = openForm(this.key, body);
        if (!plain) {
            this.tries -= 1;
            return told(403, { error: 'key', tries: this.tries });
        }
        this.forms.push(formOf(plain));
        this.salts.push(salt.toString('hex'));
        const key = forced === 'forged' ? '0'.repeat(20) : this.key;
        return forced === 'lost' ? null
            : answer(200, sealAnswer(key, salt, Number(forced) || 0));
    }
}
