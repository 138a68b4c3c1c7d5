// SPDX-License-Identifier: Apache-2.0
// The sealed form and its answer, as docs/wire.md has them under "Setup page".

// The library's small variant: four times slower, for 192 bytes.
import { chacha20poly1305 } from '@noble/ciphers/_micro';
import { hkdf } from '@noble/hashes/hkdf';
import { sha256 } from '@noble/hashes/sha2';

export const NONCE_LEN = 16;
export const KIND = { settings: 1, decommission: 2 };
export const STATUS = { done: 0, notStored: 1, badForm: 2 };

const VERSION = 1;
const KEY_LEN = 32;
const PLAIN_LEN = 192;
const AT = { version: 0, kind: 1, port: 2, server: 4, ssid: 68, password: 100 };

export const bytesOf = (text) => new TextEncoder().encode(text);

// Each pair of keys seals one form only: so the number that the cipher wants is always 0.
const cipher = (key, label) => chacha20poly1305(key, new Uint8Array(12), bytesOf(label));

// `salt` is the device's nonce and as many random bytes of ours: who plays the device may give one
// nonce twice.
export function keysOf(key, salt) {
    const both = hkdf(sha256, bytesOf(key), salt, bytesOf('medsec setup 1'), 2 * KEY_LEN);
    return { form: both.subarray(0, KEY_LEN), answer: both.subarray(KEY_LEN) };
}

export function settingsForm({ server, port, ssid, password }) {
    const plain = emptyForm(KIND.settings);
    new DataView(plain.buffer).setUint16(AT.port, port);
    plain.set(bytesOf(server), AT.server);
    plain.set(bytesOf(ssid), AT.ssid);
    plain.set(bytesOf(password), AT.password);
    return plain;
}

export const decommissionForm = () => emptyForm(KIND.decommission);

function emptyForm(kind) {
    const plain = new Uint8Array(PLAIN_LEN);
    plain[AT.version] = VERSION;
    plain[AT.kind] = kind;
    return plain;
}

export const joined = (a, b) => Uint8Array.of(...a, ...b);

export const sealForm = (keys, salt, plain) =>
    joined(salt, cipher(keys.form, 'form').encrypt(plain));

// The device's status; -1 for what was not sealed under this key.
export function openAnswer(keys, answer) {
    try {
        return cipher(keys.answer, 'answer').decrypt(answer)[0];
    } catch {
        return -1;
    }
}
