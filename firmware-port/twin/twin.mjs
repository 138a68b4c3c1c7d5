#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { openSync, readFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { Esp8266 } from './esp8266.mjs';
import { Flash } from './flash.mjs';
import { esp8266Command, esp8266FromOptions, esp8266Options, readOptions, usage } from
    './options.mjs';
import { Pico } from './pico.mjs';
import { readUf2 } from './uf2.mjs';

const USAGE = `usage: twin.mjs --flash FILE [--uf2 FILE]... [OPTION]...
A Pico with an ESP8266 and sensors, emulated. Events go to standard output, one JSON object a line;
commands come from standard input, one a line.

  --flash FILE          its flash, kept from one run to the next
  --uf2 FILE            dropped onto its USB drive before it starts
  --network NAME[:KEY]  a Wi-Fi network in reach (again for more)
  --host NAME=ADDR:PORT where a server of that name is (again for more)
  --access-port PORT    where its own access point's server is found on 127.0.0.1 (any)
  --switch work|configuration
  --at 1|2              AT firmware of the ESP8266
  --noise live|dead     ring oscillator
  --seed N              of what the sensors see
  --record FILE         each sample of the pulse sensor: [start, nanoseconds, raw]
  --off                 the supply is off until the command 'power on'

commands: switch work|configuration, power on|off|cycle, cut N SHARE (the supply goes at the N-th
  operation on the flash from the next start on), wifi on|off, module restart|hang MS|refuse N,
  motion on|off|hang, thermometer on|off|garble N, patient CELSIUS, led, state, quit`;

function say(event, detail) {
    process.stdout.write(`${JSON.stringify({ event, ...detail })}\n`);
}

const text = { type: 'string' };
const options = readOptions(USAGE, {
    ...esp8266Options,
    flash: text,
    uf2: { ...text, multiple: true, default: [] },
    switch: { ...text, default: 'work' },
    noise: { ...text, default: 'live' },
    seed: { ...text, default: '1' },
    record: text,
    off: { type: 'boolean', default: false },
});

function makeModule() {
    const module = new Esp8266(esp8266FromOptions(options));
    module.onEvent = (what, detail) => say('module', { what, detail, seconds: pico.nanos / 1e9 });
    return module;
}

function makePico() {
    const flash = new Flash(options.flash);
    for (const path of options.uf2) {
        readUf2(readFileSync(path)).forEach(({ offset, data }) => flash.load(offset, data));
    }
    const pico = new Pico({ flash, module: makeModule(), seed: Number(options.seed),
        noise: options.noise });
    pico.switchWork = options.switch === 'work';
    pico.onEvent = (what, detail) => say(what, { detail, start: pico.starts });
    if (options.record !== undefined) {
        const file = openSync(options.record, 'a', 0o600);
        pico.onPulse = (raw, nanos) => writeSync(file,
            `[${pico.starts},${Math.round(nanos)},${raw}]\n`);
    }
    return pico;
}

const hex = (value) => `0x${value.toString(16)}`;

function state(pico) {
    const { chip } = pico;
    say('state', {
        on: pico.on,
        starts: pico.starts,
        seconds: pico.nanos / 1e9,
        cycles: chip?.core.cycles,
        stack: hex(Math.min(pico.minStack, chip?.minStack ?? Infinity)),
        overruns: pico.overruns + (chip?.uart[0].overruns ?? 0),
        flash: pico.flash.operations,
        wire: pico.thermometer.violations,
    });
}

const isOn = (word) => word === 'on';

const commands = {
    switch: (pico, [to]) => pico.setSwitch(to === 'work'),
    power(pico, [what]) {
        if (what !== 'on') {
            pico.powerOff();
        }
        if (what !== 'off') {
            pico.powerOn();
        }
    },
    cut(pico, [after, share = '0.5']) {
        pico.flashCut = { after: Number(after), share: Number(share) };
    },
    motion(pico, [what]) {
        if (what === 'hang') {
            pico.mpu.hang();
        } else {
            pico.mpu.present = isOn(what);
            pico.mpu.power();
        }
    },
    thermometer(pico, [what, number]) {
        if (what === 'garble') {
            pico.thermometer.garbles = Number(number);
        } else {
            pico.thermometer.present = isOn(what);
        }
    },
    patient(pico, [celsius]) {
        pico.patient = Number(celsius);
    },
    led: (pico) => say('led', { edges: pico.leds }),
    state,
    quit: () => process.exit(0),
};

if (options.flash === undefined) {
    usage(USAGE, 'twin.mjs: --flash is needed');
}
// A part of the emulator speaks here, not to its logger: what it warns of is wrong too.
console.warn = (message) => {
    throw new Error(message);
};
const pico = makePico();
process.on('exit', () => {
    state(pico);
    pico.flash.close();
});
for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => process.exit(0));
}
createInterface({ input: process.stdin }).on('line', (line) => {
    const [name, ...words] = line.trim().split(/\s+/);
    if (Object.hasOwn(commands, name)) {
        commands[name](pico, words);
        say('done', { command: line });
    } else {
        say(esp8266Command(pico.module, name, words) ? 'done' : 'unknown', { command: line });
    }
}).on('close', () => process.exit(0));
if (!options.off) {
    pico.powerOn();
}
