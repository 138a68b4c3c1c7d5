// SPDX-License-Identifier: Apache-2.0
// The whole way, as in life: simulated devices -> gateway -> broker with TLS, logins and access
// rules -> dashboard; and a subscriber of its own that sees what the broker has.

import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
    closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync,
} from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { folder as dashboard, require } from './modules.mjs';

export const USER = 'nurse';
export const PASSWORD = 'correct horse battery';
const PASSWORDS = { gateway: 'gateway-password-1', dashboard: 'dashboard-password-2',
    watcher: 'watcher-password-3' };
// What goes right costs none of it, however slow the machine.
export const PATIENCE_MS = 300000;

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

export async function until(what, condition) {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
        const found = await condition();
        if (found) {
            return found;
        }
        if (performance.now() > end) {
            throw new Error(`not in ${PATIENCE_MS} ms: ${what}`);
        }
        await sleep(100);
    }
}

// One below those that the system gives to connections: a broker that starts again finds it free.
async function freePort() {
    for (;;) {
        const port = randomInt(10000, 32000);
        const server = net.createServer();
        const bound = new Promise((resolve) => {
            server.on('listening', () => resolve(true)).on('error', () => resolve(false));
        });
        server.listen(port, '127.0.0.1');
        if (await bound) {
            server.close();
            await once(server, 'close');
            return port;
        }
    }
}

export class Scene {
    // `build`: with the programs; `folder`: for everything that is made.
    constructor(build, folder) {
        Object.assign(this, { build, folder, processes: new Map(), latest: new Map(),
            order: new Map(), counted: 0, readings: 0 });
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(join(folder, 'devices'), { recursive: true });
    }

    path(name) {
        return join(this.folder, name);
    }

    run(program, args, input) {
        return execFileSync(program, args, { input, encoding: 'utf8', stdio: 'pipe' });
    }

    keygen(...args) {
        return this.run(join(this.build, 'cli/medsec-keygen'), [...args, '--registry',
            this.path('medsec.db')]);
    }

    start(name, program, args, env = {}, stdin = 'ignore') {
        const log = openSync(this.path(`${name}.log`), 'a');
        const process_ = spawn(program, args, {
            env: { PATH: process.env.PATH, HOME: this.folder, ...env }, stdio: [stdin, log, log],
        });
        closeSync(log);
        this.processes.set(name, process_);
        return process_;
    }

    async stop(name) {
        const process_ = this.processes.get(name);
        this.processes.delete(name);
        if (!process_ || process_.exitCode !== null || process_.signalCode !== null) {
            return;
        }
        const ended = once(process_, 'exit');
        process_.kill('SIGCONT');
        process_.kill('SIGTERM');
        const late = setTimeout(() => process_.kill('SIGKILL'), PATIENCE_MS);
        await ended;
        clearTimeout(late);
    }

    log(name) {
        const file = this.path(`${name}.log`);
        return existsSync(file) ? readFileSync(file, 'utf8') : '';
    }

    secret(name, text) {
        writeFileSync(this.path(name), text, { mode: 0o600 });
        return this.path(name);
    }

    certificates() {
        this.run('openssl', [
            'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
            '-keyout', this.path('key.pem'), '-out', this.path('cert.pem'), '-days', '2',
            '-subj', '/CN=localhost',
            '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']);
    }

    // `medsec1` and `seed` devices: bed-0001 ..., seed-0001 ...
    devices(medsec1, seed) {
        this.keygen('init');
        this.keygen('add', 'bed', '--count', String(medsec1), '--out', this.path('devices'));
        this.keygen('add', 'seed', '--count', String(seed), '--wire', 'seed', '--out',
            this.path('devices'));
        const ids = (prefix, count) => Array.from({ length: count }, (_, i) =>
            `${prefix}-${String(i + 1).padStart(4, '0')}`);
        this.ids = [...ids('bed', medsec1), ...ids('seed', seed)];
    }

    async startBroker() {
        this.brokerPort ??= await freePort();
        const grants = this.secret('grants', 'dashboard read *\nwatcher read *\n');
        this.keygen('broker-acl', '--format', 'mosquitto', '--grants', grants, '--out',
            this.path('acl'));
        writeFileSync(this.path('passwords'), '', { mode: 0o600 });
        for (const [user, password] of Object.entries(PASSWORDS)) {
            this.run('mosquitto_passwd', ['-b', this.path('passwords'), user, password]);
        }
        writeFileSync(this.path('mosquitto.conf'), [
            `listener ${this.brokerPort} 127.0.0.1`, 'user root',
            `certfile ${this.path('cert.pem')}`, `keyfile ${this.path('key.pem')}`,
            'allow_anonymous false', `password_file ${this.path('passwords')}`,
            `acl_file ${this.path('acl')}`, 'set_tcp_nodelay true', 'max_queued_messages 0', '',
        ].join('\n'));
        const places = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto'];
        const broker = places.find(existsSync) ?? 'mosquitto';
        this.start('broker', broker, ['-c', this.path('mosquitto.conf')]);
        await until('the broker listens', () => new Promise((resolve) => {
            const socket = net.connect(this.brokerPort, '127.0.0.1');
            socket.on('connect', () => socket.end(() => resolve(true)));
            socket.on('error', () => resolve(false));
        }));
    }

    async startGateway(publish = 'fields,reading') {
        this.gatewayPort ??= await freePort();
        const before = this.log('gateway').length;
        this.start('gateway', join(this.build, 'cli/medsec-proxy'), [
            '--registry', this.path('medsec.db'), '--listen', `127.0.0.1:${this.gatewayPort}`,
            '--broker', `mqtts://localhost:${this.brokerPort}`,
            '--broker-ca', this.path('cert.pem'), '--broker-user', 'gateway', '--broker-password-file',
            this.secret('gateway.password', PASSWORDS.gateway), '--publish', publish,
            '--mqtt-client', 'mosquitto']);
        await until('the gateway listens', () =>
            / listening /.test(this.log('gateway').slice(before)));
    }

    // As the devices' wires say; each line to its standard input moves the vitals.
    startSim(...more) {
        this.sim = this.start('sim', join(this.build, 'cli/medsec-sim'), [
            '--connect', `127.0.0.1:${this.gatewayPort}`,
            '--credentials', this.path('devices'), '--menu', ...more], {}, 'pipe');
    }

    move(step, times, device) {
        this.sim.stdin.write(`${step} ${device}\n`.repeat(times));
    }

    async startDashboard(env = {}) {
        this.port ??= await freePort();
        if (!existsSync(this.path('login'))) {
            this.run(process.execPath, [fileURLToPath(new URL('login.js', dashboard)), 'add', USER,
                '--login-file',
                this.path('login')], `${PASSWORD}\n`);
        }
        this.start('dashboard', process.execPath,
            [fileURLToPath(new URL('node_modules/node-red/red.js', dashboard)),
            '--settings', fileURLToPath(new URL('settings.js', dashboard))], {
            MEDSEC_LISTEN: `127.0.0.1:${this.port}`,
            MEDSEC_MQTT_URL: `mqtts://localhost:${this.brokerPort}`,
            MEDSEC_MQTT_CA: this.path('cert.pem'), MEDSEC_MQTT_USER: 'dashboard',
            MEDSEC_MQTT_PASSWORD_FILE: this.secret('dashboard.password', PASSWORDS.dashboard),
            MEDSEC_HTTPS_CERT: this.path('cert.pem'), MEDSEC_HTTPS_KEY: this.path('key.pem'),
            MEDSEC_LOGIN_FILE: this.path('login'), ...env,
        });
        await until('the dashboard has its broker', async () => (await this.health()) === 200)
            .catch((error) => { throw new Error(`${error.message}\n${this.log('dashboard')}`); });
    }

    get url() {
        return `https://localhost:${this.port}`;
    }

    health() {
        return new Promise((resolve) => {
            https.get({ host: '127.0.0.1', port: this.port, path: '/healthz',
                rejectUnauthorized: false, agent: false },
                (res) => { res.resume(); resolve(res.statusCode); }).on('error', () => resolve(0));
        });
    }

    client(user) {
        const mqtt = require('mqtt');
        return mqtt.connectAsync(`mqtts://localhost:${this.brokerPort}`, {
            username: user, password: PASSWORDS[user], ca: readFileSync(this.path('cert.pem')),
            connectTimeout: PATIENCE_MS,
        });
    }

    // Keeps the newest payload of each topic, as `latest`.
    async subscribe() {
        this.watcher = await this.client('watcher');
        this.watcher.on('message', (topic, payload) => {
            this.latest.set(topic, payload.toString());
            this.order.set(topic, this.counted++);
            this.readings += topic.endsWith('/Reading');
        });
        const topics = ['Reading', 'Status', 'Physiological_Data/Heart_Rate/#', 'Ip_address',
            'Port_address', 'Internal_Server/#'];
        await this.watcher.subscribeAsync(topics.map((topic) => `Pico/+/${topic}`));
    }

    // Its rate, or 'none' when the gateway's last word was why there is none.
    heartRate(device) {
        const topic = `Pico/${device}/Physiological_Data/Heart_Rate`;
        const isRate = (this.order.get(topic) ?? -1) > (this.order.get(`${topic}/Reason`) ?? -1);
        return isRate ? this.latest.get(topic) : 'none';
    }

    values(device) {
        const text = this.latest.get(`Pico/${device}/Reading`);
        return text ? JSON.parse(text).values : null;
    }

    // Anything, as the gateway could.
    async publish(topic, payload, options) {
        this.forger ??= await this.client('gateway');
        await this.forger.publishAsync(topic, payload, { qos: 1, ...options });
    }

    // Seconds of processor that a process took so far.
    cpu(name) {
        const file = `/proc/${this.processes.get(name).pid}/stat`;
        const stat = readFileSync(file, 'utf8').split(') ')[1].split(' ');
        return (Number(stat[11]) + Number(stat[12])) / 100;
    }

    async end() {
        await Promise.all([this.watcher?.endAsync(true), this.forger?.endAsync(true)]);
        await Promise.all(['sim', 'dashboard', 'gateway', 'broker'].map((name) => this.stop(name)));
    }
}
