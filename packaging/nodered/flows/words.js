// SPDX-License-Identifier: Apache-2.0
// What the pages make of a row: methods of both pages' components. flows.js puts the lines between
// the marks into them; the browser's parser of templates knows no `??`, `?.` and spread.
'use strict';

module.exports = {
    // words: begin
    // Alarm limits are the server's. Whether a value is old is this tab's to say: `age` in ms, or
    // null.
    levelOf(row, age) {
        if (age === null || age > 3600000) {
            return row.online === true ? 'silent' : 'off';
        }
        return age > 10000 ? 'silent' : row.level;
    },
    isOld(level) {
        return level === 'silent' || level === 'off';
    },
    // Never by colour alone: a symbol and a word.
    name(level) {
        return {
            alarm: ['▲', 'ALARM'], silent: ['⊘', 'NO DATA'], warning: ['!', 'Warning'],
            ok: ['✓', 'OK'], off: ['○', 'Off'],
        }[level];
    },
    told(finding) {
        const vitals = { temperature: 'temperature', heart: 'heart rate', readings: 'readings' };
        return vitals[finding.vital] + ' ' + finding.word;
    },
    // Why there is no heart rate; '' when there is one, or nothing is known.
    poorOf(row, level) {
        const known = {
            starting: 'measuring', flat: 'no pulse signal', noisy: 'signal too unsteady',
            gap: 'signal was interrupted', slow: 'too few readings',
            pace: 'readings come unevenly',
        };
        const { reason, state } = row.heart;
        if (this.isOld(level) || state !== 'poor') {
            return '';
        }
        return Object.hasOwn(known, reason) ? known[reason] : reason;
    },
    why(row, level) {
        if (this.isOld(level)) {
            const last = row.level === 'alarm' && level === 'silent'
                ? 'last was ' + this.told(row.findings[0]) + '; ' : '';
            return last + (row.online === true ? 'connected, but sends nothing'
                : 'not connected' + (row.reason ? ' (' + row.reason + ')' : ''));
        }
        return row.findings.map((each) => this.told(each)).join(', ');
    },
    ago(age) {
        if (age === null) {
            return 'not yet';
        }
        const s = Math.floor(age / 1000);
        if (s < 2) {
            return 'now';
        }
        return (s < 120 ? s + ' s' : s < 7200 ? Math.floor(s / 60) + ' min'
            : Math.floor(s / 3600) + ' h') + ' ago';
    },
    unitOf(unit) {
        const known = { Cel: '°C', '[g]': 'g' };
        return Object.hasOwn(known, unit) ? known[unit] : unit;
    },
    heartOf(row, level) {
        const { value } = row.heart;
        return value === null || this.isOld(level) ? '–' : String(Math.round(value));
    },
    // performance.now() may stand still while a computer sleeps, and Date.now() may be set.
    passed(mark) {
        return Math.max(performance.now() - mark.at, Date.now() - mark.wall);
    },
    mark() {
        return { at: performance.now(), wall: Date.now() };
    },
    // words: end
};
