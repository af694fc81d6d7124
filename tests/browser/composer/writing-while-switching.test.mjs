// From the moment a user switches rooms, no key acts on the previous room, and no text is split between the two.
import assert from 'node:assert/strict';
import { eventually, holdRequests, isRoomLoading, story } from '../support.mjs';

/** Ana is in the lobby and a member of Huerto. Responses of Huerto are held until released. */
async function inTwoRooms(newUser) {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.makeRoom('Huerto');
  await ana.open('lobby');
  await ana.post('before');
  await tom.sees('before');
  return [ana, tom];
}

const HUERTO = /\/rooms\/2(\?.*)?$/;
const SEND = /\/rooms\/1\/messages$/; // answered with a redirect to the room, which cannot be held alone
const WAYS = {
  'Alt and an arrow': (ana) => ana.composer.press('Alt+ArrowDown'),
  'a click in the sidebar': (ana) => ana.row('Huerto').click(),
  'the list of Ctrl+K': async (ana) => {
    await ana.page.keyboard.press('Control+k');
    await ana.page.locator('#switcher-field').fill('Huerto');
    await ana.page.locator('#switcher-list [role=option]').filter({ hasText: 'Huerto' }).waitFor();
    await ana.page.keyboard.press('Enter');
  },
  'the command to join': (ana) => ana.post('/join Huerto'),
  'the way back': (ana) => ana.page.evaluate(() => history.back()),
};

for (const [way, go] of Object.entries(WAYS)) {
  for (const speed of ['immediately', 'when the room is there']) {
    story(`by ${way}: text written and sent ${speed} goes to the requested room`, async ({ newUser }) => {
      const [ana, tom] = await inTwoRooms(newUser);
      const release = await holdRequests(ana.page, way === 'the command to join' ? SEND : HUERTO);
      await go(ana);
      await isRoomLoading(ana);
      if (speed === 'immediately') {
        await ana.page.keyboard.type('yes');
        await ana.page.keyboard.press('Enter');
        await ana.page.keyboard.type('and mo');
        await release();
        await ana.isIn('Huerto');
        await ana.page.keyboard.type('re');
        await ana.page.keyboard.press('Enter');
      } else {
        await release();
        await ana.isIn('Huerto');
        await ana.page.keyboard.type('yes');
        await ana.page.keyboard.press('Enter');
        await ana.page.keyboard.type('and more');
        await ana.page.keyboard.press('Enter');
      }
      await ana.sees('and more');
      assert.deepEqual(await ana.texts(), ['yes', 'and more']);
      await ana.open('lobby');
      assert.deepEqual(await ana.texts(), ['before']);
      assert.equal(await ana.composer.inputValue(), '');
      assert.deepEqual(await tom.texts(), ['before']);
    });
  }

  if (way === 'the command to join') continue;
  story(`by ${way}: a refused switch restores everything and sends nothing`, async ({ newUser, tolerate }) => {
    tolerate(/^404 /);
    const [ana, tom] = await inTwoRooms(newUser);
    await ana.composer.fill('a draft');
    const path = await ana.page.evaluate(() => location.pathname);
    const release = await holdRequests(ana.page, HUERTO, async (route) =>
      route.fulfill({
        response: await route.fetch({ url: route.request().url().replace('/rooms/2', '/rooms/999') }),
      }),
    );
    await go(ana);
    await isRoomLoading(ana);
    await ana.page.keyboard.type('yes');
    await ana.page.keyboard.press('Enter');
    await release();
    await ana.page.locator('#app:not([aria-busy])').waitFor();
    await ana.isIn('lobby');
    assert.equal(await ana.row('lobby').getAttribute('aria-current'), 'page');
    assert.equal(await ana.composer.inputValue(), 'a draft\nyes');
    await eventually(async () => assert.equal(await ana.page.evaluate(() => location.pathname), path));
    await ana.page.unroute(HUERTO);
    await ana.composer.fill('still here');
    await ana.composer.press('Enter');
    await tom.sees('still here');
    assert.deepEqual(await tom.texts(), ['before', 'still here']);
  });
}

story('keys of the previous room do nothing while another loads: editing, toolbar, typing', async ({ newUser }) => {
  const [ana, tom] = await inTwoRooms(newUser);
  const release = await holdRequests(ana.page, HUERTO);
  await ana.composer.press('Alt+ArrowDown');
  await isRoomLoading(ana);
  await ana.page.keyboard.press('ArrowUp');
  assert.equal(await ana.page.locator('.message--editing').count(), 0);
  await ana.page.keyboard.press('Shift+Tab');
  assert.equal(
    await ana.page.evaluate(() => Boolean(document.activeElement.closest('#log, .page-header, .aside'))),
    false,
  );
  await ana.page.locator('#body').focus();
  await ana.page.keyboard.type('not here');
  await tom.post('something');
  await tom.sees('something');
  assert.equal(await tom.page.locator('#typing').textContent(), '');
  await release();
  await ana.isIn('Huerto');
  assert.equal(await ana.composer.inputValue(), 'not here');
});

story('a skipped room keeps the text meant for it', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.makeRoom('Alfa');
  await ana.makeRoom('Beta');
  await ana.open('lobby');
  const letAlfa = await holdRequests(ana.page, /\/rooms\/2(\?.*)?$/);
  await ana.composer.press('Alt+ArrowDown');
  await isRoomLoading(ana);
  await ana.page.keyboard.type('for Alfa');
  await ana.page.keyboard.press('Enter');
  await ana.page.keyboard.type('begun in Alfa');
  await ana.page.keyboard.press('Alt+ArrowDown');
  await ana.isIn('Beta');
  assert.equal(await ana.composer.inputValue(), '');
  assert.deepEqual(await ana.texts(), []);
  await letAlfa();
  await ana.page.unroute(/\/rooms\/2(\?.*)?$/);
  await ana.open('Alfa');
  await ana.sees('for Alfa');
  await eventually(async () => assert.equal(await ana.composer.inputValue(), 'begun in Alfa'));
});

story('a text started while a room loads survives closing the tab', async ({ newUser }) => {
  const [ana] = await inTwoRooms(newUser);
  await holdRequests(ana.page, HUERTO);
  await ana.composer.press('Alt+ArrowDown');
  await isRoomLoading(ana);
  await ana.page.keyboard.type('not lost');
  const tab = await ana.newTab('/rooms/1');
  await ana.page.close();
  await tab.open('Huerto');
  await eventually(async () => assert.equal(await tab.composer.inputValue(), 'not lost'));
});
