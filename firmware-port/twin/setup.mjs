#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { request } from 'node:http';

import { readOptions, usage } from './options.mjs';

/*
 * Sets up a device that stands as an access point, without a page: asks for a nonce, seals the form
 * (docs/wire.md, "Setup page"), posts it, and opens the answer.
 */
const USAGE = `usage: setup.mjs --at PORT --ssid NAME --password KEY --server HOST --port PORT
    --at PORT   where the device's server is found on 127.0.0.1
The setup key is read from standard input.`;
const PLAIN_LEN = 192;
const TAG_LEN = 16;
const ZERO_NONCE = Buffer.alloc(12);
const STATUS = ['stored', 'the device cannot store it', 'the device refuses what it says'];

function ask(at, method, body = Buffer.alloc(0)) {
    return new Promise((resolve, reject) => {
        const headers = { Host: '192.168.4.1', 'Content-Length': body.length,
            'Content-Type': 'application/octet-stream' };
        const asked = request({ host: '127.0.0.1', port: at, path: '/setup', method, headers,
            agent: false }, (answer) => {
            const parts = [];
            answer.on('data', (part) => parts.push(part));
            answer.on('error', reject);
            answer.on('end', () => resolve({ status: answer.statusCode,
                body: Buffer.concat(parts) }));
        });
        asked.on('error', reject);
        asked.end(body);
    });
}

function plainForm({ server, port, ssid, password }) {
    const plain = Buffer.alloc(PLAIN_LEN);
    plain.writeUInt8(1, 0); // version
    plain.writeUInt8(1, 1); // settings
    plain.writeUInt16BE(port, 2);
    plain.write(server, 4, 64, 'ascii');
    plain.write(ssid, 68, 32, 'utf8');
    plain.write(password, 100, 63, 'ascii');
    return plain;
}

function keysOf(key, salt) {
    const bytes = Buffer.from(hkdfSync('sha256', key, salt, 'medsec setup 1', 64));
    return { form: bytes.subarray(0, 32), answer: bytes.subarray(32) };
}

function seal(key, plain) {
    const cipher = createCipheriv('chacha20-poly1305', key, ZERO_NONCE, { authTagLength: TAG_LEN });
    cipher.setAAD(Buffer.from('form'), { plaintextLength: plain.length });
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function openAnswer(key, sealed) {
    const decipher = createDecipheriv('chacha20-poly1305', key, ZERO_NONCE,
        { authTagLength: TAG_LEN });
    decipher.setAAD(Buffer.from('answer'), { plaintextLength: 1 });
    decipher.setAuthTag(sealed.subarray(1));
    const status = decipher.update(sealed.subarray(0, 1));
    decipher.final();
    return status[0];
}

/** Throws when the device does not store the settings. */
async function setUp(at, key, settings) {
    const { nonce } = JSON.parse((await ask(at, 'GET')).body.toString());
    const salt = Buffer.concat([Buffer.from(nonce, 'hex'), randomBytes(16)]);
    const keys = keysOf(key.trim().replaceAll('-', ''), salt);
    const form = Buffer.concat([salt, seal(keys.form, plainForm(settings))]);
    const { status, body } = await ask(at, 'POST', form);
    if (status !== 200) {
        throw new Error(`answer ${status}: ${body.toString()}`);
    }
    const stored = openAnswer(keys.answer, body);
    if (stored !== 0) {
        throw new Error(STATUS[stored] ?? `status ${stored}`);
    }
}

async function main() {
    const text = { type: 'string' };
    const options = readOptions(USAGE, { at: text, ssid: text, password: text, server: text,
        port: text });
    const parts = [];
    if (Object.keys(options).length < 5) {
        usage(USAGE, 'setup.mjs: an option is missing');
    }
    for await (const part of process.stdin) {
        parts.push(part);
    }
    try {
        await setUp(Number(options.at), Buffer.concat(parts).toString(), { ...options,
            port: Number(options.port) });
    } catch (error) {
        process.stderr.write(`setup.mjs: ${error.message}\n`);
        process.exitCode = 1;
    }
}

await main();
