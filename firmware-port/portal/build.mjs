// SPDX-License-Identifier: Apache-2.0
// Makes the setup page: one HTML file with its script and style in it, and from it page.c, the
// device's whole answer to GET /. Usage: node build.mjs FOLDER

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const RESPONSE_MAX = 12288; // bytes; at the module's 6.7 KB/s it is there in less than 2 s
const LANGUAGE = 'es2020'; // browsers of 2020 and later

const source = (name) => fileURLToPath(new URL(name, import.meta.url));
const sha256 = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

// Nobody reads what the library says when it is used wrongly; and esbuild may leave out what is not
// used only when it is told that the call that makes it does nothing else.
const library = {
    name: 'library',
    setup(made) {
        made.onLoad({ filter: /@noble.*\.js$/ }, ({ path }) => ({
            contents: readFileSync(path, 'utf8')
                .replace(/new Error\((?:[^()]|\([^()]*\))*\)/g, 'Error()')
                .replace(/, _poly1305_aead\(/g, ', /* @__PURE__ */ _poly1305_aead('),
        }));
    },
};

async function bundle(entry) {
    const { outputFiles } = await build({
        entryPoints: [source(entry)], bundle: true, minify: true, format: 'iife', charset: 'utf8',
        legalComments: 'none', target: LANGUAGE, write: false, logLevel: 'warning',
        plugins: [library],
    });
    return outputFiles[0].text.trim();
}

function page(script, style) {
    const html = readFileSync(source('index.html'), 'utf8').replace(/\n/g, '');
    return html.replace('<style>', () => `<style>${style}`)
        .replace('<script>', () => `<script>${script}`);
}

// A better packer of the same format: 4 %.
function packed(html) {
    const { status, stdout, stderr, error } = spawnSync('zopfli', ['--i50', '-c', html]);
    if (status !== 0) {
        throw error || new Error(String(stderr));
    }
    return stdout;
}

function head(length, script, style) {
    const policy = [
        "default-src 'none'", `script-src ${sha256(script)}`, `style-src ${sha256(style)}`,
        "connect-src 'self'", 'img-src data:', "form-action 'none'",
        "frame-ancestors 'none'",
    ];
    return [
        'HTTP/1.1 200 OK',
        'Content-Type: text/html; charset=utf-8',
        'Content-Encoding: gzip',
        `Content-Length: ${length}`,
        'Cache-Control: no-store',
        `Content-Security-Policy: ${policy.join('; ')}`,
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
const script = await bundle('page.js');
const style = await bundle('style.css');
const html = page(script, style);
const file = join(folder, 'index.html');
mkdirSync(folder, { recursive: true });
writeFileSync(file, html);
const body = packed(file);
const response = Buffer.concat([Buffer.from(head(body.length, script, style)), body]);
writeFileSync(join(folder, 'response.bin'), response);
writeFileSync(join(folder, 'page.c'), arrayOf(response));
console.log(`setup page: ${response.length} bytes as sent of ${RESPONSE_MAX} at the most ` +
    `(script ${script.length}, style ${style.length}, page ${html.length} before gzip)`);
if (response.length > RESPONSE_MAX) {
    process.exit(1);
}
