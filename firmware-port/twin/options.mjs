// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util';

const text = { type: 'string' };
const texts = { type: 'string', multiple: true, default: [] };

export function usage(page, message) {
    process.stderr.write(`${message}\n${page}\n`);
    process.exit(2);
}

export function readOptions(page, options) {
    try {
        return parseArgs({ options }).values;
    } catch (error) {
        return usage(page, error.message);
    }
}

/** What the programs with an ESP8266 have in common. */
export const esp8266Options = {
    network: texts,
    host: texts,
    'access-port': text,
    at: { ...text, default: '1' },
};

function network(described) {
    const [ssid, ...password] = described.split(':');
    return { ssid, password: password.join(':') };
}

function host(described) {
    const match = /^([^=]+)=(127\.[\d.]+):(\d+)$/.exec(described);
    if (match === null) {
        throw new Error(`--host ${described}: not NAME=127.0.0.1:PORT`);
    }
    return [match[1], [match[2], Number(match[3])]];
}

export function esp8266FromOptions(options) {
    return {
        networks: options.network.map(network),
        hosts: Object.fromEntries(options.host.map(host)),
        accessPort: Number(options['access-port'] ?? 0),
        version: Number(options.at),
    };
}

/** false: that is no command for it. */
export function esp8266Command(module, name, [what, number]) {
    if (name === 'wifi') {
        module.setReach(what === 'on');
    } else if (name === 'module' && what === 'restart') {
        module.restart();
    } else if (name === 'module' && what === 'hang') {
        module.hang(Number(number));
    } else if (name === 'module' && what === 'refuse') {
        module.refusals = Number(number);
    } else {
        return false;
    }
    return true;
}
