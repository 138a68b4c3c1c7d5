// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../esp8266_socket.mjs', import.meta.url));

async function until(stream, wanted) {
    let text = '';
    while (!text.includes(wanted)) {
        const [data] = await once(stream, 'data');
        text += data.toString('latin1');
    }
}

async function connect(path) {
    const serial = net.connect(path);
    await once(serial, 'connect');
    return serial;
}

test('who comes before the end of the last one is noticed finds a module with supply', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'medsec-serial-'));
    const path = join(folder, 'serial');
    const module = spawn('node', [PROGRAM, '--socket', path]);
    const ended = once(module, 'exit');
    t.after(async () => {
        module.stdin.end();
        await ended;
        rmSync(folder, { recursive: true });
    });
    await until(module.stdout, '"ready"');
    const first = await connect(path);
    await until(first, '\r\nready\r\n');
    module.kill('SIGSTOP');
    first.destroy();
    await once(first, 'close');
    const second = await connect(path);
    module.kill('SIGCONT');
    await until(second, '\r\nready\r\n');
    second.write('AT\r\n');
    await until(second, '\r\nOK\r\n');
    second.destroy();
    assert.equal(module.exitCode, null);
});
