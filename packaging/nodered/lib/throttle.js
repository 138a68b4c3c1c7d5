// SPDX-License-Identifier: Apache-2.0
// Slows down guessing of passwords. After five wrong ones from an address each next try has to
// wait, twice as long each time up to a minute; a quarter of an hour after the last wrong one they
// are forgotten, and not by a right one: who has a login of his own may guess another's. Nobody is
// locked out for good: behind one address there may be a whole ward.
'use strict';

const FREE = 5;
const WAIT_MAX_MS = 60000;
const FORGET_MS = 900000;
const ADDRESSES_MAX = 10000;
const AT_ONCE_MAX = 4; // a check of a password takes memory and time

// Whoever has one IPv6 address has the network of it.
function network(address) {
    const plain = String(address).replace(/^::ffff:/, '');
    return plain.includes(':') ? plain.split(':').slice(0, 4).join(':') : plain;
}

class Throttle {
    constructor(now = () => performance.now()) {
        this.now = now;
        this.wrong = new Map(); // the longest silent first
        this.running = 0;
    }

    // Milliseconds to wait before a try; 0: now, and then end() must be called.
    begin(address) {
        const { until } = this.find(network(address));
        const wait = Math.max(0, until - this.now());
        if (wait > 0) {
            return wait;
        }
        if (this.running >= AT_ONCE_MAX) {
            return 1000;
        }
        this.running++;
        return 0;
    }

    end(address, good) {
        this.running--;
        if (good) {
            return;
        }
        const key = network(address);
        const { count } = this.find(key);
        this.wrong.delete(key);
        const wait = count + 1 < FREE ? 0 : Math.min(WAIT_MAX_MS, 1000 * 2 ** (count + 1 - FREE));
        this.wrong.set(key, { count: count + 1, until: this.now() + wait, at: this.now() });
        if (this.wrong.size > ADDRESSES_MAX) {
            this.wrong.delete(this.wrong.keys().next().value);
        }
    }

    find(key) {
        const found = this.wrong.get(key);
        return found && this.now() - found.at < FORGET_MS ? found : { count: 0, until: 0 };
    }
}

module.exports = { Throttle };
