#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Makes a line of the login file.
//   node login.js add NAME --login-file FILE            the password is standard input's first line
//   node login.js add NAME --login-file FILE --random   makes one, and prints it
// A name that is there already gets the new password. Restart the dashboard afterwards.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');

const password = require('./lib/password');

const USAGE = 'usage: node login.js add NAME --login-file FILE [--random]';
const LENGTH_MIN = 10;

function fail(text, code) {
    process.stderr.write(`${text}\n`);
    process.exit(code);
}

const [verb, name, flag, file, random, ...rest] = process.argv.slice(2);
if (verb !== 'add' || flag !== '--login-file' || !file || rest.length > 0 ||
    (random !== undefined && random !== '--random')) {
    fail(USAGE, 2);
}
const text = random ? crypto.randomBytes(15).toString('base64url')
    : fs.readFileSync(0, 'utf8').split('\n')[0];
if (text.length < LENGTH_MIN) {
    fail(`login.js: a password of ${LENGTH_MIN} characters or more is needed`, 1);
}

password.line(name, text).then((line) => {
    const others = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n')
        .filter((each) => each !== '' && !each.startsWith(`${name}:`)) : [];
    fs.writeFileSync(`${file}.new`, `${[...others, line].join('\n')}\n`, { mode: 0o600 });
    fs.renameSync(`${file}.new`, file);
    if (random) {
        process.stdout.write(`${text}\n`);
    }
}).catch((error) => fail(`login.js: ${error.message}`, 1));
