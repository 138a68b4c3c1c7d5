// SPDX-License-Identifier: Apache-2.0
// Which topics the dashboard reads, and whose device a message is about. What is not exactly one of
// these is nobody's: topics come from the broker, and are not trusted.
'use strict';

const ID = /^[A-Za-z0-9._-]{1,64}$/; // medsec_device_id_check
const KINDS = new Map([
    ['Reading', 'reading'], ['Readings', 'readings'], ['Status', 'status'], ['Profile', 'profile'],
    ['Physiological_Data/Heart_Rate', 'heart'],
    ['Physiological_Data/Heart_Rate/Reason', 'heartReason'],
    ['Ip_address', 'deviceAddress'], ['Port_address', 'devicePort'],
    ['Internal_Server/Ip_address', 'serverAddress'], ['Internal_Server/Port_address', 'serverPort'],
]);

const isDevice = (id) => typeof id === 'string' && ID.test(id) && id !== '.' && id !== '..';

// `{ id, kind }`, or null.
function parse(topic) {
    if (typeof topic !== 'string' || !topic.startsWith('Pico/')) {
        return null;
    }
    const end = topic.indexOf('/', 5);
    const id = topic.slice(5, end);
    const kind = KINDS.get(topic.slice(end + 1));
    return end > 5 && kind && isDevice(id) ? { id, kind } : null;
}

const filters = [...KINDS.keys()].map((suffix) => `Pico/+/${suffix}`);

module.exports = { filters, isDevice, parse };
