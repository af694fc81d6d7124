// Reading older messages: pages of fifty, no jumps, and new messages wait below.
import assert from 'node:assert/strict';
import { eventually, firstInView, isSameTop, story, topOf } from '../support.mjs';

const PAGE = 50;

async function talk(patio, count) {
  const users = [await patio.apiClient('lucia'), await patio.apiClient('tom')];
  for (let n = 1; n <= count; n++) await users[n % 2].post(`Message number ${n}.\nIt has a second line.`);
  return users;
}

async function scrollUp(visitor, by) {
  await visitor.log.hover();
  await visitor.page.mouse.wheel(0, -by);
}

const inLog = (visitor) => visitor.page.locator('.message').count();

story('a room opens at its newest fifty messages', async ({ patio, newUser }) => {
  await talk(patio, 160);
  const ana = await newUser('ana');
  const texts = await ana.texts();
  assert.equal(texts.length, PAGE);
  assert.match(texts.at(-1), /number 160/);
  assert.equal(await ana.message('number 160').isVisible(), true);
  assert.equal(await ana.log.evaluate((log) => Math.abs(log.scrollTop)), 0);
});

story('scrolling up loads older messages up to the first, without jumps', async ({ patio, newUser }) => {
  await talk(patio, 160);
  const ana = await newUser('ana');
  let release;
  await ana.page.route('**/rooms/1/messages?before=*', async (route) => {
    await new Promise((go) => {
      release = go;
    });
    await route.continue();
  });
  for (const expected of [100, 150, 160]) {
    release = null;
    await eventually(async () => {
      if (!release) await scrollUp(ana, 400);
      assert.ok(release, 'older messages are asked for');
    });
    const message = await firstInView(ana);
    const before = await topOf(message);
    release();
    await eventually(async () => assert.equal(await inLog(ana), expected));
    isSameTop(await topOf(message), before);
  }
  await ana.page.locator('#start').waitFor();
  const numbers = (await ana.texts()).map((text) => Number(/number (\d+)/.exec(text)[1]));
  assert.deepEqual(
    numbers,
    Array.from({ length: 160 }, (_, n) => n + 1),
  );
  assert.equal(await ana.page.locator('.history-link').count(), 0);
  assert.equal(
    await ana.page.locator('.day-divider').count(),
    new Set(await ana.page.locator('.day-divider time').evaluateAll((days) => days.map((day) => day.dateTime))).size,
  );
});

story('newer messages loaded below do not move the reader', async ({ patio, newUser }) => {
  await talk(patio, 500);
  const ana = await newUser('ana');
  await eventually(async () => {
    await ana.log.evaluate((log) => {
      log.scrollTop = -log.scrollHeight;
    });
    await ana.page.locator('#start').waitFor({ timeout: 200 });
  });
  await ana.page.locator('[data-newer]').waitFor({ state: 'attached' });
  let release = null;
  await ana.page.route('**/rooms/1/messages?after=*', async (route) => {
    await new Promise((go) => {
      release = go;
    });
    await route.continue();
  });
  await ana.log.hover();
  await eventually(async () => {
    if (!release) await ana.page.mouse.wheel(0, 1_000);
    assert.ok(release, 'newer messages are asked for');
  });
  const message = await firstInView(ana);
  const before = await topOf(message);
  const newest = (await ana.texts()).at(-1);
  release();
  await eventually(async () => assert.notEqual((await ana.texts()).at(-1), newest));
  isSameTop(await topOf(message), before);
});

story(
  'a new message does not move a reader further up; a button counts new ones and leads there',
  async ({ patio, newUser }) => {
    const [, tom] = await talk(patio, 60);
    const ana = await newUser('ana');
    await scrollUp(ana, 900);
    await eventually(async () => assert.notEqual(await ana.log.evaluate((log) => log.scrollTop), 0));
    const message = await firstInView(ana);
    const before = await topOf(message);

    await tom.post('Is anybody reading this?');
    await ana.pill.waitFor();
    assert.equal(await ana.pill.textContent(), '1 new message');
    isSameTop(await topOf(message), before);
    await tom.post('Hello?');
    await eventually(async () => assert.equal(await ana.pill.textContent(), '2 new messages'));
    isSameTop(await topOf(message), before);

    await ana.pill.click();
    await ana.pill.waitFor({ state: 'hidden' });
    await eventually(async () => assert.equal(await ana.log.evaluate((log) => Math.abs(log.scrollTop)), 0));
  },
);

story('a reader at the end stays there, without a button', async ({ patio, newUser }) => {
  const [, tom] = await talk(patio, 30);
  const ana = await newUser('ana');
  await tom.post('and another');
  await ana.sees('and another');
  assert.equal(await ana.pill.isVisible(), false);
  assert.equal(await ana.log.evaluate((log) => Math.abs(log.scrollTop)), 0);
});

story('sending a message scrolls to the end', async ({ patio, newUser }) => {
  await talk(patio, 60);
  const ana = await newUser('ana');
  await scrollUp(ana, 900);
  await eventually(async () => assert.notEqual(await ana.log.evaluate((log) => log.scrollTop), 0));
  await ana.post('back again');
  await ana.sees('back again');
  await eventually(async () => assert.equal(await ana.log.evaluate((log) => Math.abs(log.scrollTop)), 0));
});

story('a page of older history links back to the newest messages', async ({ patio, newUser }) => {
  await talk(patio, 120);
  const ana = await newUser('ana');
  await ana.go('/rooms/1?before=61');
  assert.match((await ana.texts()).at(-1), /number 60/);
  await ana.page.getByRole('link', { name: 'Newest messages' }).click();
  await ana.arrives('/rooms/1');
  assert.match((await ana.texts()).at(-1), /number 120/);
});

story('a message written on a page of older history is sent and shown', async ({ patio, newUser }) => {
  await talk(patio, 120);
  const ana = await newUser('ana');
  await ana.go('/rooms/1?before=61');
  await ana.post('from long ago');
  await ana.arrives('/rooms/1');
  await ana.sees('from long ago');
});
