// SPDX-License-Identifier: Apache-2.0
// Where the flow comes from. Without the editor it is made from its sources at each start, and
// nothing is written anywhere.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

// As Node-RED keeps them; it warns of others. What is in them is no secret, nor is this one kept.
function sealed(credentials, secret) {
    const iv = crypto.randomBytes(16);
    const key = crypto.createHash('sha256').update(secret).digest();
    const cipher = crypto.createCipheriv('aes-256-ctr', key, iv);
    const bytes = Buffer.concat([cipher.update(JSON.stringify(credentials)), cipher.final()]);
    return { $: iv.toString('hex') + bytes.toString('base64') };
}

function inMemory({ flows, credentials }) {
    const secret = crypto.randomBytes(32).toString('hex');
    const nothing = () => Promise.resolve({});
    const module_ = {
        init: () => Promise.resolve(),
        getFlows: () => Promise.resolve(flows),
        getCredentials: () => Promise.resolve(sealed(credentials, secret)),
        getSettings: nothing, getSessions: nothing,
        saveFlows: nothing, saveCredentials: nothing, saveSettings: nothing, saveSessions: nothing,
        getLibraryEntry: () => Promise.reject(new Error('no library')),
        saveLibraryEntry: () => Promise.reject(new Error('no library')),
    };
    return {
        storageModule: module_, readOnly: true, httpAdminRoot: false, disableEditor: true,
        userDir: path.join(__dirname, '..'), credentialSecret: secret,
    };
}

// With the editor: the flow begins as ours, and is its user's from then on. Who may edit it can run
// anything in this process; the names are those of the login file.
function onDisk(userDir, { flows, credentials, users, sessionHours, authenticate, editorHeaders }) {
    process.umask(0o077); // Node-RED keeps sessions of the editor in files there
    const begin = (name, value) => {
        try {
            fs.writeFileSync(path.join(userDir, name), JSON.stringify(value, null, 2),
                { mode: 0o600, flag: 'wx' });
        } catch (error) {
            if (error.code !== 'EEXIST') {
                throw error;
            }
        }
    };
    begin('flows.json', flows);
    begin('flows_cred.json', credentials);
    const editor = (name) => (users.has(name) ? { username: name, permissions: '*' } : null);
    return {
        userDir, flowFile: 'flows.json', httpAdminRoot: '/editor',
        httpAdminMiddleware: editorHeaders,
        adminAuth: {
            type: 'credentials', sessionExpiryTime: sessionHours * 3600,
            users: async (name) => editor(name),
            authenticate: async (name, text) => {
                const answer = await authenticate('editor', String(name), String(text));
                return answer === 0 ? editor(name) : null;
            },
        },
    };
}

module.exports = { inMemory, onDisk };
