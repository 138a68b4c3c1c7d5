// SPDX-License-Identifier: Apache-2.0
// Makes the setup page: one HTML file with its script and style in it, and from it page.c, the
// device's whole answer to GET /. Usage: node build.mjs FOLDER

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, gzipSync } from 'node:zlib';

import { buildSync } from 'esbuild';

const RESPONSE_MAX = 12288; // bytes; at the module's 6.7 KB/s it is there in less than 2 s
const LANGUAGE = 'es2020'; // browsers of 2020 and later

const source = (name) => fileURLToPath(new URL(name, import.meta.url));
const sha256 = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

function bundle(entry) {
    const { outputFiles } = buildSync({
        entryPoints: [source(entry)], bundle: true, minify: true, format: 'iife', charset: 'utf8',
        legalComments: 'none', target: LANGUAGE, write: false, logLevel: 'warning',
    });
    return outputFiles[0].text.trim();
}

function page(script, style) {
    const html = readFileSync(source('index.html'), 'utf8').replace(/\n/g, '');
    return html.replace('<style>', () => `<style>${style}`)
        .replace('<script>', () => `<script>${script}`);
}

function head(length, script, style) {
    const policy = [
        "default-src 'none'", `script-src ${sha256(script)}`, `style-src ${sha256(style)}`,
        "connect-src 'self'", 'img-src data:', "base-uri 'none'", "form-action 'none'",
        "frame-ancestors 'none'",
    ];
    return [
        'HTTP/1.1 200 OK',
        'Content-Type: text/html; charset=utf-8',
        'Content-Encoding: gzip',
        `Content-Length: ${length}`,
        'Cache-Control: no-store',
        `Content-Security-Policy: ${policy.join('; ')}`,
        'X-Content-Type-Options: nosniff',
        'Referrer-Policy: no-referrer',
        'Connection: close',
        '', '',
    ].join('\r\n');
}

function arrayOf(bytes) {
    const rows = [];
    for (let at = 0; at < bytes.length; at += 20) {
        rows.push(`    ${[...bytes.subarray(at, at + 20)].join(', ')},`);
    }
    return '#include "page.h"\n\n' +
        `const uint8_t page_response[] = {\n${rows.join('\n')}\n};\n` +
        'const size_t page_response_len = sizeof page_response;\n';
}

const folder = process.argv[2];
const script = bundle('page.js');
const style = bundle('style.css');
const html = page(script, style);
const body = gzipSync(html, { level: 9, memLevel: 9, strategy: constants.Z_DEFAULT_STRATEGY });
const response = Buffer.concat([Buffer.from(head(body.length, script, style)), body]);
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'index.html'), html);
writeFileSync(join(folder, 'response.bin'), response);
writeFileSync(join(folder, 'page.c'), arrayOf(response));
console.log(`setup page: ${response.length} bytes as sent of ${RESPONSE_MAX} at the most ` +
    `(script ${script.length}, style ${style.length}, page ${html.length} before gzip)`);
if (response.length > RESPONSE_MAX) {
    process.exit(1);
}
