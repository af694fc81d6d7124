// A tab's use of memory and elements is bounded, however long it is open and however many messages arrive.
import assert from 'node:assert/strict';
import { eventually, matchesFreshPage, story } from '../support.mjs';

const MOST = 400;
const MEGABYTE = 2 ** 20;
const BUSY = Number(process.env.BUSY ?? 4_000); // 20,000 take minutes on a busy machine

async function measure({ context, page }) {
  const cdp = await context.newCDPSession(page);
  await cdp.send('Performance.enable');
  await cdp.send('HeapProfiler.collectGarbage');
  const { metrics } = await cdp.send('Performance.getMetrics');
  await cdp.detach();
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
}

async function flood(apiClient, count) {
  for (let n = 0; n < count; n += 250)
    await Promise.all(Array.from({ length: Math.min(250, count - n) }, (_, k) => apiClient.post(`flood ${n + k}`)));
}

const inLog = ({ page }) => page.locator('.message[data-seq]').count();
const seqs = ({ page }) =>
  page.locator('.message[data-seq]').evaluateAll((all) => all.map((article) => Number(article.dataset.seq)));

story('a tab in a busy room keeps only what it shows', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana');
  for (let posted = 0; posted < BUSY; posted += BUSY / 4) {
    await flood(tom, BUSY / 4);
    await ana.page.locator(`.message[data-seq="${posted + BUSY / 4}"]`).waitFor({ timeout: 60_000 });
    const [{ JSHeapUsedSize: heap, Nodes: nodes }, messages] = [await measure(ana), await inLog(ana)];
    assert.ok(heap < 80 * MEGABYTE, `${heap} bytes of heap`);
    assert.ok(messages <= MOST, `${messages} messages`);
    assert.ok(nodes < 40_000, `${nodes} nodes`);
  }
  assert.equal(await ana.log.evaluate((log) => Math.abs(log.scrollTop)), 0);
  await matchesFreshPage(ana);
});

story('scrolling through a long room shows each message once in a bounded log', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  await flood(tom, 650);
  const ana = await newUser('ana');
  const seen = new Set();
  const walk = (by, goal) =>
    eventually(async () => {
      const here = await seqs(ana);
      assert.ok(here.length <= MOST, `${here.length} messages`);
      assert.deepEqual(
        here,
        Array.from(here, (_, n) => here[0] + n),
      );
      for (const seq of here) seen.add(seq);
      await ana.log.evaluate((log, y) => log.scrollBy(0, y), by);
      assert.ok(here.includes(goal), `at ${here[0]} to ${here.at(-1)}`);
    });
  const halfway = Array.from({ length: 6 }, (_, n) => 600 - 100 * n);
  for (const goal of [...halfway, 1]) await walk(-3_000, goal);
  assert.equal(seen.size, 650);
  await tom.post('at the other end');
  await ana.pill.waitFor();
  assert.equal((await seqs(ana)).includes(651), false);
  for (const goal of [...halfway.toReversed(), 651]) await walk(3_000, goal);
  await ana.page.locator('[data-newer]').waitFor({ state: 'detached' });
  await matchesFreshPage(ana);

  for (const goal of [...halfway, 1]) await walk(-3_000, goal);
  await ana.post('and back at once');
  await ana.sees('and back at once');
  assert.equal(await ana.log.evaluate((log) => Math.abs(log.scrollTop)), 0);
  await matchesFreshPage(ana);
});

story('switching rooms leaks nothing', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.makeRoom('Huerto');
  await ana.markPage();
  const go = async (times) => {
    for (let n = 0; n < times; n++) for (const room of ['lobby', 'Huerto']) await ana.open(room);
  };
  await go(5);
  const before = await measure(ana);
  await go(25);
  const after = await measure(ana);
  assert.equal(await ana.isSamePage(), true);
  for (const what of ['JSEventListeners', 'Nodes'])
    assert.ok(after[what] < before[what] * 1.2 + 50, `${what}: ${before[what]}, then ${after[what]}`);
});

story(
  'unread counts agree in all tabs and devices, and only visible tabs read',
  async ({ patio, newUser, visitor }) => {
    const tom = await patio.apiClient('tom');
    const ana = await newUser('ana');
    await ana.makeRoom('Huerto');
    const tab = await ana.newTab('/rooms/2');
    const phone = await visitor();
    await phone.go('/login');
    await phone.signIn('ana');
    await phone.arrives('/rooms/1');
    await phone.go('/rooms/2');
    const all = [ana, tab, phone];
    for (const each of all)
      await each.page.evaluate(() => {
        navigator.setAppBadge = async (n) => {
          document.body.dataset.badge = n;
        };
      });
    const count = async (badge, title) => {
      for (const each of all)
        await eventually(async () =>
          assert.deepEqual(
            [
              await each.badge('lobby'),
              await each.page.title(),
              await each.page.evaluate(() => document.body.dataset.badge),
            ],
            [badge, title, badge || '0'],
          ),
        );
    };
    for (const text of ['one', 'two', 'three']) await tom.post(text);
    await count('3', '(3) Huerto · Patio');

    // A tab opened in the background has not been read.
    await ana.context.addInitScript(() => {
      document.hasFocus = () => false;
    });
    const behind = await ana.newTab('/rooms/1');
    await behind.sees('three');
    await eventually(async () => assert.equal(await behind.page.title(), '(3) lobby · Patio'));
    await count('3', '(3) Huerto · Patio');

    await behind.page.evaluate(() => {
      document.hasFocus = () => true;
      dispatchEvent(new Event('focus'));
    });
    await count('', 'Huerto · Patio');
  },
);

story('without scripts, viewing a room marks it as read', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana', { javaScriptEnabled: false });
  await tom.post('one');
  await ana.go('/rooms/1');
  assert.equal(await ana.page.locator('#new').count(), 1);
  await ana.go('/rooms/1');
  assert.equal(await ana.page.locator('#new').count(), 0);
});
