// SPDX-License-Identifier: Apache-2.0
// The login page: no script, nothing loaded. `message` is one of ours, never of the request.
'use strict';

const STYLE = `
:root { color-scheme: light dark; --ground: #eef1f6; --card: #fff; --text: #14181f; --soft: #4a5160;
    --line: #79818f; --act: #0b57a4; --on-act: #fff; --bad: #a3120c; }
@media (prefers-color-scheme: dark) { :root { --ground: #0e1116; --card: #181d26; --text: #eef1f6;
    --soft: #c3cad6; --line: #8891a0; --act: #8cc4ff; --on-act: #06121f; --bad: #ff9d94; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 16px;
    background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
form { width: 100%; max-width: 360px; padding: 28px; border-radius: 14px; background: var(--card);
    box-shadow: 0 2px 18px #0003; }
h1 { margin: 0 0 2px; font-size: 24px; }
p { margin: 0 0 18px; color: var(--soft); }
label { display: block; margin: 14px 0 4px; font-weight: 600; }
input { width: 100%; min-height: 46px; padding: 8px 12px; border: 1px solid var(--line);
    border-radius: 8px; background: var(--ground); color: var(--text); font: inherit; }
button { width: 100%; min-height: 48px; margin-top: 22px; border: 0; border-radius: 8px;
    background: var(--act); color: var(--on-act); font: inherit; font-weight: 700;
    cursor: pointer; }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
[role=alert] { margin: 0; color: var(--bad); font-weight: 600; }`;

module.exports = (message) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Ward – log in</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<link rel="icon" href="data:,">
<style>${STYLE}</style></head><body>
<form method="post" action="/login">
<h1>Ward</h1><p>Vital signs of all devices</p>
<div role="alert">${message}</div>
<label for="user">Name</label>
<input id="user" name="user" autocomplete="username" maxlength="32"
    autocapitalize="none" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
    maxlength="200" required>
<button>Log in</button>
</form></body></html>
`;
