// SPDX-License-Identifier: Apache-2.0
// What may stand in a field. A check gives what is wrong in words, or nothing. `early` is true for
// what more typing may put right: it is not said before the field is left.

import { bytesOf } from './form.js';

const MAX = { server: 64, ssid: 32, password: 63, port: 65535 };
const PASSWORD_MIN = 8;
const KEY_LEN = 20;
const BASE32 = /[^0-9A-HJKMNP-TV-Z]/;

const wrong = (text) => ({ text, early: false });
const unfinished = (text) => ({ text, early: true });
const characters = (n) => `${n} ${n === 1 ? 'character' : 'characters'}`;

export const trimmed = (text) => text.trim();

// What people read off a label as O, I or L is a digit: Crockford's base 32 has none of them.
export const keyOf = (text) => text.toUpperCase().replace(/[\s-]/g, '')
    .replace(/O/g, '0').replace(/[IL]/g, '1');
export const groupsOf = (key) => key.replace(/(.{4})(?=.)/g, '$1-');

export function checkSsid(text) {
    const over = bytesOf(text).length - MAX.ssid;
    if (text === '') {
        return unfinished('Type the name of your Wi-Fi network.');
    }
    if (over > 0) {
        return wrong(`Too long by ${over}: a network name has 32 bytes at most, and letters ` +
            'with accents take two.');
    }
    return /[\0-\x1f\x7f-\x9f]/.test(text)
        ? wrong('This name has a character that cannot be seen.') : null;
}

// Phones like to put a space behind a word; some networks do have one.
export const noteOnSsid = (text) => (text && text !== text.trim()
    ? 'This name begins or ends with a space. Is that right?' : '');

export function checkPassword(text) {
    const odd = text.match(/[^ -~]/u);
    if (odd) {
        return wrong(`A Wi-Fi password cannot have “${odd[0]}”: letters without accents, digits, ` +
            'spaces and the signs of an English keyboard only.');
    }
    if (text.length > MAX.password) {
        return wrong(`Too long by ${characters(text.length - MAX.password)}: a Wi-Fi password ` +
            'has 63 at most.');
    }
    return text && text.length < PASSWORD_MIN
        ? unfinished('A Wi-Fi password has 8 characters or more. Leave this empty if the network ' +
            'has none.') : null;
}

export function checkServer(typed) {
    const text = trimmed(typed);
    const odd = text.match(/[^A-Za-z0-9.-]/u);
    if (text === '') {
        return unfinished('Type the address of the server, such as 192.168.0.2 or ' +
            'gateway.example.org.');
    }
    if (text.includes('/')) {
        return wrong('The address alone, please: no http:// before it and no / behind it.');
    }
    if (text.includes(':')) {
        return wrong('The address alone, please: the port has its own field.');
    }
    if (odd) {
        return wrong(odd[0] === ' ' ? 'An address has no spaces.'
            : `An address cannot have “${odd[0]}”: letters without accents, digits, dots and ` +
                'hyphens only.');
    }
    if (text.length > MAX.server) {
        return wrong(`Too long by ${characters(text.length - MAX.server)}: the device keeps 64.`);
    }
    return /^[0-9.]+$/.test(text) ? checkNumbers(text.split('.')) : checkName(text);
}

function checkNumbers(parts) {
    const last = parts.length - 1;
    const text = 'An address of numbers has four of them with dots between, each 0 to 255 with ' +
        'no zero in front, such as 192.168.0.2.';
    const isWrong = (part, i) => part > 255 || /^0./.test(part) || (!part && i < last);
    if (last > 3 || parts.some(isWrong)) {
        return wrong(text);
    }
    return last < 3 || !parts[last] ? unfinished(text) : null;
}

function checkName(name) {
    const text = 'Each part of a name begins and ends with a letter or digit, and has 63 ' +
        'characters at most.';
    if (/(^|\.)[.-]|-\.|[^.]{64}/.test(name)) {
        return wrong(text);
    }
    return /[.-]$/.test(name) ? unfinished(text) : null;
}

export function checkPort(typed) {
    const text = trimmed(typed);
    if (text === '') {
        return unfinished('Type the port of the server. It is 9998 unless somebody changed it.');
    }
    if (!/^[0-9]+$/.test(text)) {
        return wrong('A port is a number: digits only.');
    }
    return text < 1 || text > MAX.port ? wrong('A port is a number from 1 to 65535.') : null;
}

export function checkKey(text) {
    const key = keyOf(text);
    const odd = key.match(BASE32);
    if (odd) {
        return wrong(`“${odd[0]}” is in no setup key: it has digits and letters only, and never ` +
            'the letter U.');
    }
    if (key.length > KEY_LEN) {
        return wrong(`Too long by ${characters(key.length - KEY_LEN)}: a setup key has 20.`);
    }
    return key.length < KEY_LEN
        ? unfinished(key ? `${key.length} of 20 characters: some are missing.`
            : 'Type the setup key of this device: five groups of four characters.') : null;
}
