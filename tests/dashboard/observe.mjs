// SPDX-License-Identifier: Apache-2.0
// What a page says over time, as the page itself has it: no clock but its own, which is late when
// the page is.

import { sleep } from './scene.mjs';

// Does it again and again, until the function that it returns is called.
export const keepOn = (action) => {
    let isOn = true;
    const end = (async () => {
        while (isOn) {
            await action();
            await sleep(1000);
        }
    })();
    return () => {
        isOn = false;
        return end;
    };
};

// What the chart's widget was given, from the page's own store.
export const chart = (opened) => opened.evaluate(() => {
    const { $store } = document.querySelector('#app').__vue_app__.config.globalProperties;
    return ($store.state.data.messages.chart ?? []).map(({ _datapoint: { x, y } }) => ({ x,
        y }));
});

// Seconds since the server's last word before the banner came, as the page has them: beats of a
// timer, which is late where the page's own are.
export const countBeats = (opened) => opened.evaluate(() => {
    window.beats = 0;
    window.addEventListener('medsec-tick', () => { window.beats = 0; });
    window.setInterval(() => {
        window.beats += document.querySelector('[data-medsec=banner]') ? 0 : 1;
    }, 1000);
});

// Notes each time that the badge says something else than the age beside it.
export const compareAge = (opened, id) => opened.evaluate((device) => {
    const text = (vital) =>
        document.querySelector(`[data-device="${device}"][data-vital=${vital}]`).textContent;
    window.wrong = [];
    new MutationObserver(() => {
        const [status, age] = [text('status'), text('age')];
        const s = age === 'now' ? 0 : parseInt(age, 10) * (age.includes('min') ? 60 : 1);
        if (s < 10 && status.includes('NO DATA') || s > 10 && !status.includes('NO DATA')) {
            window.wrong.push([status, age]);
        }
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
}, id);
