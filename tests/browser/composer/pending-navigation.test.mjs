// Text typed after a navigation was requested belongs to that pending navigation: it goes to its target or nowhere, and is
// never split.
import assert from 'node:assert/strict';
import { eventually, holdRequests, isRoomLoading, story } from '../support.mjs';

const ALFA = /\/rooms\/2$/;
const BETA = /\/rooms\/3$/;
const COMMAND = /\/rooms\/1\/messages$/;
const QUICK = { banner: 50, retry: 50 };

/** Ana has visited the lobby, Alfa, Beta and Gamma in this order. Tom has an account. */
async function inFourRooms({ patio, newUser }) {
  const [ana, tom] = [await newUser('ana'), await patio.apiClient('tom')];
  await ana.context.addInitScript((tools) => {
    document.addEventListener('readystatechange', () =>
      Object.assign(document.getElementById('app')?.dataset ?? {}, tools),
    );
  }, QUICK);
  await ana.page.reload();
  for (const name of ['Alfa', 'Beta', 'Gamma']) await ana.makeRoom(name);
  await ana.markPage();
  return { ana, tom };
}

async function inLobby(tools) {
  const all = await inFourRooms(tools);
  await all.ana.open('lobby');
  await all.ana.composer.focus();
  return all;
}

async function type(ana, ...texts) {
  for (const text of texts) {
    await ana.page.keyboard.type(text);
    await ana.page.keyboard.press('Enter');
  }
}

const down = (ana) => ana.page.keyboard.press('Alt+ArrowDown');
const has = (ana, text) => eventually(async () => assert.equal(await ana.composer.inputValue(), text));
const isAt = (ana, path) =>
  ana.page.waitForURL((url) => url.pathname === path, { waitUntil: 'commit', timeout: 25_000 });
const saysNoConnection = (ana) => ana.page.locator('#banner:not([hidden]) [data-when=going]:not([hidden])').waitFor();
const isLive = (ana) => ana.page.locator('#app:not([data-line])').waitFor({ timeout: 25_000 });
const comes = (ana, name) => ana.title.filter({ hasText: name }).waitFor({ timeout: 25_000 });

async function back(ana, path) {
  await ana.page.evaluate(() => history.back());
  await isAt(ana, path);
}

/** The messages stored in a public room. Posts one more first, so that all earlier posts are stored. */
async function storedIn(patio, tom, room) {
  await tom.post('the last one', room);
  const { items } = await patio.api(`rooms/${room}/messages?limit=100`, undefined, tom.token, 'GET');
  return items.map(({ body }) => body).filter((body) => body !== 'the last one');
}

async function isSilent(patio, tom, rooms) {
  for (const room of rooms) assert.deepEqual(await storedIn(patio, tom, room), []);
}

// --- Commands

story('text after a command does not go to a room requested before the response', async (tools) => {
  const { ana, tom } = await inLobby(tools);
  await holdRequests(ana.page, COMMAND);
  await type(ana, '/msg tom hello');
  await isRoomLoading(ana);
  await type(ana, 'private follow-up');
  await down(ana);
  await ana.isIn('Alfa');
  assert.equal(await ana.composer.inputValue(), '');
  await ana.post('for Alfa');
  await ana.sees('for Alfa');
  assert.deepEqual(await storedIn(tools.patio, tom, 2), ['for Alfa']);
  await ana.open('lobby');
  await has(ana, '/msg tom hello\nprivate follow-up');
  await isSilent(tools.patio, tom, [1, 3, 4]);
});

story('text after a command goes to the room that it opens', async (tools) => {
  const { ana, tom } = await inLobby(tools);
  const release = await holdRequests(ana.page, COMMAND);
  await type(ana, '/msg tom hello');
  await isRoomLoading(ana);
  await type(ana, 'private follow-up');
  await release();
  await ana.isIn('tom');
  await ana.sees('private follow-up');
  assert.deepEqual(await ana.texts(), ['hello', 'private follow-up']);
  await isSilent(tools.patio, tom, [1, 2]);
});

story('text after a refused command stays in the field, after an accepted one it is sent', async (tools) => {
  const { ana, tom } = await inLobby(tools);
  const release = await holdRequests(ana.page, COMMAND);
  await type(ana, '/msg nobody hello');
  await isRoomLoading(ana);
  await type(ana, 'private follow-up');
  await release();
  await ana.answer.waitFor();
  await has(ana, '/msg nobody hello\nprivate follow-up');
  await isSilent(tools.patio, tom, [1]);
  await ana.page.unroute(COMMAND);
  const releaseUsers = await holdRequests(ana.page, COMMAND);
  await ana.composer.fill('');
  await type(ana, '/users');
  await isRoomLoading(ana);
  await type(ana, 'hello, all');
  await releaseUsers();
  await ana.sees('hello, all');
  assert.deepEqual(await storedIn(tools.patio, tom, 1), ['hello, all']);
});

story('a command in a skipped room is not posted there, and nothing overtakes it', async (tools) => {
  const { ana, tom } = await inLobby(tools);
  await holdRequests(ana.page, ALFA);
  await down(ana);
  await isRoomLoading(ana);
  await type(ana, 'for all', '//me too', '/msg tom secret words', 'behind it');
  await down(ana);
  await ana.isIn('Beta');
  assert.equal(await ana.composer.inputValue(), '');
  await ana.page.unroute(ALFA);
  await ana.open('Alfa');
  await has(ana, '/msg tom secret words\nbehind it');
  await ana.sees('/me too');
  assert.deepEqual(await storedIn(tools.patio, tom, 2), ['for all', '/me too']);
  await isSilent(tools.patio, tom, [1, 3]);
});

// --- Back and Forward

story('text written while going back is for that room, even when going back further', async (tools) => {
  const { ana, tom } = await inFourRooms(tools);
  await holdRequests(ana.page, BETA);
  await back(ana, '/rooms/3');
  await isRoomLoading(ana);
  await type(ana, 'for Beta');
  await ana.page.keyboard.type('begun in Beta');
  await back(ana, '/rooms/2');
  await ana.isIn('Alfa');
  assert.equal(await ana.composer.inputValue(), '');
  await isSilent(tools.patio, tom, [2]);
  await ana.page.unroute(BETA);
  await ana.open('Beta');
  await ana.sees('for Beta');
  await has(ana, 'begun in Beta');
});

for (const [way, go, path] of [
  ['back', (ana) => back(ana, '/rooms/3'), '/rooms/3'],
  ['by a click', (ana) => ana.row('Beta').click(), '/rooms/4'],
]) {
  story(`a reload while going ${way} keeps the text for its room`, async (tools) => {
    const { ana, tom } = await inFourRooms(tools);
    await ana.page.route(BETA, (route) => route.request().isNavigationRequest() && route.continue()); // requests of scripts are never answered
    await go(ana);
    await isRoomLoading(ana);
    await type(ana, 'for Beta');
    await ana.page.keyboard.type('and more');
    await ana.page.reload();
    await ana.arrives(path);
    if (way === 'by a click') {
      assert.equal(await ana.composer.inputValue(), '');
      await ana.go('/rooms/3');
    }
    await has(ana, 'for Beta\nand more');
    await ana.open('Gamma');
    assert.equal(await ana.composer.inputValue(), '');
    await isSilent(tools.patio, tom, [1, 2, 3, 4]);
  });
}

story('going back to the visible room cancels the navigation in between', async (tools) => {
  const { ana, tom } = await inFourRooms(tools);
  await ana.open('Alfa');
  await ana.open('Gamma');
  await ana.composer.focus();
  const release = await holdRequests(ana.page, ALFA);
  await back(ana, '/rooms/2');
  await isRoomLoading(ana);
  await type(ana, 'not sent');
  await back(ana, '/rooms/4');
  await ana.page.locator('#app:not([aria-busy])').waitFor();
  await release();
  await has(ana, 'not sent');
  assert.equal(await ana.row('Gamma').getAttribute('aria-current'), 'page');
  await isSilent(tools.patio, tom, [2, 4]);
  await back(ana, '/rooms/3');
  await ana.isIn('Beta');
});

story('back twice while the server is down leads to the second room when it is back', async (tools) => {
  const { patio } = tools;
  const { ana, tom } = await inFourRooms(tools);
  await patio.kill();
  await back(ana, '/rooms/3');
  await saysNoConnection(ana);
  await type(ana, 'for Beta');
  await back(ana, '/rooms/2');
  await type(ana, 'for Alfa');
  await patio.start();
  await comes(ana, 'Alfa');
  await ana.sees('for Alfa');
  assert.equal(await ana.isSamePage(), true);
  await ana.arrives('/rooms/2');
  await eventually(async () => assert.deepEqual(await storedIn(patio, tom, 3), ['for Beta']));
  assert.deepEqual(await storedIn(patio, tom, 2), ['for Alfa']);
});

story('back twice and cancelled while the server is down stays in the room', async (tools) => {
  const { patio } = tools;
  const { ana } = await inFourRooms(tools);
  await patio.kill();
  await back(ana, '/rooms/3');
  await back(ana, '/rooms/2');
  await saysNoConnection(ana);
  await ana.row('Gamma').click();
  await isAt(ana, '/rooms/4');
  await patio.start();
  await isLive(ana);
  await ana.post('still in Gamma');
  await ana.sees('still in Gamma');
  await ana.isIn('Gamma');
  assert.equal(await ana.isSamePage(), true);
  await back(ana, '/rooms/3');
  await ana.isIn('Beta');
});

story('an anchor link counts as a history entry', async (tools) => {
  const { ana } = await inFourRooms(tools);
  await ana.page.evaluate(() => {
    location.hash = 'body';
  });
  await ana.open('Alfa');
  const release = await holdRequests(ana.page, BETA);
  await ana.page.evaluate(() => history.go(-3));
  await isAt(ana, '/rooms/3');
  await isRoomLoading(ana);
  await ana.row('Alfa').click();
  await isAt(ana, '/rooms/2');
  await release();
  await back(ana, '/rooms/4');
  await ana.isIn('Gamma');
});

// --- No response

const NO_ANSWER = {
  fails: (route) => route.abort(),
  'is answered by a proxy': (route) =>
    route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>502 Bad Gateway</h1>' }),
};
for (const [what, answer] of Object.entries(NO_ANSWER)) {
  story(`if the request for a room ${what}, the composer still writes to that room`, async (tools) => {
    tools.tolerate(/^502 |net::ERR/);
    const { ana, tom } = await inLobby(tools);
    const release = await holdRequests(ana.page, ALFA, answer);
    await down(ana);
    await isRoomLoading(ana);
    await type(ana, 'only for Alfa');
    await release();
    await saysNoConnection(ana);
    assert.equal(await ana.composer.getAttribute('placeholder'), 'Message #Alfa');
    await ana.page.keyboard.type('and th');
    await ana.page.unroute(ALFA);
    await comes(ana, 'Alfa');
    await ana.page.keyboard.type('is');
    await ana.sees('only for Alfa');
    await has(ana, 'and this');
    await ana.banner.waitFor({ state: 'hidden' });
    await isSilent(tools.patio, tom, [1]);
  });
}

story(
  'while the server is down, text goes to the requested room, and a skipped room gets its own text',
  async (tools) => {
    const { patio } = tools;
    const { ana, tom } = await inLobby(tools);
    await patio.kill();
    await down(ana);
    await type(ana, 'one for Alfa');
    await saysNoConnection(ana);
    await type(ana, 'two for Alfa');
    await down(ana);
    await type(ana, 'for Beta');
    await patio.start();
    await comes(ana, 'Beta');
    await ana.sees('for Beta');
    await eventually(async () => assert.deepEqual(await storedIn(patio, tom, 2), ['one for Alfa', 'two for Alfa']));
    assert.deepEqual(await storedIn(patio, tom, 3), ['for Beta']);
    await isSilent(patio, tom, [1]);
    assert.equal(await ana.isSamePage(), true);
  },
);

story('cancelling a navigation while the server is down returns its text and sends nothing', async (tools) => {
  const { patio } = tools;
  const { ana, tom } = await inLobby(tools);
  await ana.composer.fill('a draft');
  await patio.kill();
  await down(ana);
  await type(ana, 'for Alfa');
  await saysNoConnection(ana);
  await ana.row('lobby').click();
  await has(ana, 'a draft\nfor Alfa');
  assert.equal(await ana.page.locator('#app[aria-busy], #banner [data-when=going]:not([hidden])').count(), 0);
  await patio.start();
  await isLive(ana);
  await ana.composer.fill('for the lobby');
  await ana.composer.press('Enter');
  await ana.sees('for the lobby');
  await ana.isIn('lobby');
  assert.deepEqual(await storedIn(patio, tom, 1), ['for the lobby']);
  await isSilent(patio, tom, [2]);
});

story('text that another tab of the room takes over during navigation is only there', async (tools) => {
  const { ana, tom } = await inLobby(tools);
  const tab = await ana.newTab('/rooms/2');
  const release = await holdRequests(ana.page, ALFA);
  await down(ana);
  await isRoomLoading(ana);
  await type(ana, 'for Alfa');
  await tab.page.evaluate(() => dispatchEvent(new Event('focus')));
  await has(tab, 'for Alfa');
  await has(ana, '');
  await release();
  await ana.isIn('Alfa');
  await ana.post('behind it');
  await ana.sees('behind it');
  assert.deepEqual(await storedIn(tools.patio, tom, 2), ['behind it']);
  await has(tab, 'for Alfa');
});

// --- Long texts

for (const [length, isSent] of [
  [16_001, false],
  [16_000, true],
]) {
  story(
    `a text of ${length} characters ${isSent ? 'is sent' : 'stays in the field'} when sent during navigation`,
    async (tools) => {
      const { ana } = await inLobby(tools);
      const release = await holdRequests(ana.page, ALFA);
      const note = ana.page.locator('#composer-error');
      await down(ana);
      await isRoomLoading(ana);
      await ana.post('x'.repeat(length));
      await has(ana, isSent ? '' : 'x'.repeat(length));
      assert.equal((await note.textContent()) !== '', !isSent);
      await release();
      await ana.isIn('Alfa');
      if (isSent) await ana.sees('x'.repeat(length));
      await has(ana, isSent ? '' : 'x'.repeat(length));
      assert.equal((await note.textContent()) !== '', !isSent);
      assert.equal(await ana.page.locator('.message--failed').count(), 0);
      assert.equal((await ana.texts()).length, isSent ? 1 : 0);
    },
  );
}
