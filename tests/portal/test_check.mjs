// SPDX-License-Identifier: Apache-2.0
// What the page says of what is typed. A row: what is typed, and a word of what must be said;
// `early` when that has to wait until the field is left.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
    checkKey, checkPassword, checkPort, checkServer, checkSsid, groupsOf, keyOf, noteOnSsid,
} from '../../firmware-port/portal/check.js';

const RIGHT = null;
const early = (word) => ({ word, early: true });
const at_once = (word) => ({ word, early: false });

const rows = {
    ssid: [checkSsid, [
        ['', early('name of your Wi-Fi')], ['a', RIGHT], ['a b', RIGHT], ['"\\,', RIGHT],
        ['x'.repeat(32), RIGHT], ['x'.repeat(33), at_once('by 1')], ['é'.repeat(16), RIGHT],
        ['é'.repeat(17), at_once('by 2')], ['😀'.repeat(8), RIGHT], ['😀'.repeat(9), at_once('by 4')],
        ['a\u0007', at_once('cannot be seen')], ['a\u007f', at_once('cannot be seen')],
        ['a\u009f', at_once('cannot be seen')], ['a\u00a0b', RIGHT],
    ]],
    password: [checkPassword, [
        ['', RIGHT], ['1234567', early('8 characters')], ['12345678', RIGHT], [' !"#$%&\\', RIGHT],
        ['~'.repeat(63), RIGHT], ['~'.repeat(64), at_once('by 1 character:')],
        ['~'.repeat(65), at_once('by 2 characters:')], ['passwörd', at_once('“ö”')],
        ['😀', at_once('“😀”')], ['tab\there', at_once('“\t”')],
    ]],
    server: [checkServer, [
        ['', early('address')], ['  ', early('address')], ['192.168.0.2', RIGHT],
        [' 192.168.0.2 ', RIGHT], ['255.255.255.255', RIGHT], ['256.1.1.1', at_once('0 to 255')],
        ['1.2.3.04', at_once('no zero in front')], ['1.2.3', early('four')],
        ['1.2.3.', early('four')],
        ['1..3', at_once('four')], ['.', at_once('four')], ['1.2.3.4.5', at_once('four')],
        ['1.2.3.4.', at_once('four')], ['12', early('four')], ['gateway', RIGHT],
        ['gateway.example.org', RIGHT], ['a-b.c', RIGHT], ['a-', early('ends with')],
        ['a.', early('ends with')],
        ['-a', at_once('ends with')], ['a-.b', at_once('ends with')],
        ['a.-b', at_once('ends with')],
        ['a..b', at_once('begins')], ['.a', at_once('begins')],
        ['a.12', RIGHT], ['http://a', at_once('no http')], ['a/b', at_once('no http')],
        ['a:9998', at_once('its own field')], ['a b', at_once('no spaces')],
        ['a_b', at_once('“_”')], ['bücher.de', at_once('“ü”')], ['a'.repeat(63), RIGHT],
        ['a'.repeat(64), at_once('63')],
        [`${'a'.repeat(32)}.${'b'.repeat(31)}`, RIGHT],
        [`${'a'.repeat(32)}.${'b'.repeat(32)}`, at_once('by 1 character:')],
    ]],
    port: [checkPort, [
        ['', early('9998')], ['9998', RIGHT], [' 9998 ', RIGHT], ['1', RIGHT], ['65535', RIGHT],
        ['0', at_once('1 to 65535')], ['65536', at_once('1 to 65535')], ['-1', at_once('digits')],
        ['1e3', at_once('digits')], ['99 98', at_once('digits')], ['٣', at_once('digits')],
    ]],
    key: [checkKey, [
        ['', early('five groups')], ['0123-4567-89AB-CDEF-GHJK', RIGHT],
        ['0123456789abcdefghjk', RIGHT], ['0123 4567 89AB CDEF GHJK', RIGHT],
        ['OIL3-4567-89AB-CDEF-GHJK', RIGHT], ['MNPQ-RSTV-WXYZ-0123-4567', RIGHT],
        ['0123-4567-89AB', early('12 of 20')], ['U', at_once('“U”')], ['!', at_once('“!”')],
        ['0123-4567-89AB-CDEF-GHJK-M', at_once('by 1 character:')],
    ]],
};

for (const [field, [check, table]] of Object.entries(rows)) {
    for (const [typed, wanted] of table) {
        test(`${field}: ${JSON.stringify(typed)}`, () => {
            const said = check(typed);
            if (wanted === RIGHT) {
                assert.equal(said, null);
                return;
            }
            assert.ok(said, 'nothing is said');
            assert.ok(said.text.includes(wanted.word), said.text);
            assert.equal(said.early, wanted.early);
        });
    }
}

test('a key is read as it is meant, and shown in groups', () => {
    assert.equal(keyOf(' o1il-ab '), '0111AB');
    assert.equal(groupsOf('0123456789ABCDEFGHJK'), '0123-4567-89AB-CDEF-GHJK');
    assert.equal(groupsOf('01234'), '0123-4');
    assert.equal(groupsOf('0123'), '0123');
});

test('a space at an end of a network name is pointed out, not refused', () => {
    assert.equal(checkSsid('home '), null);
    assert.match(noteOnSsid('home '), /space/);
    assert.equal(noteOnSsid('my home'), '');
});
