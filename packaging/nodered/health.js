#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Exit code 0 when the dashboard serves and has its broker: for a container's health check.
'use strict';

const https = require('node:https');

const port = (process.env.MEDSEC_LISTEN ?? ':1880').split(':').at(-1);
// The certificate is for others; this is the machine itself.
const request = https.get({
    host: '127.0.0.1', port, path: '/healthz', rejectUnauthorized: false, timeout: 5000,
}, (response) => process.exit(response.statusCode === 200 ? 0 : 1));
request.on('timeout', () => process.exit(1));
request.on('error', () => process.exit(1));
