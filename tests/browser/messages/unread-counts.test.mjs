// Unread messages: counts, divider, links to them, and their end when they are read.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const shows = (visitor, room, count) => eventually(async () => assert.equal(await visitor.badge(room), count));
const isTitled = (visitor, title) => eventually(async () => assert.equal(await visitor.page.title(), title));
const divider = ({ page }) => page.locator('#new');
const belowDivider = ({ page }) => page.locator('#new + .message .message__body').textContent();

/** Ana is in her own room; Tom writes in the lobby. */
async function apart({ patio, newUser }) {
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana');
  await ana.makeRoom('Huerto');
  return [ana, tom];
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

story('messages in other rooms are counted in sidebar and title until read', async (all) => {
  const [ana, tom] = await apart(all);
  await tom.post('one');
  await shows(ana, 'lobby', '1');
  await isTitled(ana, '(1) Huerto · Patio');
  await tom.post('two');
  await shows(ana, 'lobby', '2');
  await isTitled(ana, '(2) Huerto · Patio');
  await ana.open('lobby');
  await shows(ana, 'lobby', '');
  await isTitled(ana, 'lobby · Patio');
  assert.equal(await divider(ana).count(), 1);
  assert.equal(await belowDivider(ana), 'one');
  await eventually(async () => {
    // when it has been marked as read
    for (const room of ['Huerto', 'lobby']) await ana.open(room);
    assert.equal(await divider(ana).count(), 0);
  });
});

story('a message counts in a room whose state was read while it was empty', async (all) => {
  const [ana, tom] = await apart(all);
  let empty;
  await ana.page.routeWebSocket('**/api/v1/live?*', (socket) => {
    const server = socket.connectToServer();
    server.onMessage((text) => {
      const { type, room } = JSON.parse(text);
      if (type === 'room' && room.id === 1) empty = text;
      socket.send(text);
      if (type === 'unread' && room === 1) socket.send(empty); // it was read before the message and comes after it
    });
  });
  await ana.go('/rooms/2');
  await all.newUser('eva');
  await eventually(() => assert.notEqual(empty, undefined));
  await tom.post('one');
  await shows(ana, 'lobby', '1');
  await tom.post('two');
  await shows(ana, 'lobby', '2');
});

story('an opened page shows the unread counts', async (all) => {
  const [ana, tom] = await apart(all);
  await ana.go('/settings');
  await tom.post('one');
  await ana.go('/rooms/2');
  await shows(ana, 'lobby', '1');
  await isTitled(ana, '(1) Huerto · Patio');
});

story('messages in a background tab are counted and get a divider', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana');
  await tom.post('one');
  await ana.sees('one');
  await looksAway(ana);
  for (const text of ['two', 'three']) await tom.post(text);
  await ana.sees('three');
  assert.equal(await belowDivider(ana), 'two');
  await isTitled(ana, '(2) lobby · Patio');
  await looksBack(ana);
  await isTitled(ana, 'lobby · Patio');
  assert.equal(await belowDivider(ana), 'two'); // it stays in its position
});

story('a link leads to the first unread message', async (all) => {
  const [ana, tom] = await apart(all);
  for (let n = 1; n <= 40; n++) await tom.post(`number ${n}`);
  await shows(ana, 'lobby', '40');
  await ana.open('lobby');
  const jump = ana.page.locator('#jump');
  await jump.click();
  await jump.waitFor({ state: 'hidden' });
  assert.equal(
    await ana.page.evaluate(() => document.activeElement.querySelector('.message__body').textContent),
    'number 1',
  );
  await divider(ana).waitFor();
});

story('reading in one tab marks as read in the others', async (all) => {
  const [ana, tom] = await apart(all);
  const tab = await ana.newTab('/rooms/2');
  await tom.post('one');
  for (const each of [ana, tab]) await shows(each, 'lobby', '1');
  await tab.open('lobby');
  await shows(ana, 'lobby', '');
  await isTitled(ana, 'Huerto · Patio');
  await tom.post('two');
  await tab.sees('two');
  await shows(ana, 'lobby', '');
});

story('own messages are never unread', async ({ patio, newUser }) => {
  const ana = await newUser('ana');
  await ana.makeRoom('Huerto');
  const tab = await ana.newTab('/rooms/1');
  const counts = await ana.page.evaluate(() => {
    globalThis.titles = [document.title];
    new MutationObserver(() => globalThis.titles.push(document.title)).observe(document.head, {
      subtree: true,
      childList: true,
      characterData: true,
    });
    return globalThis.titles;
  });
  await tab.post('my own words');
  await tab.sees('my own words');
  await tab.open('Huerto');
  await tab.post('and here');
  await ana.sees('and here');
  assert.equal(await ana.badge('lobby'), '');
  assert.equal(await divider(ana).count(), 0);
  const tom = await patio.apiClient('tom');
  await tom.post('somebody else');
  await shows(ana, 'lobby', '1'); // any other count would have arrived before this one
  assert.deepEqual(
    (await ana.page.evaluate(() => globalThis.titles)).filter((title) => title !== counts[0]),
    ['(1) Huerto · Patio'],
  );
});

story('a new direct message appears immediately with its count', async ({ newUser }) => {
  const [ana, tom] = [await newUser('ana'), await newUser('tom')];
  await ana.go('/direct/tom');
  await ana.post('psst');
  await ana.sees('psst');
  await shows(tom, 'ana', '1');
  assert.equal(await tom.page.locator('#direct .presence--off').count(), 0);
  await isTitled(tom, '(1) lobby · Patio');
  await tom.open('ana');
  await tom.sees('psst');
  await shows(tom, 'ana', '');
  await tom.post('yes?');
  await ana.sees('yes?');
});

story('messages deleted before they were read are not counted, live and after a reload', async (all) => {
  const [ana, tom] = await apart(all);
  const posted = [];
  for (const text of ['one', 'two', 'three']) posted.push(await tom.post(text));
  await shows(ana, 'lobby', '3');
  for (const [n, left] of ['2', '1'].entries()) {
    await tom.remove(posted[n].id);
    await shows(ana, 'lobby', left);
    await isTitled(ana, `(${left}) Huerto · Patio`);
  }
  await ana.page.reload();
  await shows(ana, 'lobby', '1');
  await tom.remove(posted[2].id);
  await shows(ana, 'lobby', '');
  await isTitled(ana, 'Huerto · Patio');
  await tom.post('four');
  await shows(ana, 'lobby', '1');
});
