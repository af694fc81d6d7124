// After any kind of absence and any number of messages, the unread divider is above the first unread message, or a link
// leads to it.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const QUICK = { banner: 50, retry: 50, ping: 400, dead: 2_000 };
async function pace({ context, page }) {
  await context.addInitScript((data) => {
    document.addEventListener('readystatechange', () =>
      Object.assign(document.getElementById('app')?.dataset ?? {}, data),
    );
  }, QUICK);
  await page.reload();
}

async function looksAway({ page }) {
  await page.evaluate(() => {
    document.hasFocus = () => false;
  });
}
async function looksBack({ page }) {
  await page.evaluate(() => {
    delete document.hasFocus;
    dispatchEvent(new Event('focus'));
  });
}
async function post(apiClient, from, to) {
  for (let n = from; n <= to; n += 50)
    await Promise.all(Array.from({ length: Math.min(50, to - n + 1) }, (_, k) => apiClient.post(`${n + k} of many`)));
}

/** Ways to be away while messages arrive. */
const ABSENCES = {
  'in another tab': [looksAway, looksBack],
  'without a connection': [
    async (ana, { patio }) => {
      patio.wasDown = true;
      await ana.context.setOffline(true);
    },
    async (ana) => {
      await ana.context.setOffline(false);
    },
  ],
  'in another room': [
    async (ana) => {
      await ana.makeRoom('Huerto');
    },
    async (ana) => {
      await ana.open('lobby');
    },
  ],
  'on another page': [
    async (ana) => {
      await ana.go('/settings');
    },
    async (ana) => {
      await ana.go('/rooms/1');
    },
  ],
};

for (const [how, [leave, comeBack]] of Object.entries(ABSENCES)) {
  for (const many of [60, 130, 470]) {
    story(`after being away ${how} for ${many} messages, the reader is led to the first of them`, async (tools) => {
      const { patio, newUser, tolerate } = tools;
      tolerate(/net::ERR_|WebSocket connection/);
      const tom = await patio.apiClient('tom');
      const ana = await newUser('ana');
      await pace(ana);
      await post(tom, 1, 10);
      await ana.page.locator('.message[data-seq="10"]').waitFor();
      await eventually(async () =>
        assert.equal(await ana.page.evaluate(() => document.querySelector('#app').dataset.divider), undefined),
      );
      await ana.post('read up to here');
      await ana.sees('read up to here');
      await leave(ana, tools);
      await post(tom, 1, many);
      await comeBack(ana, tools);
      const jump = ana.page.locator('#jump');
      await ana.page.locator(`.message[data-seq="${many + 11}"]`).waitFor();
      await jump.waitFor();
      await jump.click();
      await ana.page.locator('#new + .message[data-seq="12"]').waitFor();
      await jump.waitFor({ state: 'hidden' });
      assert.equal(await ana.page.evaluate(() => document.activeElement.dataset.seq), '12');
      await eventually(async () =>
        assert.equal(
          await ana.page.evaluate(() => {
            const { top, bottom } = document.getElementById('log').getBoundingClientRect();
            const divider = document.getElementById('new').getBoundingClientRect();
            return divider.top >= top - 1 && divider.bottom <= bottom;
          }),
          true,
        ),
      );
    });
  }
}

story('messages that arrive while the reader watches get no divider', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana');
  await ana.page.locator('#app:not([data-line])').waitFor();
  await post(tom, 1, 3);
  await ana.page.locator('.message[data-seq="3"]').waitFor();
  assert.equal(await ana.page.locator('#new').count(), 0);
  assert.equal(await ana.page.locator('#jump').isVisible(), false);
});

story('"Today" is right after the computer slept overnight', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana');
  await tom.post('said today');
  await ana.sees('said today');
  const day = ana.page.locator('.day-divider').last();
  assert.equal(await day.textContent(), 'Today');
  await ana.page.evaluate(() => {
    const { now } = Date;
    Date.now = () => now() + 86_400_000;
    document.dispatchEvent(new Event('visibilitychange'));
  });
  assert.equal(await day.textContent(), 'Yesterday');
});
