// SPDX-License-Identifier: Apache-2.0
// Who is logged in. In memory only: after a restart everybody logs in again.
'use strict';

const crypto = require('node:crypto');

const SESSIONS_MAX = 1000;
const OF_ONE_MAX = 100; // so that nobody logs the others out
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

// What is stored does not log anybody in.
const digest = (token) => crypto.createHash('sha256').update(token).digest('hex');

class Sessions {
    constructor(lifetimeMs, now = () => performance.now()) {
        Object.assign(this, { lifetimeMs, now });
        this.sessions = new Map(); // the oldest first
    }

    open(user) {
        const his = [...this.sessions].filter(([, session]) => session.user === user);
        if (his.length >= OF_ONE_MAX) {
            this.end(his[0][0]);
        }
        const token = crypto.randomBytes(32).toString('base64url');
        const until = this.now() + this.lifetimeMs;
        this.sessions.set(digest(token), { user, until, sockets: new Set() });
        if (this.sessions.size > SESSIONS_MAX) {
            this.end(this.sessions.keys().next().value);
        }
        return token;
    }

    // null: not logged in, or not any more.
    find(token) {
        this.expire();
        return typeof token === 'string' && TOKEN.test(token)
            ? this.sessions.get(digest(token)) ?? null : null;
    }

    close(token) {
        if (this.find(token)) {
            this.end(digest(token));
        }
    }

    end(key) {
        const { sockets } = this.sessions.get(key);
        this.sessions.delete(key);
        sockets.forEach((socket) => socket.disconnect(true));
    }

    expire() {
        for (const [key, { until }] of this.sessions) {
            if (until <= this.now()) {
                this.end(key);
            }
        }
    }
}

module.exports = { Sessions };
