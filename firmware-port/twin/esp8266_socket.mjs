#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { existsSync, unlinkSync } from 'node:fs';
import net from 'node:net';
import { createInterface } from 'node:readline';

import { Esp8266 } from './esp8266.mjs';
import { esp8266Command, esp8266FromOptions, esp8266Options, readOptions } from './options.mjs';

/*
 * The module alone, for a device that runs as a program: whoever connects to the socket is at its
 * serial line, which runs at its rate. The module has supply as long as somebody is connected;
 * who comes next may be there before the end of the last one is noticed.
 */
const USAGE = `usage: esp8266_socket.mjs --socket PATH [--network NAME[:KEY]]... [--host NAME=ADDR:PORT]...
    [--access-port PORT] [--at 1|2]
commands on standard input: wifi on|off, module restart|hang MS|refuse N, quit`;
const BYTES_PER_MS = 11.52; // 115 200 baud, 8N1
const STEP_MS = 4;

const say = (event, detail) => process.stdout.write(`${JSON.stringify({ event, ...detail })}\n`);

let present = null; // whoever is at the serial line

function serve(module, serial) {
    let queue = Buffer.alloc(0);
    let sent = performance.now();
    const timer = setInterval(() => {
        const now = performance.now();
        const length = Math.floor((now - sent) * BYTES_PER_MS);
        sent = queue.length > length ? sent + length / BYTES_PER_MS : now;
        if (queue.length > 0) {
            serial.write(queue.subarray(0, length));
            queue = queue.subarray(length);
        }
    }, STEP_MS);
    module.onData = (bytes) => {
        queue = Buffer.concat([queue, bytes]);
    };
    module.backlog = () => queue.length;
    present?.destroy();
    present = serial;
    module.powerOff();
    module.powerOn();
    serial.on('data', (bytes) => {
        if (present === serial) {
            module.write(bytes);
        }
    });
    serial.on('error', () => {});
    serial.on('close', () => {
        clearInterval(timer);
        if (present === serial) {
            present = null;
            module.powerOff();
        }
    });
}

const options = readOptions(USAGE, { socket: { type: 'string' }, ...esp8266Options });
const module = new Esp8266(esp8266FromOptions(options));
module.onEvent = (what, detail) => say('module', { what, detail });
if (existsSync(options.socket)) {
    unlinkSync(options.socket);
}
const server = net.createServer((serial) => serve(module, serial));
server.listen(options.socket, () => say('ready', { socket: options.socket }));
createInterface({ input: process.stdin }).on('line', (line) => {
    const [name, ...words] = line.trim().split(/\s+/);
    if (name === 'quit') {
        process.exit(0);
    }
    say(esp8266Command(module, name, words) ? 'done' : 'unknown', { command: line });
}).on('close', () => process.exit(0));
process.on('exit', () => {
    if (existsSync(options.socket)) {
        unlinkSync(options.socket);
    }
});
