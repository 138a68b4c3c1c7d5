// SPDX-License-Identifier: Apache-2.0
// Node-RED's settings. docs/deploy.md, "Dashboard", has the environment that they are made from.
'use strict';

const path = require('node:path');

const { SettingsError, settings } = require('./lib/environment');
const { flows, credentials } = require('./flows/flows');
const { gate } = require('./lib/gate');
const { Sessions } = require('./lib/sessions');
const { Throttle } = require('./lib/throttle');
const { Viewers } = require('./lib/viewers');
const { Ward } = require('./lib/ward');
const storage = require('./lib/storage');

function given() {
    try {
        return settings(process.env);
    } catch (error) {
        if (!(error instanceof SettingsError)) {
            throw error;
        }
        process.stderr.write(`medsec-dashboard: ${error.message}\n`);
        process.exit(3);
    }
}

const {
    broker, credentialSecret, devicesMax, editor, limits, listen, sessionHours, tls, userDir, users,
} = given();
const flow = { flows: flows(limits), credentials };
const ward = new Ward({ limits, devicesMax });
const viewers = new Viewers(ward);
const sessions = new Sessions(sessionHours * 3600000);
setInterval(() => sessions.expire(), 10000).unref();

// The flow takes these by name; a password is then not in a flow, and not in the process's
// arguments.
process.env.MEDSEC_MQTT_URL = broker.url;
process.env.MEDSEC_MQTT_CA = broker.ca;
process.env.MEDSEC_MQTT_USER = broker.user;
process.env.MEDSEC_MQTT_PASSWORD = broker.password;

const { authenticate, editorHeaders, pages, socket } = gate({
    users, sessions, throttle: new Throttle(), isHealthy: () => viewers.broker.up,
    onlyLooking: !editor,
    log: (text) => process.stderr.write(`medsec-dashboard: ${text}\n`),
});

module.exports = {
    uiHost: listen.host,
    uiPort: listen.port,
    https: tls,
    httpsRefreshInterval: 1, // hours: a renewed certificate needs no restart
    httpNodeAuth: pages,
    dashboard: { ioMiddleware: socket, maxHttpBufferSize: 16384 },
    functionGlobalContext: { ward, viewers },
    functionExternalModules: false,
    externalModules: { autoInstall: false, palette: { allowInstall: false, allowUpload: false } },
    mqttReconnectTime: 3000,
    telemetry: { enabled: false, updateNotification: false },
    diagnostics: { enabled: false },
    runtimeState: { enabled: false },
    editorTheme: { tours: false },
    logging: {
        console: { level: process.env.MEDSEC_LOG_LEVEL ?? 'warn', metrics: false, audit: false },
    },
    credentialSecret,
    ...(editor ? storage.onDisk(path.resolve(userDir),
        { ...flow, users, sessionHours, authenticate, editorHeaders }) : storage.inMemory(flow)),
};
