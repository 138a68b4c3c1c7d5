// SPDX-License-Identifier: Apache-2.0
// The flow, as Node-RED takes it: broker -> ward; tabs say what they look at -> viewers; four times
// a second the viewers' frames -> widgets, each message for one tab (_client.socketId).
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const { filters } = require('../lib/topics');
const { GAUGES } = require('../lib/viewers');

const TICK_S = 0.25;
const source = (name) => fs.readFileSync(path.join(__dirname, name), 'utf8');
const words = source('words.js').split(/^ *\/\/ words: (?:begin|end)$/m)[1];
const component = (name) => source(`${name}.vue`).replace(/^ *\/\/ words\.js$/m, () => words);
const [GOOD, WARN, BAD] = ['#2e7d32', '#b26a00', '#d32f2f'];
const TILT = ['#1f6fb8', '#0a7f8c', '#1f6fb8'];

// Names of what is not secret: settings.js sets them.
const credentials = {
    'config-broker': { user: '${MEDSEC_MQTT_USER}', password: '${MEDSEC_MQTT_PASSWORD}' },
};

const broker = () => [{
    id: 'config-broker', type: 'mqtt-broker', name: 'gateway\'s broker',
    broker: '${MEDSEC_MQTT_URL}', port: '', tls: 'config-tls', usetls: true, clientid: '',
    autoConnect: true, protocolVersion: '4',
    keepalive: '30', cleansession: true, autoUnsubscribe: true,
}, {
    id: 'config-tls', type: 'tls-config', name: 'the broker\'s authority', cert: '', key: '',
    ca: '${MEDSEC_MQTT_CA}', verifyservercert: true,
}];

// One node takes all topics: it subscribes to them one by one.
const feed = () => [
    ...filters.map((topic, i) => ({
        id: `in-${i}`, type: 'mqtt in', z: 'flow', name: '', topic, qos: '0', datatype: 'buffer',
        broker: 'config-broker', nl: false, rap: true, rh: 0, inputs: 0, x: 180, y: 60 + 40 * i,
        wires: [['ingest']],
    })),
    node('function', 'ingest', [480, 220], [], {
        name: 'ward', func: "global.get('ward').ingest(msg.topic, msg.payload);", outputs: 0,
    }),
    node('status', 'link', [180, 500], ['broker-state'], { scope: ['in-0'], name: 'broker' }),
    node('function', 'broker-state', [480, 500], [], {
        name: 'broker state', func: "global.get('viewers').setBroker(msg.status.fill === 'green');",
        outputs: 0,
    }),
];

const node = (type, id, [x, y], next, more) => ({
    id, type, z: 'flow', x, y, wires: Array.isArray(next[0]) ? next : [next], ...more,
});

const OUTPUTS = ['ward', 'header', 'chart', ...GAUGES];
const frames = () => [
    node('inject', 'tick', [180, 600], ['frames'], {
        name: '4 a second', props: [], repeat: String(TICK_S), once: true, onceDelay: '0.5',
    }),
    node('function', 'frames', [480, 600], OUTPUTS.map((name) => (['x', 'y', 'z'].includes(name)
        ? [name, `slider-${name}`] : [name])), {
        name: 'frames', outputs: OUTPUTS.length,
        func: `const made = global.get('viewers').frames();\nreturn [${OUTPUTS
            .map((name) => `made.${name}`).join(', ')}];`,
    }),
    node('function', 'watch', [480, 700], [], {
        name: 'who looks at what', outputs: 0,
        func: "global.get('viewers').watch(msg._client.socketId, msg.payload);",
    }),
];

const page = (id, name, order, more) => ({
    id: `page-${id}`, type: 'ui-page', name, ui: 'config-ui', path: `/${id}`, icon: 'home',
    layout: 'grid',
    theme: 'config-theme', order, className: `medsec-${id}-page`, visible: 'true',
    disabled: 'false',
    breakpoints: [
        { name: 'Phone', px: '0', cols: '6' }, { name: 'Desktop', px: '960', cols: '12' },
    ], ...more,
});

const group = (id, pageId, name, width, order) => ({
    id: `group-${id}`, type: 'ui-group', name, page: `page-${pageId}`, width: String(width),
    height: '1',
    order, showTitle: name !== '', className: `medsec-group-${id}`, visible: 'true',
    disabled: 'false',
    groupType: 'default',
});

const dashboard = () => [
    {
        id: 'config-ui', type: 'ui-base', name: 'Ward', path: '/dashboard', appIcon: '',
        includeClientData: true,
        acceptsClientConfig: ['ui-chart', 'ui-control', 'ui-gauge', 'ui-notification', 'ui-slider',
            'ui-template'],
        headerContent: 'none', navigationStyle: 'none', titleBarStyle: 'fixed', allowInstall: false,
        showPathInSidebar: false, showReconnectNotification: false,
        showDisconnectNotification: false,
        notificationDisplayTime: 5,
    },
    {
        id: 'config-theme', type: 'ui-theme', name: 'Ward',
        colors: {
            surface: '#ffffff', primary: '#0b57a4', bgPage: '#eef1f6', groupBg: '#ffffff',
            groupOutline: '#d3d9e3',
        },
        sizes: {
            density: 'default', pagePadding: '12px', groupGap: '12px', groupBorderRadius: '12px',
            widgetGap: '8px',
        },
    },
    page('ward', 'Ward', 1), page('device', 'Device', 2, { visible: 'false' }),
    group('ward', 'ward', '', 12, 1),
    group('header', 'device', '', 12, 1), group('pulse', 'device', 'Pulse signal (V)', 12, 2),
    group('heat', 'device', 'Temperatures', 6, 3), group('tilt', 'device', 'Accelerometer', 6, 4),
];

const template = (id, where, next, more) => ({
    id, type: 'ui-template', z: 'flow', name: id, group: '', page: '', ui: '', order: 1, width: 0,
    height: 0, head: '', format: id === 'style' ? source('style.css') : component(id),
    storeOutMessages: false, passthru: false, resendOnRefresh: false, templateScope: 'local',
    className: '', wires: [next],
    ...where, ...more,
});

const segments = (colors, from) => colors.map((color, i) =>
    ({ from: String(from[i]), color, text: '', textType: 'label' }));

const gauge = (id, groupId, order, more) => ({
    id, type: 'ui-gauge', z: 'flow', name: id, group: `group-${groupId}`, order, width: '2',
    height: '3',
    gtype: 'gauge-34', gstyle: 'rounded', value: 'payload', valueType: 'msg', prefix: '',
    suffix: '',
    icon: '', sizeThickness: '14', sizeGap: '4', sizeKeyThickness: '6', styleRounded: true,
    styleGlow: false, alwaysShowTitle: false, floatingTitlePosition: 'top-left',
    className: `medsec-gauge medsec-${id}`, wires: [[]], ...more,
});

const AXES = ['x', 'y', 'z'];
const BOARD = { units: '°C', min: 0, max: 70, segments: segments([GOOD, WARN, BAD], [0, 40, 60]) };
// The patient's gauge has the colours of the limits.
function patient({ alarmBelow, warnBelow, warnFrom, alarmFrom }) {
    const all = [[30, BAD], [alarmBelow, WARN], [warnBelow, GOOD], [warnFrom, WARN], [alarmFrom,
    BAD]];
    const used = all.filter(([from], i) => i === 0 || from !== null);
    return gauge('temperature', 'heat', 1, {
        title: 'Patient', units: '°C', min: 30, max: 45,
        segments: segments(used.map(([, color]) => color), used.map(([from]) => from)),
    });
}

const gauges = (limits) => [
    patient(limits.temperature),
    gauge('mcu', 'heat', 2, { title: 'MCU', ...BOARD }),
    gauge('mpu', 'heat', 3, { title: 'MPU', ...BOARD }),
    ...AXES.map((axis, i) => gauge(axis, 'tilt', i + 1, {
        title: axis.toUpperCase(), units: 'g', min: -1, max: 1, segments: segments(TILT, [-1, -0.33,
        0.33]),
    })),
];

// Shown, never moved: CSS takes the pointer away, and nothing is wired to them.
const sliders = () => AXES.map((axis, i) => ({
    id: `slider-${axis}`, type: 'ui-slider', z: 'flow', name: axis, group: 'group-tilt',
    order: i + 4,
    width: '2', height: '1', label: axis.toUpperCase(), tooltip: '', passthru: false, outs: 'end',
    topic: '', topicType: 'str', min: '-1', max: '1', step: '0.01', thumbLabel: 'false',
    showTicks: 'false', className: 'medsec-slider', iconPrepend: '', iconAppend: '', color: '',
    colorTrack: '', colorThumb: '', showTextField: false, wires: [[]],
}));

const chart = () => ({
    id: 'chart', type: 'ui-chart', z: 'flow', name: 'pulse', group: 'group-pulse', order: 1,
    width: '12',
    height: '5', label: '', chartType: 'line', category: 'pulse', categoryType: 'str',
    xAxisType: 'time',
    xAxisLabel: '', xAxisProperty: 'x', xAxisPropertyType: 'property', xAxisFormat: '',
    xAxisFormatType: 'auto', xmin: '', xmax: '', yAxisLabel: '', yAxisProperty: 'y',
    yAxisPropertyType: 'property', ymin: '', ymax: '', bins: 10, action: 'append',
    stackSeries: false,
    pointShape: 'false', pointRadius: 0, showLegend: false, removeOlder: '10', removeOlderUnit: '1',
    removeOlderPoints: '', colors: ['#0b63b5'], textColor: ['#666666'], textColorDefault: true,
    gridColor: ['#e5e5e5'], gridColorDefault: true, interpolation: 'linear',
    className: 'medsec-chart',
    wires: [[]],
});

// Where the editor draws them, one below the other.
const drawn = (nodes) => nodes.map((each, i) => ({ ...each, x: 860, y: 60 + 50 * i }));

const flows = (limits) => [
    { id: 'flow', type: 'tab', label: 'Ward', disabled: false, info: '' },
    ...broker(), ...feed(), ...frames(), ...dashboard(),
    ...drawn([
        template('style', { ui: 'config-ui' }, [], { templateScope: 'site:style' }),
        template('frame', { ui: 'config-ui' }, ['watch'], { templateScope: 'widget:ui' }),
        template('ward', { group: 'group-ward' }, [], { width: '12', height: '1' }),
        template('header', { group: 'group-header' }, [], { width: '12', height: '1' }),
        chart(), ...gauges(limits), ...sliders(),
    ]),
];

module.exports = { credentials, flows };
