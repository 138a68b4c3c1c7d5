// SPDX-License-Identifier: Apache-2.0
import net from 'node:net';

export const LINKS = 5;

const RESTART_MS = 50;
const JOIN_MS = 700;
const ADDRESS_MS = 300; // DHCP
const SCAN_MS = 1500;
const RETRY_MS = 1000;
const CONNECT_LIMIT_MS = 15000;
const SEND_MAX = 2048;

const MODE_STATION = 1;
const MODE_ACCESS_POINT = 2;

const find = (esp, { ssid }) => esp.networks.find((network) => network.ssid === ssid);
const prefix = (esp, id) => (esp.mux ? `${id},` : '');

/** The network is left: connections end first. */
export function leave(esp) {
    for (const link of esp.links) {
        if (link !== null) {
            link.socket.destroy();
            esp.links[link.id] = null;
            esp.say(`${prefix(esp, link.id)}CLOSED\r\n`);
        }
    }
    esp.joined = null;
    esp.say('WIFI DISCONNECT\r\n');
}

/** Tries again and again, as the module does by itself once it has joined. */
export function keepJoining(esp, wanted) {
    esp.joining = wanted;
    esp.after(RETRY_MS, () => {
        if (esp.joining !== wanted || esp.joined !== null) {
            return;
        }
        const network = find(esp, wanted);
        if (network === undefined || network.password !== wanted.password) {
            keepJoining(esp, wanted);
        } else {
            enter(esp, wanted, () => {});
        }
    });
}

function enter(esp, network, then) {
    esp.say('WIFI CONNECTED\r\n');
    esp.after(ADDRESS_MS, () => {
        if (find(esp, network) === undefined) {
            esp.say('WIFI DISCONNECT\r\n');
            keepJoining(esp, network);
            return;
        }
        esp.joined = network;
        esp.joining = null;
        esp.say('WIFI GOT IP\r\n');
        then();
    });
}

function failJoin(esp, reason) {
    esp.say(`+CWJAP:${reason}\r\n`);
    esp.finish(esp.version === 1 ? 'FAIL' : 'ERROR');
}

function join(esp, [ssid, password], store) {
    if (typeof ssid !== 'string' || typeof password !== 'string' || !(esp.mode & MODE_STATION)) {
        return esp.finish('ERROR');
    }
    const wanted = { ssid, password };
    esp.begin();
    if (esp.joined !== null) {
        leave(esp);
    }
    esp.joining = wanted;
    if (store) {
        esp.stored = wanted;
    }
    const network = find(esp, wanted);
    if (network === undefined) {
        return esp.after(SCAN_MS, () => failJoin(esp, 3));
    }
    return esp.after(JOIN_MS, () => {
        if (network.password !== password) {
            failJoin(esp, 2);
        } else {
            enter(esp, wanted, () => esp.finish('OK'));
        }
    });
}

function open(esp, args) {
    const [id, kind, host, port] = esp.mux ? args : [0, ...args];
    if (!(id >= 0 && id < LINKS) || kind !== 'TCP' || typeof host !== 'string' ||
        !(port > 0 && port < 65536)) {
        return esp.finish('ERROR');
    }
    if (esp.joined === null) {
        esp.say('no ip\r\n');
        return esp.finish('ERROR');
    }
    if (esp.links[id] !== null) {
        esp.say('ALREADY CONNECTED\r\n');
        return esp.finish('ERROR');
    }
    const address = esp.lookUp(host, port);
    esp.begin();
    if (address === null) {
        return esp.after(RETRY_MS, () => {
            esp.say('DNS Fail\r\n');
            esp.finish('ERROR');
        });
    }
    return connect(esp, id, address);
}

function connect(esp, id, [address, port]) {
    const network = esp.joined;
    const socket = net.connect({ host: address, port });
    let over = false;
    const fail = () => {
        socket.destroy();
        if (over) {
            return;
        }
        over = true;
        esp.after(0, () => {
            if (esp.version === 1) {
                esp.finish('ERROR');
                esp.say(`${prefix(esp, id)}CLOSED\r\n`);
            } else {
                esp.say(`${prefix(esp, id)}CLOSED\r\n`);
                esp.finish('ERROR');
            }
        });
    };
    socket.once('error', fail);
    socket.setTimeout(CONNECT_LIMIT_MS, fail);
    socket.once('connect', () => {
        socket.setTimeout(0);
        socket.off('error', fail);
        over = true;
        if (esp.joined !== network) {
            socket.destroy();
            return esp.finish('ERROR');
        }
        esp.adopt(id, socket, false);
        esp.say(`${prefix(esp, id)}CONNECT\r\n`);
        return esp.finish('OK');
    });
}

function linkOf(esp, id) {
    return id >= 0 && id < LINKS ? esp.links[id] : null;
}

function send(esp, args) {
    const [id, length] = esp.mux ? args : [0, ...args];
    const link = linkOf(esp, id);
    if (link === null) {
        esp.say('link is not valid\r\n');
        return esp.finish('ERROR');
    }
    if (!(length > 0 && length <= SEND_MAX)) {
        esp.say('too long\r\n');
        return esp.finish('ERROR');
    }
    return esp.expect(link, length);
}

function close(esp, [id = 0]) {
    const link = linkOf(esp, id);
    if (link === null) {
        esp.say('UNLINK\r\n');
        return esp.finish('ERROR');
    }
    esp.close(link);
    return esp.finish('OK');
}

function serve(esp, [on]) {
    if (on === 0) {
        esp.server?.close();
        esp.server = null;
        return esp.finish('OK');
    }
    if (!esp.mux || !(esp.mode & MODE_ACCESS_POINT)) {
        return esp.finish('ERROR');
    }
    if (esp.server !== null) {
        esp.say('no change\r\n');
    } else {
        esp.listen();
    }
    return esp.finish('OK');
}

function setMux(esp, [on]) {
    if (esp.links.some((link) => link !== null) || (esp.server !== null && !on)) {
        esp.say('link is builded\r\n'); // as it says it
        return esp.finish('ERROR');
    }
    esp.mux = on === 1;
    return esp.finish('OK');
}

function setMode(esp, [mode]) {
    if (!(mode >= 1 && mode <= 3)) {
        return esp.finish('ERROR');
    }
    if (esp.joined !== null && !(mode & MODE_STATION)) {
        leave(esp);
    }
    esp.mode = mode;
    return esp.finish('OK');
}

function describeAccessPoint(esp, [ssid, password, channel, security]) {
    const fits = typeof ssid === 'string' && ssid.length <= 32 && channel >= 1 && channel <= 13 &&
        (security === 0 || password?.length >= 8) && esp.mode & MODE_ACCESS_POINT;
    if (!fits) {
        return esp.finish('ERROR');
    }
    esp.accessPoint = { ssid, channel, security };
    esp.onEvent('access-point', esp.accessPoint);
    return esp.finish('OK');
}

function restart(esp) {
    esp.begin();
    esp.say('\r\nOK\r\n');
    esp.after(RESTART_MS, () => esp.restart());
}

function addresses(esp) {
    if (esp.mode & MODE_ACCESS_POINT) {
        esp.say('+CIFSR:APIP,"192.168.4.1"\r\n+CIFSR:APMAC,"02:00:00:00:00:02"\r\n');
    }
    if (esp.mode & MODE_STATION) {
        esp.say(`+CIFSR:STAIP,"${esp.joined ? '192.168.1.50' : '0.0.0.0'}"\r\n`);
        esp.say('+CIFSR:STAMAC,"02:00:00:00:00:03"\r\n');
    }
    return esp.finish('OK');
}

function status(esp) {
    const open = esp.links.filter((link) => link !== null);
    esp.say(`STATUS:${open.length > 0 ? 3 : esp.joined ? 2 : 5}\r\n`);
    for (const { id, socket } of open) {
        esp.say(`+CIPSTATUS:${id},"TCP","${socket.remoteAddress}",${socket.remotePort},` +
            `${socket.localPort},${esp.server ? 1 : 0}\r\n`);
    }
    return esp.finish('OK');
}

const ok = (esp) => esp.finish('OK');

/** By name, without the _CUR and _DEF of the older firmware. */
const settings = {
    CWMODE: setMode,
    CWJAP: join,
    CWSAP: describeAccessPoint,
    CIPAP: ok,
    CIPSTA: ok,
    CWDHCP: ok,
    UART: ok,
};

const others = {
    AT: ok,
    ATE0: (esp) => {
        esp.echo = false;
        esp.finish('OK');
    },
    ATE1: (esp) => {
        esp.echo = true;
        esp.finish('OK');
    },
    RST: restart,
    GMR: (esp) => {
        esp.say(`AT version:${esp.version === 1 ? '1.7.4.0' : '2.2.1.0'}\r\n`);
        esp.finish('OK');
    },
    CIPMUX: setMux,
    CIPSTART: open,
    CIPSEND: send,
    CIPCLOSE: close,
    CIPSERVER: serve,
    CIPSTO: (esp, [seconds]) => {
        esp.serverTimeout = seconds;
        esp.finish('OK');
    },
    CIFSR: addresses,
    CIPSTATUS: status,
    CWQAP: (esp) => {
        esp.joining = null;
        esp.finish('OK');
        if (esp.joined !== null) {
            leave(esp);
        }
    },
    CWAUTOCONN: (esp, [on]) => {
        esp.stored = on === 0 ? null : esp.stored;
        esp.finish('OK');
    },
    SLEEP: ok,
    CIPDINFO: ok,
};

/** Carries out what parseLine() read. */
export function run(esp, command) {
    if (command === null || command.kind === 'test' || command.kind === 'query') {
        return esp.finish('ERROR');
    }
    const [, base, suffix] = /^(\w+?)(_CUR|_DEF)?$/.exec(command.name);
    if (Object.hasOwn(settings, base)) {
        if (suffix !== undefined && esp.version !== 1) {
            return esp.finish('ERROR');
        }
        const store = suffix === '_DEF' || (suffix === undefined && (esp.version === 1 || esp.store));
        return settings[base](esp, command.args, store);
    }
    if (command.name === 'SYSSTORE' && esp.version !== 1) {
        esp.store = command.args[0] === 1;
        return esp.finish('OK');
    }
    return Object.hasOwn(others, command.name) ? others[command.name](esp, command.args)
        : esp.finish('ERROR');
}
