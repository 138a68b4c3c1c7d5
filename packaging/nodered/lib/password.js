// SPDX-License-Identifier: Apache-2.0
// The login file: a line for each user, of what was made of the password and not the password.
//   NAME:scrypt:N:R:P:SALT-HEX:KEY-HEX
//   NAME:pbkdf2-sha256:ITERATIONS:SALT-HEX:KEY-HEX
'use strict';

const crypto = require('node:crypto');
const { promisify } = require('node:util');

const scrypt = promisify(crypto.scrypt);
const pbkdf2 = promisify(crypto.pbkdf2);

const NAME = /^[A-Za-z0-9._-]{1,32}$/;
const HEX = /^([0-9a-f]{2})+$/i;
const KEY_LEN = 32;
const SALT_MIN = 8;
const ITERATIONS_MIN = 100000; // of PBKDF2; makers should take 600 000
const ITERATIONS_MAX = 10000000;
const COST = { N: 32768, r: 8, p: 1 }; // 32 MiB, 60 ms
const COST_MAX = 1 << 20;

const whole = (text) => (/^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : NaN);

function bytes(hex, min) {
    const found = HEX.test(hex ?? '') ? Buffer.from(hex, 'hex') : null;
    return found && found.length >= min && found.length <= 64 ? found : null;
}

// `{ name, salt, key, derive }`, or null.
function parseLine(line) {
    const [name, kind, ...rest] = line.split(':');
    const [salt, key] = [bytes(rest.at(-2), SALT_MIN), bytes(rest.at(-1), KEY_LEN)];
    if (!NAME.test(name) || !salt || key?.length !== KEY_LEN) {
        return null;
    }
    const numbers = rest.slice(0, -2).map(whole);
    if (kind === 'pbkdf2-sha256' && numbers.length === 1 && numbers[0] >= ITERATIONS_MIN &&
        numbers[0] <= ITERATIONS_MAX) {
        return { name, key, derive: (text) => pbkdf2(text, salt, numbers[0], KEY_LEN, 'sha256') };
    }
    const [N, r, p] = numbers;
    if (kind === 'scrypt' && numbers.length === 3 && N >= COST.N / 2 && N <= COST_MAX &&
        (N & (N - 1)) === 0 && r >= 8 && r <= 32 && p >= 1 && p <= 16) {
        const options = { N, r, p, maxmem: 256 * N * r };
        return { name, key, derive: (text) => scrypt(text, salt, KEY_LEN, options) };
    }
    return null;
}

// A Map of users. Throws an Error that names the line, and not what is in it.
function parse(text) {
    const users = new Map();
    text.split('\n').forEach((line, i) => {
        if (line.trim() === '' || line.startsWith('#')) {
            return;
        }
        const user = parseLine(line.trim());
        if (!user) {
            throw new Error(`line ${i + 1} is not NAME:scrypt:... or NAME:pbkdf2-sha256:...`);
        }
        users.set(user.name, user);
    });
    if (users.size === 0) {
        throw new Error('no user in it');
    }
    return users;
}

async function line(name, password) {
    if (!NAME.test(name)) {
        throw new Error('a name has letters, digits, dot, underscore and dash, 32 at the most');
    }
    const salt = crypto.randomBytes(16);
    const key = await scrypt(password, salt, KEY_LEN, { ...COST, maxmem: 256 * COST.N * COST.r });
    return [name, 'scrypt', COST.N, COST.r, COST.p, salt.toString('hex'), key.toString('hex')]
        .join(':');
}

// An unknown name takes as long as a known one, and is told the same.
async function verify(users, name, password) {
    const known = users.get(name);
    const user = known ?? users.values().next().value;
    const key = await user.derive(password);
    return crypto.timingSafeEqual(key, user.key) && known !== undefined;
}

module.exports = { line, parse, verify };
