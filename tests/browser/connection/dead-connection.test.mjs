// How long a page takes to detect a dead connection, with production timeouts.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

async function overProxy(openProxy, newUser, patio, tolerate) {
  tolerate(/net::ERR_|WebSocket connection/);
  const proxy = await openProxy();
  const ana = await newUser('ana');
  const tom = await patio.apiClient('tom');
  await ana.go(`${proxy.origin}/rooms/1`);
  await ana.post('before');
  await ana.sees('before');
  await ana.page.locator('#app:not([data-line])').waitFor();
  return { ana, tom, proxy };
}

/** Existing connections go silent without being closed. New ones work. */
function breakSilently(proxy) {
  proxy.silence();
  proxy.recover();
}

const seesWithin = ({ page }, text, timeout) =>
  page.locator('.message[data-seq]').filter({ hasText: text }).first().waitFor({ timeout });

story(
  'an unacknowledged post makes the page check and reconnect within 15 s',
  async ({ patio, openProxy, newUser, tolerate }) => {
    const { ana, tom, proxy } = await overProxy(openProxy, newUser, patio, tolerate);
    breakSilently(proxy);
    await tom.post('missed');
    await ana.post('said into the void');
    await seesWithin(ana, 'said into the void', 15_000);
    await eventually(async () => assert.deepEqual(await ana.texts(), ['before', 'missed', 'said into the void']));
  },
);

const WAKINGS = {
  'its timers have stood still': () => {
    const until = performance.now() + 4_500;
    while (performance.now() < until);
  },
  'its clock was set': () => {
    const { now } = Date;
    Date.now = () => now() + 3_600_000;
  },
  'its clock was set back': () => {
    const { now } = Date;
    Date.now = () => now() - 3_600_000;
  },
  'the user returns to the window': () => {
    dispatchEvent(new Event('focus'));
  },
  'the tab is in front again': () => {
    document.dispatchEvent(new Event('visibilitychange'));
  },
  'the network is back': () => {
    dispatchEvent(new Event('online'));
  },
};
for (const [what, wake] of Object.entries(WAKINGS)) {
  story(
    `a page that wakes because ${what} detects a dead connection within 10 s`,
    async ({ patio, openProxy, newUser, tolerate }) => {
      const { ana, tom, proxy } = await overProxy(openProxy, newUser, patio, tolerate);
      breakSilently(proxy);
      await tom.post('missed');
      await ana.page.evaluate(wake);
      await seesWithin(ana, 'missed', 10_000);
    },
  );
}

story('a healthy connection survives all of these', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.post('before');
  await ana.sees('before');
  let connections = 0;
  ana.page.on('websocket', () => {
    connections += 1;
  });
  for (const [what, wake] of Object.entries(WAKINGS)) if (what !== 'the network is back') await ana.page.evaluate(wake);
  await ana.post('after');
  await ana.sees('after');
  assert.equal(connections, 0);
});
