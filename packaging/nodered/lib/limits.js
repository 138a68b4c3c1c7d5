// SPDX-License-Identifier: Apache-2.0
// What a value means, by limits.json.
'use strict';

const NAMES = ['alarmBelow', 'warnBelow', 'warnFrom', 'alarmFrom'];

// Throws an Error that says what is wrong with the file's text.
function check(limits) {
    for (const [vital, words] of [['temperature', 'Cel'], ['heartRate', '/min']]) {
        const these = limits[vital];
        if (these === null || typeof these !== 'object' || these.unit !== words) {
            throw new Error(`${vital}: an object with the unit "${words}" is needed`);
        }
        const set = NAMES.map((name) => these[name]).filter((limit) => limit !== null);
        if (set.some((limit) => !Number.isFinite(limit)) ||
            set.some((limit, i) => i > 0 && limit <= set[i - 1])) {
            throw new Error(`${vital}: ${NAMES.join(' < ')} are needed, numbers or null`);
        }
    }
    return limits;
}

// null when there is nothing to tell, else `{ level, word }`.
function judge(limits, value) {
    const below = (name) => limits[name] !== null && value < limits[name];
    const from = (name) => limits[name] !== null && value >= limits[name];
    if (below('alarmBelow')) {
        return { level: 'alarm', word: 'very low' };
    }
    if (from('alarmFrom')) {
        return { level: 'alarm', word: 'very high' };
    }
    if (below('warnBelow')) {
        return { level: 'warning', word: 'low' };
    }
    return from('warnFrom') ? { level: 'warning', word: 'high' } : null;
}

module.exports = { check, judge };
