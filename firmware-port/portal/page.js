// SPDX-License-Identifier: Apache-2.0

import {
    checkKey, checkPassword, checkPort, checkServer, checkSsid, groupsOf, keyOf, noteOnSsid,
    trimmed,
} from './check.js';
import { decommissionForm, settingsForm } from './form.js';
import { hello, send } from './talk.js';

const $ = (id) => document.getElementById(id);
const checks = {
    ssid: checkSsid, password: checkPassword, server: checkServer, port: checkPort, key: checkKey,
};
const names = Object.keys(checks);
const left = new Set(); // fields that were left once: from then on all is said at once
let busy = false;

function say(status, text, bad = true) {
    status.textContent = text;
    status.classList.toggle('bad', bad && text !== '');
}

function mark(name, text, note) {
    const error = $(`${name}-error`);
    if (error.textContent !== (text || note)) { // or it would be read out at every key
        error.textContent = text || note;
    }
    error.classList.toggle('note', !text);
    $(name).setAttribute('aria-invalid', text !== '');
}

// Says what is wrong with a field, as far as it is time to; true when it is right.
function look(name) {
    const found = checks[name]($(name).value);
    const due = found && (!found.early || left.has(name));
    const note = name === 'ssid' && left.has(name) ? noteOnSsid($(name).value) : '';
    mark(name, due ? found.text : '', note);
    return !found;
}

// The first field of these that is wrong gets the focus; true when there is none.
function allRight(wanted, status) {
    wanted.forEach((name) => left.add(name));
    const bad = wanted.filter((name) => !look(name));
    if (bad.length === 0) {
        return true;
    }
    say(status, bad.length === 1 ? 'One field is not right yet.'
        : `${bad.length} fields are not right yet.`);
    $(bad[0]).focus();
    return false;
}

const failures = {
    absent: 'The device does not answer. Is this phone or computer still in the Wi-Fi “Med_IoT”? ' +
        'Then try again.',
    silent: 'It was sent, but no answer came. If the Wi-Fi “Med_IoT” is still there, try ' +
        'again; if it is gone, the device took it.',
    locked: 'Too many wrong keys. Switch the device off and on, then open this page again.',
    refused: 'The device did not understand this page. Open the page again.',
    contended: 'Somebody else is setting up this device at the same time. Try again.',
    stranger: 'The answer did not come from the device with this setup key. Do not rely on it: ' +
        'switch the device off and on, and try again.',
    notStored: 'The device could not store it: nothing was changed. Try again; if this comes ' +
        'again, its memory is worn out.',
    badForm: 'The device does not take these settings. Please look at each of them again.',
};

const eraseFailures = {
    ...failures,
    notStored: 'The device could not erase all of it. Switch it off and on: it goes on then.',
};

function fail(status, { what, tries }, words) {
    if (what !== 'key') {
        say(status, words[what]);
        return;
    }
    say(status, '');
    mark('key', `This is not the setup key of this device. ${tries === 1 ? 'One more try is'
        : `${tries} more tries are`} left.`, '');
    $('key').focus();
}

function finish(title, text) {
    names.forEach((name) => { $(name).value = ''; });
    $('form').hidden = $('erase').hidden = true;
    document.querySelector('.lead').hidden = true;
    $('done-title').textContent = title;
    $('done-text').textContent = text;
    $('done').hidden = false;
    $('done-title').focus();
}

async function submit(button, status, plain, done, words = failures) {
    busy = true;
    button.setAttribute('aria-disabled', 'true');
    say(status, 'Sending to the device…', false);
    const outcome = await send(keyOf($('key').value), plain);
    busy = false;
    button.removeAttribute('aria-disabled');
    if (outcome.what === 'done') {
        say(status, '');
        done();
    } else {
        fail(status, outcome, words);
    }
}

function save(event) {
    event.preventDefault();
    if (busy || !allRight(names, $('status'))) {
        return;
    }
    const ssid = $('ssid').value;
    const settings = {
        server: trimmed($('server').value), port: Number($('port').value), ssid,
        password: $('password').value,
    };
    submit($('save'), $('status'), settingsForm(settings), () => finish('Saved',
        `The device leaves the Wi-Fi “Med_IoT” now and joins “${ssid}”. You can close this page. ` +
        'If its switch stands on configuration, move it to work.'));
}

function askErase(asked) {
    $('erase-ask').hidden = asked;
    $('erase-sure').hidden = !asked;
    $(asked ? 'erase-no' : 'erase-ask').focus();
}

function erase() {
    if (busy || !allRight(['key'], $('erase-status'))) {
        return;
    }
    submit($('erase-yes'), $('erase-status'), decommissionForm(), () => finish('Erased',
        'The device has forgotten the network, the server and its keys. You can close this page.'),
    eraseFailures);
}

// The QR code of the device opens this page with the key behind the #, which no request shows.
function takeKeyOfAddress() {
    const key = keyOf(location.hash.slice(1));
    if (key) {
        $('key').value = groupsOf(key);
        left.add('key');
        look('key');
        history.replaceState(null, '', location.pathname);
    }
}

names.forEach((name) => {
    $(name).addEventListener('input', () => look(name));
    $(name).addEventListener('blur', () => {
        if ($(name).value && !left.has(name)) {
            left.add(name);
            look(name);
        }
    });
});
// Pressing a button leaves the field before it: what that says would move the button from under
// the finger. So the field keeps the focus until the button has done its work.
document.addEventListener('mousedown', (event) => {
    if (event.target.closest('button, .tick, summary')) {
        event.preventDefault();
    }
});
$('key').addEventListener('change', () => { $('key').value = groupsOf(keyOf($('key').value)); });
$('show').addEventListener('change', () => {
    $('password').type = $('show').checked ? 'text' : 'password';
});
$('form').addEventListener('submit', save);
$('erase-ask').addEventListener('click', () => {
    if (allRight(['key'], $('erase-status'))) {
        say($('erase-status'), '');
        askErase(true);
    }
});
$('erase-no').addEventListener('click', () => askErase(false));
$('erase-yes').addEventListener('click', erase);
takeKeyOfAddress();
hello().then((device) => {
    if (!device || device.tries === 0) {
        say($('status'), failures[device ? 'locked' : 'absent']);
    }
});
