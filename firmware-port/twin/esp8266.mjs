// SPDX-License-Identifier: Apache-2.0
import net from 'node:net';

import { parseLine } from './at_line.mjs';
import * as commands from './at_commands.mjs';

const { LINKS } = commands;
const PIECE = 1460; // of one +IPD: what a TCP segment brings
const BACKLOG_HIGH = 4096; // bytes on their way to the processor: no more is taken from a socket
const LINE_MAX = 256;

/**
 * An ESP8266 with Espressif's AT firmware: the non-OS one (1.x: commands with _CUR and _DEF) or
 * ESP-AT (2.x: AT+SYSSTORE). Bytes come by write(), answers leave by onData(). Its networks are
 * `networks` ([{ ssid, password }]), behind which stand 127.0.0.0/8 and the names in `hosts`
 * (name -> [address, port]); who joins its own access point connects to 127.0.0.1:accessPort, which is
 * told by onEvent('listening', port). `pace` scales all delays.
 */
export class Esp8266 {
    onData = () => {};
    onEvent = () => {};
    backlog = () => 0; // bytes that onData() got and the processor has not

    inReach = true; // the networks
    refusals = 0; // so many commands are answered "busy p..."

    #settings;
    #line = [];
    #payload = null; // { link, left, parts }: what AT+CIPSEND asked for
    #busy = null; // 'p': a command, 's': a send
    #timers = new Set();
    #era = 0; // counts resets: what began before one does not end after it
    #deaf = false;
    #starting = false; // what comes before it is ready is lost
    #on = false;

    constructor({ networks = [], hosts = {}, accessPort = 0, version = 1, pace = 1 } = {}) {
        this.#settings = { networks, hosts, accessPort, version, pace };
        this.stored = null; // { ssid, password }: joined after each start
        this.links = new Array(LINKS).fill(null);
        this.server = null;
    }

    get version() {
        return this.#settings.version;
    }

    get networks() {
        return this.inReach ? this.#settings.networks : [];
    }

    /** The address behind a host name or an IPv4 address; null: there is none. */
    lookUp(host, port) {
        const known = this.#settings.hosts[host];
        return known ?? (/^127(\.\d{1,3}){3}$/.test(host) ? [host, port] : null);
    }

    after(ms, act) {
        const era = this.#era;
        const timer = setTimeout(() => {
            this.#timers.delete(timer);
            if (era === this.#era) {
                act();
            }
        }, ms * this.#settings.pace);
        this.#timers.add(timer);
    }

    powerOn() {
        this.#on = true;
        this.#begin();
    }

    powerOff() {
        this.#on = false;
        this.#silence();
    }

    /** It starts anew by itself, or because it was told to: connections end, settings are lost. */
    restart() {
        if (this.#on) {
            this.#silence();
            this.#begin();
        }
    }

    #silence() {
        this.#era++;
        this.#timers.forEach(clearTimeout);
        this.#timers.clear();
        this.links.forEach((link) => link?.socket.destroy());
        this.links.fill(null);
        this.server?.close();
        this.server = null;
    }

    #begin() {
        Object.assign(this, { echo: true, mode: this.stored ? 1 : 2, mux: false, joined: null,
            joining: null, serverTimeout: 180, station: false });
        this.#line = [];
        this.#payload = null;
        this.#busy = null;
        this.#deaf = false;
        this.#starting = true;
        // Its ROM speaks at another rate.
        const noise = Array.from({ length: 60 }, (_, i) => (i * 37 + 11) & 0xff).filter((b) => b !== 10);
        this.after(20, () => this.#emit(Buffer.from(noise)));
        this.after(250, () => {
            this.#starting = false;
            this.say('\r\nready\r\n');
            if (this.stored !== null) {
                commands.keepJoining(this, this.stored);
            }
        });
        this.onEvent('started');
    }

    /** Hears and says nothing for `ms`, as it does when its own software hangs. */
    hang(ms) {
        this.#deaf = true;
        this.after(ms, () => {
            this.#deaf = false;
        });
    }

    #emit(bytes) {
        if (this.#on && !this.#deaf) {
            this.onData(bytes);
        }
    }

    say(text) {
        this.#emit(Buffer.from(text, 'latin1'));
    }

    /** The last line of a command's answer; the next command is heard. */
    finish(answer) {
        this.#busy = null;
        this.say(`\r\n${answer}\r\n`);
    }

    /** The command takes time. */
    begin(kind = 'p') {
        this.#busy = kind;
    }

    write(bytes) {
        if (!this.#on || this.#deaf || this.#starting) {
            return;
        }
        for (const byte of bytes) {
            if (this.#payload !== null) {
                this.#takePayload(byte);
            } else if (byte === 0x0a) {
                this.#takeLine();
            } else if (this.#line.length < LINE_MAX) {
                this.#line.push(byte);
            }
        }
    }

    #takeLine() {
        const text = Buffer.from(this.#line).toString('latin1').replace(/\r$/, '');
        this.#line = [];
        if (text === '') {
            return;
        }
        if (this.echo) {
            this.say(`${text}\r\r\n`);
        }
        if (this.#busy !== null || this.refusals > 0) {
            this.refusals = Math.max(0, this.refusals - 1);
            this.say(`busy ${this.#busy ?? 'p'}...\r\n`);
            return;
        }
        const command = parseLine(text);
        this.onEvent('command', command?.name ?? text);
        commands.run(this, command);
    }

    /** AT+CIPSEND: the next `length` bytes are data. */
    expect(link, length) {
        this.#payload = { link, left: length, parts: [] };
        this.say(this.version === 1 ? '\r\nOK\r\n> ' : '\r\nOK\r\n\r\n>');
    }

    #takePayload(byte) {
        const payload = this.#payload;
        payload.parts.push(byte);
        if (--payload.left === 0) {
            this.#payload = null;
            this.#send(payload);
        }
    }

    #send({ link, parts }) {
        this.say(`\r\nRecv ${parts.length} bytes\r\n`);
        this.begin('s');
        this.#tellOfVisitor(link, 'answer');
        const era = this.#era;
        link.socket.write(Buffer.from(parts), (error) => {
            if (era === this.#era) {
                this.after(3, () => {
                    this.#tellOfVisitor(link, 'answered');
                    this.finish(error ? 'SEND FAIL' : 'SEND OK');
                });
            }
        });
    }

    #tellOfVisitor(link, what) {
        if (link.incoming) {
            this.onEvent(what, link.id);
        }
    }

    /** A connection is there: what arrives goes to the processor. */
    adopt(id, socket, incoming) {
        const link = { id, socket, incoming };
        const era = this.#era;
        this.links[id] = link;
        socket.setNoDelay(true);
        socket.on('data', (data) => {
            if (era === this.#era) {
                this.#bring(link, data);
            }
        });
        socket.on('error', () => {});
        socket.on('close', () => {
            if (era === this.#era && this.links[id] === link) {
                this.#ended(link);
            }
        });
        if (incoming && this.serverTimeout > 0) {
            socket.setTimeout(this.serverTimeout * 1000, () => socket.destroy());
        }
        return link;
    }

    #bring(link, data) {
        this.#tellOfVisitor(link, 'request');
        for (let at = 0; at < data.length; at += PIECE) {
            const piece = data.subarray(at, at + PIECE);
            this.say(`\r\n+IPD,${this.mux ? `${link.id},` : ''}${piece.length}:`);
            this.#emit(piece);
        }
        if (this.backlog() > BACKLOG_HIGH) {
            link.socket.pause();
            this.#resumeLater(link);
        }
    }

    #resumeLater(link) {
        this.after(20 / (this.#settings.pace || 1), () => {
            if (this.backlog() > BACKLOG_HIGH / 2) {
                this.#resumeLater(link);
            } else {
                link.socket.resume();
            }
        });
    }

    #ended(link) {
        this.links[link.id] = null;
        this.onEvent('closed', link.id);
        this.say(`${this.mux ? `${link.id},` : ''}CLOSED\r\n`);
    }

    /** The processor closes a connection: told at once. */
    close(link) {
        this.#ended(link);
        link.socket.end();
        link.socket.resume();
    }

    listen() {
        this.server = net.createServer({ allowHalfOpen: false }, (socket) => this.#accept(socket));
        this.server.on('error', (error) => this.onEvent('error', error.message));
        this.server.listen(this.#settings.accessPort, '127.0.0.1', () => {
            this.#settings.accessPort = this.server.address().port; // the same one next time
            this.onEvent('listening', this.#settings.accessPort);
        });
    }

    #accept(socket) {
        const id = this.links.indexOf(null);
        if (id < 0) {
            socket.destroy();
            return;
        }
        if (!this.station) {
            this.station = true;
            this.say('+STA_CONNECTED:"02:00:00:00:00:01"\r\n');
            this.say('+DIST_STA_IP:"02:00:00:00:00:01","192.168.4.2"\r\n');
        }
        this.onEvent('visitor', id);
        this.say(`${id},CONNECT\r\n`);
        this.adopt(id, socket, true);
    }

    /** The access point it has joined goes away, or comes back. */
    setReach(inReach) {
        this.inReach = inReach;
        if (!inReach && this.joined !== null) {
            const network = this.joined;
            commands.leave(this);
            commands.keepJoining(this, network);
        }
    }
}
