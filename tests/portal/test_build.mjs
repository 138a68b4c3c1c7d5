// SPDX-License-Identifier: Apache-2.0
// What the build made: the answer to GET / as the device sends it.
// Usage: node test_build.mjs FOLDER

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const folder = process.argv[2];
const portal = new URL('../../firmware-port/portal/', import.meta.url);
const response = readFileSync(join(folder, 'response.bin'));
const end = response.indexOf('\r\n\r\n') + 4;
const head = response.subarray(0, end).toString('latin1');
const body = response.subarray(end);
const html = gunzipSync(body).toString('utf8');
const inside = (tag) => html.match(new RegExp(`<${tag}>(.*)</${tag}>`, 's'))[1];
const hash = (text) => createHash('sha256').update(text).digest('base64');

test('it has 12 288 bytes or less', () => {
    assert.ok(response.length <= 12288, `${response.length} bytes`);
});

test('its head says what follows', () => {
    const lines = head.trimEnd().split('\r\n');
    assert.equal(lines[0], 'HTTP/1.1 200 OK');
    for (const wanted of [`Content-Length: ${body.length}`, 'Content-Encoding: gzip',
        'Content-Type: text/html; charset=utf-8', 'Cache-Control: no-store', 'Connection: close']) {
        assert.ok(lines.includes(wanted), wanted);
    }
});

test('only the script and the style that are in it may run', () => {
    const policy = head.match(/^Content-Security-Policy: (.*)\r$/m)[1];
    assert.ok(policy.startsWith("default-src 'none'; "));
    assert.ok(policy.includes(`script-src 'sha256-${hash(inside('script'))}';`));
    assert.ok(policy.includes(`style-src 'sha256-${hash(inside('style'))}';`));
    assert.ok(policy.includes("connect-src 'self';"));
    assert.ok(!/unsafe|\*|https?:/.test(policy));
});

test('it loads nothing from elsewhere', () => {
    assert.deepEqual(html.match(/(src|href)=("[^"]*"|\S+)/g), ['href="data:,"']);
    assert.ok(!/@import|url\(/.test(inside('style')));
});

test('the C array is the same bytes', () => {
    const rows = readFileSync(join(folder, 'page.c'), 'utf8').match(/\{([^}]*)\}/)[1];
    assert.deepEqual(Buffer.from(rows.match(/\d+/g).map(Number)), response);
});

test('made again it is the same', () => {
    const again = mkdtempSync(join(tmpdir(), 'medsec-portal-'));
    try {
        const program = fileURLToPath(new URL('build.mjs', portal));
        const made = spawnSync(process.execPath, [program, again]);
        assert.equal(made.status, 0, String(made.stderr));
        assert.deepEqual(readFileSync(join(again, 'response.bin')), response);
    } finally {
        rmSync(again, { recursive: true });
    }
});

test('the lock file names no host, and everything by its hash', () => {
    const text = readFileSync(new URL('package-lock.json', portal), 'utf8');
    const packages = Object.entries(JSON.parse(text).packages).filter(([name]) => name !== '');
    assert.ok(!text.includes('://registry') && !text.includes('"resolved"'));
    assert.deepEqual(packages.filter(([, entry]) => !/^sha512-/.test(entry.integrity)), []);
});
