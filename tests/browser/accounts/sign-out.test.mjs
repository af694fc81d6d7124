// Signing out deletes unsent text. A cancelled or failed sign-out deletes nothing.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const kept = ({ page }) =>
  page.evaluate(() =>
    Object.entries(localStorage)
      .filter(([key]) => key.startsWith('patio:'))
      .map(String)
      .join('\n'),
  );
const isLeaving = ({ page }) => page.evaluate(() => sessionStorage.getItem('patio:leaving'));

async function inTwoRooms(newUser) {
  const ana = await newUser('ana');
  await ana.makeRoom('Huerto');
  await ana.open('lobby');
  await ana.page.locator('#app:not([data-line])').waitFor();
  return ana;
}

/** The server stops, and a sign-out waits for it. */
async function wishToLeave(ana, patio) {
  await patio.kill();
  await ana.page.locator('#app[data-line=away]').waitFor();
  await ana.signOut();
  await eventually(async () => assert.match(await ana.banner.textContent(), /No connection/));
}

async function comesBack(ana, patio) {
  await patio.start();
  await ana.page.locator('#app:not([data-line])').waitFor({ timeout: 25_000 });
}

/** The session is revoked on the server, as from another device. The page goes to the login page and back. */
async function sessionEnds(ana) {
  await ana.context.clearCookies({ name: /session/ });
  await ana.page.reload();
  await ana.page.waitForURL((url) => url.pathname === '/login');
}

const GIVEN_UP = {
  'going to another room': async (ana, patio) => {
    await ana.row('Huerto').click();
    await comesBack(ana, patio);
    await ana.isIn('Huerto');
    await ana.composer.fill('a draft after all');
  },
  'writing on': async (ana, patio) => {
    await ana.composer.fill('a draft after all');
    await comesBack(ana, patio);
  },
};
for (const [how, giveUp] of Object.entries(GIVEN_UP)) {
  story(`a sign-out cancelled by ${how} deletes nothing`, async ({ patio, newUser, tolerate }) => {
    tolerate(/net::ERR|WebSocket/);
    const ana = await inTwoRooms(newUser);
    await wishToLeave(ana, patio);
    await giveUp(ana, patio);
    assert.equal(await isLeaving(ana), null);
    await sessionEnds(ana);
    assert.match(await kept(ana), /a draft after all/);
  });
}

story(
  'after a cancelled sign-out, the end of the session leads to the login page and keeps everything',
  async ({ patio, newUser, visitor, tolerate }) => {
    tolerate(/net::ERR|WebSocket/);
    const ana = await inTwoRooms(newUser);
    await wishToLeave(ana, patio);
    await GIVEN_UP['going to another room'](ana, patio);
    const elsewhere = await visitor();
    await elsewhere.context.addCookies(await ana.context.cookies());
    await elsewhere.go('/settings');
    await elsewhere.button('/logout').evaluate((button) => button.click());
    await ana.page.waitForURL((url) => url.pathname === '/login');
    assert.match(await kept(ana), /a draft after all/);
  },
);

story('a sign-out that the server refused deletes nothing', async ({ newUser, tolerate }) => {
  tolerate(/^503 /);
  const ana = await inTwoRooms(newUser);
  await ana.composer.fill('a draft');
  await ana.page.route('**/logout', async (route) =>
    route.fulfill({ status: 503, response: await route.fetch({ url: `${ana.patio.origin}/nowhere`, method: 'GET' }) }),
  );
  await ana.signOut();
  await ana.page.locator('.centered-page__card').waitFor();
  await ana.go('/settings');
  await sessionEnds(ana);
  assert.match(await kept(ana), /a draft/);
});

story('a user who writes after a failed sign-out stays signed in', async ({ newUser }) => {
  const ana = await inTwoRooms(newUser);
  await ana.page.route('**/logout', (route) => route.fulfill({ status: 204 })); // the browser stays on the page
  await ana.signOut();
  await eventually(async () => assert.equal(await isLeaving(ana), '1'));
  await ana.composer.pressSequentially('a draft');
  assert.equal(await isLeaving(ana), null);
});

for (const path of ['/settings', '/rooms', '/search', 'the page of a message']) {
  story(`signing out from ${path} deletes unsent text`, async ({ newUser }) => {
    const ana = await newUser('ana');
    await ana.post('said');
    await ana.sees('said');
    await ana.composer.fill('a long draft');
    await ana.go(path.startsWith('/') ? path : await ana.page.locator('.message__link').getAttribute('href'));
    assert.match(await kept(ana), /a long draft/);
    await ana.signOut();
    await ana.arrives('/login');
    assert.equal(await kept(ana), '');
  });
}
