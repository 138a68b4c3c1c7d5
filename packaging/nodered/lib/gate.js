// SPDX-License-Identifier: Apache-2.0
// What stands before every page, every file of the dashboard and its socket: security headers, the
// login, and the few answers that need none (/login, /logout, /healthz).
'use strict';

const { verify } = require('./password');
const loginPage = require('./login_page');

const COOKIE = '__Host-medsec';
const EVENTS_MAX = 300; // of a tab in EVENTS_MS: one that is opened asks for each of its widgets
const EVENTS_MS = 10000;
const SOCKETS_MAX = 20; // of a session
const CLOSE_MS = 1000;
const BODY_MAX = 1024;
const BODY_MS = 10000;

// 'unsafe-eval': the dashboard compiles its templates in the browser. No script stands in a page,
// none comes from elsewhere. No HSTS: it would hold for every port of the host's name.
const HEADERS = {
    'Content-Security-Policy': "default-src 'none'; script-src 'self' 'unsafe-eval'; " +
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; " +
        "base-uri 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'same-origin', // with no-referrer a form's Origin is null
    'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
};

function headers(req, res, next) {
    res.removeHeader('X-Powered-By');
    for (const [name, value] of Object.entries(HEADERS)) {
        res.setHeader(name, value);
    }
    next();
}

// Node-RED's editor has scripts in its page.
function editorHeaders(req, res, next) {
    headers(req, res, () => {
        res.setHeader('Content-Security-Policy',
            "frame-ancestors 'none'; object-src 'none'; base-uri 'self'");
        next();
    });
}

function cookie(req) {
    const found = (req.headers.cookie ?? '').split(';').map((each) => each.trim())
        .find((each) => each.startsWith(`${COOKIE}=`));
    return found?.slice(COOKIE.length + 1);
}

// Browsers say where a request that changes something, or a socket, comes from.
function isForeign(req) {
    const { origin, host } = req.headers;
    return origin !== undefined && origin !== `https://${host}`;
}

function body(req) {
    return new Promise((resolve, reject) => {
        let text = '';
        const timer = setTimeout(() => reject(new Error('slow')), BODY_MS);
        req.setEncoding('utf8');
        req.on('data', (more) => {
            text += more;
            if (text.length > BODY_MAX) {
                reject(new Error('long'));
            }
        });
        req.on('end', () => resolve(new URLSearchParams(text)));
        req.on('error', reject);
        req.on('close', () => clearTimeout(timer));
    });
}

// What a tab may send: that it is there, and what it looks at. The widgets' own events would reach
// what other tabs see.
function isLooking([event, id, message]) {
    return (event === 'widget-load' && typeof id === 'string') ||
        (event === 'widget-send' && id === 'frame' && message !== null &&
            typeof message === 'object' && !Array.isArray(message));
}

function limited(now = () => performance.now()) {
    let count = 0;
    let since = now();
    return () => {
        if (now() - since > EVENTS_MS) {
            [count, since] = [0, now()];
        }
        count++;
        return count <= EVENTS_MAX;
    };
}

// `state`: { users, sessions, throttle, log, isHealthy, onlyLooking }
function gate(state) {
    const { sessions, throttle } = state;

    const show = (res, code, message) => {
        res.statusCode = code;
        res.setHeader('Content-Type', 'text/html; charset=utf-8');
        res.setHeader('Cache-Control', 'no-store');
        res.end(loginPage(message));
    };
    const go = (res, where) => {
        res.statusCode = 303;
        res.setHeader('Cache-Control', 'no-store');
        res.setHeader('Location', where);
        res.end();
    };
    const setCookie = (res, value, seconds) => {
        res.setHeader('Set-Cookie',
            `${COOKIE}=${value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=${seconds}`);
    };

    // 0: right; -1: wrong; else milliseconds to wait before a try.
    async function authenticate(from, name, password) {
        const wait = throttle.begin(from);
        if (wait > 0) {
            return wait;
        }
        let good = false;
        try {
            good = await verify(state.users, name, password);
        } finally {
            throttle.end(from, good);
        }
        if (!good) {
            state.log(`wrong login from ${from}`);
        }
        return good ? 0 : -1;
    }

    async function login(req, res) {
        const form = await body(req);
        const name = form.get('user') ?? '';
        const password = form.get('password') ?? '';
        const answer = await authenticate(req.socket.remoteAddress, name, password);
        if (answer > 0) {
            const seconds = Math.ceil(answer / 1000);
            res.setHeader('Retry-After', seconds);
            show(res, 429, `Too many tries. Wait ${seconds} s.`);
        } else if (answer < 0) {
            show(res, 401, 'Wrong name or password.');
        } else {
            setCookie(res, sessions.open(name), Math.floor(sessions.lifetimeMs / 1000));
            go(res, '/dashboard/ward');
        }
    }

    function open(req, res) {
        const path = req.url.split('?')[0];
        if (path === '/healthz') {
            const good = state.isHealthy();
            res.statusCode = good ? 200 : 503;
            res.setHeader('Content-Type', 'text/plain');
            res.end(good ? 'ok\n' : 'the broker is away\n');
        } else if (path === '/login' && req.method === 'GET') {
            show(res, 200, '');
        } else if (path === '/login' && req.method === 'POST' && !isForeign(req)) {
            login(req, res).catch(() => req.destroy());
        } else if (path === '/logout' && req.method === 'POST' && !isForeign(req)) {
            sessions.close(cookie(req));
            setCookie(res, '', 0);
            go(res, '/login');
        } else {
            return false;
        }
        return true;
    }

    function pages(req, res, next) {
        if (open(req, res)) {
            return;
        }
        if (sessions.find(cookie(req))) {
            if (req.url === '/') {
                go(res, '/dashboard/ward');
                return;
            }
            next();
        } else if (req.method === 'GET' && req.headers.accept?.includes('text/html')) {
            go(res, '/login');
        } else {
            res.statusCode = 401;
            res.end();
        }
    }

    const isIn = (req) => sessions.find(cookie(req)) !== null && !isForeign(req);

    // For socket.io. The session that ends takes its sockets along. The first socket shows the
    // server that has them: from then on strangers are refused before they are one.
    function socket(io, next) {
        const req = io.client.request;
        io.server.engine.opts.allowRequest ??= (each, answer) => answer(null, isIn(each));
        const session = sessions.find(cookie(req));
        if (!isIn(req) || session.sockets.size >= SOCKETS_MAX) {
            next(new Error('not logged in'));
            setTimeout(() => io.conn.close(), CLOSE_MS).unref(); // when it was told
            return;
        }
        const isWithin = limited();
        io.use((packet, pass) => {
            if (isWithin() && (!state.onlyLooking || isLooking(packet))) {
                pass();
            }
        });
        session.sockets.add(io);
        io.conn.on('close', () => session.sockets.delete(io));
        next();
    }

    return { authenticate, editorHeaders, pages: [headers, pages], socket };
}

module.exports = { gate };
