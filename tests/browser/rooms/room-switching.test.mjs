// Switching rooms without a page load.
import assert from 'node:assert/strict';
import { eventually, firstInView, isSameTop, story, topOf } from '../support.mjs';

async function inTwoRooms(newUser) {
  const ana = await newUser('ana');
  await ana.markPage();
  await ana.makeRoom('Huerto');
  return ana;
}

/** Posts leave the page but get lost, until `find` is called. */
async function lose({ page }) {
  await page.evaluate(() => {
    const { send } = WebSocket.prototype;
    globalThis.find = () => {
      WebSocket.prototype.send = send;
    };
    WebSocket.prototype.send = function sendAllButPosts(text) {
      if (!text.includes('"post"')) send.call(this, text);
    };
  });
  return () => page.evaluate(() => globalThis.find());
}

story('a click loads the other room, its URL and title without a page load', async ({ newUser }) => {
  const ana = await inTwoRooms(newUser);
  await ana.arrives('/rooms/2');
  assert.equal(await ana.page.title(), 'Huerto · Patio');
  await ana.post('only here');
  await ana.sees('only here');
  await ana.open('lobby');
  await ana.arrives('/rooms/1');
  assert.equal(await ana.page.title(), 'lobby · Patio');
  assert.deepEqual(await ana.texts(), []);
  assert.equal(await ana.row('lobby').getAttribute('aria-current'), 'page');
  assert.equal(await ana.row('Huerto').getAttribute('aria-current'), null);
  await ana.open('Huerto');
  assert.deepEqual(await ana.texts(), ['only here']);
  assert.equal(await ana.isSamePage(), true);
});

story('back and forward move through visited rooms', async ({ newUser }) => {
  const ana = await inTwoRooms(newUser);
  await ana.page.goBack();
  await ana.isIn('lobby');
  await ana.page.goForward();
  await ana.isIn('Huerto');
  await ana.arrives('/rooms/2');
  assert.equal(await ana.isSamePage(), true);
});

story('back works across a page that is not a room', async ({ newUser }) => {
  const ana = await inTwoRooms(newUser);
  await ana.open('lobby');
  await ana.page.locator('.room-list > a[href="/rooms"]').click();
  await ana.arrives('/rooms');
  await ana.page.goBack();
  await ana.arrives('/rooms/1');
  await ana.page.goBack();
  await ana.isIn('Huerto');
  await ana.post('here');
  await ana.sees('here');
  await ana.arrives('/rooms/2');
});

story('Alt+arrow keys switch to the room above and below', async ({ newUser }) => {
  const ana = await inTwoRooms(newUser);
  for (const [key, name] of [
    ['ArrowUp', 'lobby'],
    ['ArrowDown', 'Huerto'],
    ['ArrowDown', 'Huerto'],
    ['ArrowUp', 'lobby'],
  ]) {
    await ana.page.keyboard.press(`Alt+${key}`);
    await ana.isIn(name);
  }
  assert.equal(await ana.isSamePage(), true);
});

story('drafts stay in the room they were written for', async ({ newUser }) => {
  const ana = await inTwoRooms(newUser);
  await ana.composer.fill('for the garden');
  await ana.open('lobby');
  assert.equal(await ana.composer.inputValue(), '');
  await ana.composer.fill('for everybody');
  await ana.open('Huerto');
  assert.equal(await ana.composer.inputValue(), 'for the garden');
  await ana.page.reload();
  assert.equal(await ana.composer.inputValue(), 'for the garden');
  await ana.open('lobby');
  assert.equal(await ana.composer.inputValue(), 'for everybody');
});

story('the scroll position in a room is restored', async ({ patio, newUser }) => {
  const lucia = await patio.apiClient('lucia');
  for (let n = 1; n <= 50; n++) await lucia.post(`number ${n}\nsecond line`);
  const ana = await inTwoRooms(newUser);
  await ana.open('lobby');
  await ana.log.evaluate((log) => {
    log.scrollTop = -900;
  });
  const message = await firstInView(ana);
  const before = await topOf(message);
  await ana.open('Huerto');
  await lucia.post('another');
  await ana.open('lobby');
  await ana.sees('another');
  isSameTop(await topOf(message), before);
});

story('joining and leaving updates all sidebars of the user', async ({ newUser }) => {
  const ana = await inTwoRooms(newUser);
  const tom = await newUser('tom');
  const tab = await tom.newTab();
  assert.equal(await tab.row('Huerto').count(), 0);
  await tom.go('/rooms/2');
  await tom.page.locator('.join-bar button').click();
  await tab.open('Huerto');
  await ana.post('welcome');
  for (const each of [tab, tom]) await each.sees('welcome');
  await tab.open('lobby');
  await tom.post('/leave');
  await tom.isIn('lobby');
  for (const each of [tab, tom]) await each.row('Huerto').waitFor({ state: 'detached' });
});

story('writing in a public room joins it', async ({ newUser }) => {
  const ana = await inTwoRooms(newUser);
  const tom = await newUser('tom');
  await tom.go('/rooms/2');
  assert.equal(await tom.page.locator('.join-bar').isVisible(), true);
  await tom.post('I just write');
  await ana.sees('I just write');
  await tom.row('Huerto').waitFor();
  await tom.page.locator('.join-bar').waitFor({ state: 'hidden' });
});

story('a pending message is sent even after switching rooms', async ({ newUser }) => {
  const ana = await inTwoRooms(newUser);
  const tom = await newUser('tom');
  await ana.open('lobby');
  const find = await lose(ana);
  await ana.post('swallowed');
  await ana.message('swallowed').waitFor();
  await ana.open('Huerto');
  await find();
  await tom.sees('swallowed');
  await eventually(async () => assert.deepEqual(await ana.page.evaluate(() => Object.keys(sessionStorage)), []));
  assert.equal(await ana.badge('lobby'), '');
  await ana.open('lobby');
  assert.deepEqual(await ana.texts(), ['swallowed']);
  assert.deepEqual(await tom.texts(), ['swallowed']);
});
