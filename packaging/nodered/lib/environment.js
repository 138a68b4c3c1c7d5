// SPDX-License-Identifier: Apache-2.0
// The settings, from the environment and the files that it names. Whatever is wrong is said with
// what to do, and nothing starts.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const limits = require('./limits');
const password = require('./password');

class SettingsError extends Error {}

function read(name, file, what) {
    if (!file) {
        throw new SettingsError(`${name} is not set: ${what}`);
    }
    try {
        return fs.readFileSync(file, 'utf8');
    } catch (error) {
        throw new SettingsError(`${name}: ${file}: ${error.code ?? error.message}: ${what}`);
    }
}

function checked(name, file, what, parse) {
    const text = read(name, file, what);
    try {
        return parse(text);
    } catch (error) {
        throw new SettingsError(`${name}: ${file}: ${error.message}`);
    }
}

function whole(name, text, [least, most]) {
    const number = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
    if (!(number >= least && number <= most)) {
        throw new SettingsError(`${name}: a number from ${least} to ${most} is needed`);
    }
    return number;
}

function address(name, text) {
    const found = /^(?:\[([0-9A-Fa-f:]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
    if (!found) {
        throw new SettingsError(`${name}: ADDRESS:PORT is needed`);
    }
    return { host: found[1] ?? found[2], port: whole(name, found[3], [0, 65535]) };
}

const firstLine = (text) => text.split('\n')[0].trimEnd();

function broker(env) {
    const url = env.MEDSEC_MQTT_URL ?? 'mqtts://127.0.0.1:8883';
    if (!/^mqtts?:\/\/[A-Za-z0-9.[\]:_-]+$/.test(url)) {
        throw new SettingsError('MEDSEC_MQTT_URL: mqtts://HOST[:PORT] is needed, or mqtt://');
    }
    const file = env.MEDSEC_MQTT_PASSWORD_FILE;
    const ca = env.MEDSEC_MQTT_CA ?? '';
    if (ca) {
        read('MEDSEC_MQTT_CA', ca, 'the certificate of the authority that signed the broker\'s');
    }
    return {
        url, ca, user: env.MEDSEC_MQTT_USER ?? '',
        password: file ? firstLine(read('MEDSEC_MQTT_PASSWORD_FILE', file, 'one line')) : '',
    };
}

function settings(env) {
    const tls = () => ({
        cert: read('MEDSEC_HTTPS_CERT', env.MEDSEC_HTTPS_CERT, 'a certificate (PEM) is needed'),
        key: read('MEDSEC_HTTPS_KEY', env.MEDSEC_HTTPS_KEY, 'its key (PEM) is needed'),
    });
    tls();
    const editor = env.MEDSEC_EDITOR === '1';
    const userDir = env.MEDSEC_USER_DIR;
    if (editor && !userDir) {
        throw new SettingsError('MEDSEC_EDITOR=1 needs MEDSEC_USER_DIR: a folder to write in');
    }
    const secret = env.MEDSEC_CREDENTIAL_SECRET_FILE;
    return {
        tls, editor, userDir, broker: broker(env),
        listen: address('MEDSEC_LISTEN', env.MEDSEC_LISTEN ?? '0.0.0.0:1880'),
        users: checked('MEDSEC_LOGIN_FILE', env.MEDSEC_LOGIN_FILE,
            'make it with `node login.js add NAME --login-file FILE`', password.parse),
        limits: checked('MEDSEC_LIMITS_FILE',
            env.MEDSEC_LIMITS_FILE ?? path.join(__dirname, '../limits.json'), 'see limits.json',
            (text) => limits.check(JSON.parse(text))),
        sessionHours: whole('MEDSEC_SESSION_HOURS', env.MEDSEC_SESSION_HOURS ?? '12', [1, 720]),
        devicesMax: whole('MEDSEC_DEVICES_MAX', env.MEDSEC_DEVICES_MAX ?? '1000', [1, 10000]),
        credentialSecret: secret
            ? firstLine(read('MEDSEC_CREDENTIAL_SECRET_FILE', secret, 'one line')) : undefined,
    };
}

module.exports = { SettingsError, settings };
