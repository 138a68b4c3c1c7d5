// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';

import { parseLine } from '../at_line.mjs';
import { Esp8266 } from '../esp8266.mjs';

const NETWORK = { ssid: 'ward', password: 'password' };
const LIMIT_MS = 60000;

/** The processor's end: sends lines, waits for what is to come, and keeps the rest. */
class Host {
    text = '';
    #look = () => {};

    constructor(t, options = {}) {
        this.module = new Esp8266({ networks: [NETWORK], pace: 0, ...options });
        this.module.onData = (bytes) => {
            this.text += Buffer.from(bytes).toString('latin1');
            this.#look();
        };
        this.ports = new Promise((resolve) => {
            this.module.onEvent = (what, detail) => what === 'listening' && resolve(detail);
        });
        t.after(() => this.module.powerOff());
        this.module.powerOn();
    }

    /** Waits until `wanted` came, and takes everything up to it. */
    async until(wanted) {
        const take = () => {
            const at = this.text.indexOf(wanted);
            if (at < 0) {
                return null;
            }
            const taken = this.text.slice(0, at + wanted.length);
            this.text = this.text.slice(at + wanted.length);
            return taken;
        };
        const now = take();
        if (now !== null) {
            return now;
        }
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error(
                `no ${JSON.stringify(wanted)} in ${JSON.stringify(this.text)}`)), LIMIT_MS);
            this.#look = () => {
                const taken = take();
                if (taken !== null) {
                    clearTimeout(timer);
                    this.#look = () => {};
                    resolve(taken);
                }
            };
        });
    }

    say(text) {
        this.module.write(Buffer.from(text, 'latin1'));
    }

    async ask(line, wanted = '\r\nOK\r\n') {
        this.say(`${line}\r\n`);
        return this.until(wanted);
    }
}

async function ready(t, options) {
    const host = new Host(t, options);
    await host.until('\r\nready\r\n');
    await host.ask('ATE0');
    return host;
}

async function station(t, options) {
    const host = await ready(t, options);
    const current = host.module.version === 1 ? '_CUR' : '';
    await host.ask(`AT+CWMODE${current}=1`);
    await host.ask('AT+CIPMUX=1');
    await host.ask(`AT+CWJAP${current}="ward","password"`);
    return host;
}

async function listen(t) {
    const sockets = [];
    let arrived = () => {};
    const server = net.createServer((socket) => {
        sockets.push(socket);
        socket.on('error', () => {});
        arrived(socket);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
        sockets.forEach((socket) => socket.destroy());
        server.close();
    });
    const next = () => new Promise((resolve) => {
        arrived = resolve;
    });
    return { port: server.address().port, next };
}

const bytesOf = (socket, count) => new Promise((resolve) => {
    let all = Buffer.alloc(0);
    socket.on('data', (data) => {
        all = Buffer.concat([all, data]);
        if (all.length >= count) {
            resolve(all.toString('latin1'));
        }
    });
});

test('lines of commands', () => {
    assert.deepEqual(parseLine('AT'), { name: 'AT', kind: 'run', args: [] });
    assert.deepEqual(parseLine('ATE0'), { name: 'ATE0', kind: 'run', args: [] });
    assert.deepEqual(parseLine('AT+RST'), { name: 'RST', kind: 'run', args: [] });
    assert.deepEqual(parseLine('AT+CIPSEND=0,12').args, [0, 12]);
    assert.deepEqual(parseLine('AT+CWJAP="a\\"b\\\\c\\,","p,q"').args, ['a"b\\c,', 'p,q']);
    assert.equal(parseLine('AT+CWMODE?').kind, 'query');
    assert.equal(parseLine('AT+CWMODE=?').kind, 'test');
    for (const line of ['', 'at', 'ATZ', 'AT+CWJAP="a', 'AT+CWJAP="a"b', 'AT+RST1 ', 'XAT',
        'AT+CIPSEND=1x']) {
        assert.equal(parseLine(line), null, line);
    }
});

test('it starts with noise, then it is ready, and echoes until it is told not to', async (t) => {
    const host = new Host(t);
    const before = await host.until('\r\nready\r\n');
    assert.ok(/[^\x20-\x7e\r\n]/.test(before));
    assert.equal(await host.ask('AT'), 'AT\r\r\n\r\nOK\r\n');
    await host.ask('ATE0');
    assert.equal(await host.ask('AT'), '\r\nOK\r\n');
    assert.equal(await host.ask('AT+NONSENSE', '\r\nERROR\r\n'), '\r\nERROR\r\n');
});

test('before it is ready it hears nothing', async (t) => {
    const host = new Host(t);
    host.say('AT+RST\r\n');
    assert.ok(!(await host.until('\r\nready\r\n')).includes('OK'));
    assert.equal(await host.ask('AT'), 'AT\r\r\n\r\nOK\r\n');
    host.say('AT+RST\r\n');
    await host.until('\r\nOK\r\n');
    await new Promise((resolve) => {
        host.module.onEvent = (what) => what === 'started' && resolve();
    });
    host.say('AT+RST\r\n');
    assert.ok(!(await host.until('\r\nready\r\n')).includes('OK'));
});

test('the two kinds of firmware have different names for one thing', async (t) => {
    const old = await ready(t);
    await old.ask('AT+SYSSTORE=0', '\r\nERROR\r\n');
    await old.ask('AT+CWMODE_CUR=1');
    const young = await ready(t, { version: 2 });
    await young.ask('AT+SYSSTORE=0');
    await young.ask('AT+CWMODE_CUR=1', '\r\nERROR\r\n');
    await young.ask('AT+CWMODE=1');
});

test('joining: the right password, a wrong one, no such network', async (t) => {
    const host = await station(t);
    assert.match(await host.ask('AT+CWJAP_CUR="ward","password"'),
        /^WIFI DISCONNECT\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK/);
    assert.match(await host.ask('AT+CWJAP_CUR="ward","wrong"', 'FAIL\r\n'), /\+CWJAP:2\r\n/);
    assert.match(await host.ask('AT+CWJAP_CUR="nobody","x"', 'FAIL\r\n'), /\+CWJAP:3\r\n/);
    await host.ask('AT+CIPSTART=0,"TCP","127.0.0.1",1', 'no ip\r\n\r\nERROR\r\n');
});

test('who asks while it works hears that it is busy', async (t) => {
    const host = await ready(t);
    await host.ask('AT+CWMODE_CUR=1');
    host.say('AT+CWJAP_CUR="ward","password"\r\nAT\r\n');
    await host.until('busy p...\r\n');
    await host.until('\r\nOK\r\n');
    host.module.refusals = 1;
    await host.ask('AT', 'busy p...\r\n');
    await host.ask('AT');
});

for (const version of [1, 2]) {
    test(`firmware ${version}: bytes to a server and back, until it closes`, async (t) => {
        const server = await listen(t);
        const host = await station(t, { version, hosts: { gateway: ['127.0.0.1', server.port] } });
        const accepted = server.next();
        assert.match(await host.ask('AT+CIPSTART=0,"TCP","gateway",9998'), /^0,CONNECT\r\n/);
        const socket = await accepted;
        const got = bytesOf(socket, 9);
        await host.ask('AT+CIPSEND=0,9', version === 1 ? '\r\nOK\r\n> ' : '\r\nOK\r\n\r\n>');
        host.say('AT+RST\r\n\0');
        await host.until('\r\nRecv 9 bytes\r\n');
        await host.until('\r\nSEND OK\r\n');
        assert.equal(await got, 'AT+RST\r\n\0');
        socket.write(Buffer.alloc(3000, 'x'));
        let length = 0;
        while (length < 3000) {
            const head = await host.until(':');
            const [, count] = /^\r\n\+IPD,0,(\d+):$/.exec(head);
            assert.ok(Number(count) <= 1460);
            assert.equal((await host.until('x'.repeat(Number(count)))).length, Number(count));
            length += Number(count);
        }
        socket.end();
        await host.until('0,CLOSED\r\n');
        await host.ask('AT+CIPSEND=0,1', 'link is not valid\r\n\r\nERROR\r\n');
    });
}

test('connections that cannot be made', async (t) => {
    const server = await listen(t);
    const host = await station(t);
    await host.ask('AT+CIPSTART=0,"TCP","10.0.0.1",80', 'DNS Fail\r\n\r\nERROR\r\n');
    await host.ask('AT+CIPSTART=0,"TCP","127.0.0.1",1', '\r\nERROR\r\n0,CLOSED\r\n');
    await host.ask(`AT+CIPSTART=0,"TCP","127.0.0.1",${server.port}`);
    await host.ask(`AT+CIPSTART=0,"TCP","127.0.0.1",${server.port}`,
        'ALREADY CONNECTED\r\n\r\nERROR\r\n');
    await host.ask('AT+CIPSEND=0,2049', '\r\nERROR\r\n');
    await host.ask('AT+CIPSEND=1,1', 'link is not valid\r\n\r\nERROR\r\n');
    await host.ask('AT+CIPCLOSE=0', '0,CLOSED\r\n\r\nOK\r\n');
    await host.ask('AT+CIPCLOSE=0', '\r\nERROR\r\n');
});

test('the network goes and comes back: connections end, it joins by itself', async (t) => {
    const server = await listen(t);
    const host = await station(t);
    await host.ask(`AT+CIPSTART=0,"TCP","127.0.0.1",${server.port}`);
    host.module.setReach(false);
    await host.until('0,CLOSED\r\nWIFI DISCONNECT\r\n');
    host.module.setReach(true);
    await host.until('WIFI CONNECTED\r\nWIFI GOT IP\r\n');
    await host.ask(`AT+CIPSTART=0,"TCP","127.0.0.1",${server.port}`);
});

test('a connection that ends while data are awaited', async (t) => {
    const server = await listen(t);
    const host = await station(t);
    const accepted = server.next();
    await host.ask(`AT+CIPSTART=0,"TCP","127.0.0.1",${server.port}`);
    await host.ask('AT+CIPSEND=0,4', '> ');
    (await accepted).destroy();
    await host.until('0,CLOSED\r\n');
    host.say('1234');
    await host.until('\r\nSEND FAIL\r\n');
    await host.ask('AT');
});

test('its own access point has a server, and five connections at most', async (t) => {
    const host = await ready(t);
    await host.ask('AT+CWMODE_CUR=2');
    await host.ask('AT+CWSAP_CUR="Med_IoT","",5,0,1');
    await host.ask('AT+CIPSERVER=1,80', '\r\nERROR\r\n');
    await host.ask('AT+CIPMUX=1');
    await host.ask('AT+CIPSERVER=1,80');
    const port = await host.ports;
    const clients = [];
    for (let id = 0; id < 5; id++) {
        clients.push(net.connect(port, '127.0.0.1'));
        await host.until(`${id},CONNECT\r\n`);
    }
    const sixth = net.connect(port, '127.0.0.1');
    sixth.on('error', () => {});
    await new Promise((resolve) => sixth.on('close', resolve));
    clients[3].write('GET');
    await host.until('\r\n+IPD,3,3:GET');
    const got = bytesOf(clients[3], 5);
    await host.ask('AT+CIPSEND=3,5', '> ');
    host.say('hello');
    await host.until('SEND OK');
    assert.equal(await got, 'hello');
    await host.ask('AT+CIPCLOSE=3', '3,CLOSED\r\n\r\nOK\r\n');
    clients[0].end();
    await host.until('0,CLOSED\r\n');
    clients.forEach((client) => client.destroy());
});

test('a restart ends everything and begins anew', async (t) => {
    const server = await listen(t);
    const host = await station(t);
    const accepted = server.next();
    await host.ask(`AT+CIPSTART=0,"TCP","127.0.0.1",${server.port}`);
    const socket = await accepted;
    const closed = new Promise((resolve) => socket.on('close', resolve));
    await host.ask('AT+RST');
    await host.until('\r\nready\r\n');
    await closed;
    assert.equal(await host.ask('AT'), 'AT\r\r\n\r\nOK\r\n', 'it echoes again');
    await host.ask('AT+CIPSTART="TCP","127.0.0.1",1', '\r\nERROR\r\n');
});

test('what was stored is joined after a start', async (t) => {
    const host = await ready(t);
    await host.ask('AT+CWMODE=1');
    await host.ask('AT+CWJAP_DEF="ward","password"');
    host.module.powerOff();
    host.module.powerOn();
    await host.until('WIFI GOT IP\r\n');
});

test('a module that hangs neither hears nor speaks', async (t) => {
    const host = await ready(t, { pace: 1 });
    host.module.hang(30);
    host.say('AT\r\n');
    await new Promise((resolve) => host.module.after(40, resolve));
    assert.equal(host.text, '');
    await host.ask('AT');
});

test('no more is taken from a socket than the processor can read', async (t) => {
    const server = await listen(t);
    const host = await station(t);
    let backlog = 10000;
    host.module.backlog = () => backlog;
    const accepted = server.next();
    await host.ask(`AT+CIPSTART=0,"TCP","127.0.0.1",${server.port}`);
    const socket = await accepted;
    socket.write(Buffer.alloc(4 * 1024 * 1024, 'y'));
    const tick = () => new Promise((resolve) => setTimeout(resolve, 5));
    while (!host.module.links[0].socket.isPaused()) {
        await tick();
    }
    assert.ok(host.text.length < 1024 * 1024, `${host.text.length} bytes`);
    backlog = 0;
    while (host.text.length < 4 * 1024 * 1024) {
        await tick();
    }
});
