// SPDX-License-Identifier: Apache-2.0
// The sealed form and its answer, as docs/wire.md has them under "Setup page".

// The library's small variant: four times slower, for 192 bytes. This is its chacha20poly1305
// without checks of lengths, which are constants here.
import { _poly1305_aead, chacha20 } from '@noble/ciphers/_micro';
import { sha256 } from '@noble/hashes/sha2';

export const NONCE_LEN = 16;
export const KIND = { settings: 1, decommission: 2 };
export const STATUS = { done: 0, notStored: 1, badForm: 2 };

const VERSION = 1;
const PLAIN_LEN = 192;
const AT = { version: 0, kind: 1, port: 2, server: 4, ssid: 68, password: 100 };

export const bytesOf = (text) => new TextEncoder().encode(text);

// Each pair of keys seals one form only: so the number that the cipher wants is always 0.
const aead = _poly1305_aead(chacha20);
const cipher = (key, label) => aead(key, new Uint8Array(12), bytesOf(label));

export const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

// RFC 2104, for keys of 64 bytes at the most.
function hmac(key, ...parts) {
    const padded = (pad) => Uint8Array.from({ length: 64 }, (_, i) => key[i] ^ pad);
    return sha256(joined(padded(0x5c), sha256(joined(padded(0x36), ...parts))));
}

// `salt` is the device's nonce and as many random bytes of ours: who plays the device may give one
// nonce twice. RFC 5869, whose first two blocks are the two keys.
export function keysOf(key, salt) {
    const info = bytesOf('medsec setup 1');
    const secret = hmac(salt, bytesOf(key));
    const form = hmac(secret, info, [1]);
    return { form, answer: hmac(secret, form, info, [2]) };
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
