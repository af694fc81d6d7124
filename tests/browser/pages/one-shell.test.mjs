// Sidebar and connection stay while the main part shows one room or other page after the other.
import assert from 'node:assert/strict';
import { eventually, holdRequests, isRoomLoading, story } from '../support.mjs';

const PAGES = ['/settings', '/search', '/people', '/rooms', '/admin', '/rooms/1/settings'];

/** The addresses of the WebSockets that the page has opened since. */
function watchSockets({ page }) {
  const opened = [];
  page.on('websocket', (socket) => opened.push(socket.url()));
  return opened;
}

const heading = ({ page }) => page.locator('.main h1').textContent();
const focused = ({ page }) => page.evaluate(() => document.activeElement.id || document.activeElement.tagName);
const isLive = ({ page }) => page.locator('#app:not([data-line])').waitFor();

story(
  'one connection lasts for all pages, and what is unread and who is online is live on each',
  async ({ patio, newUser, visitor }) => {
    const ana = await newUser('ana');
    await patio.apiClient('lucia');
    const tom = await newUser('tom');
    await tom.go('/direct/ana');
    await tom.post('hello ana');
    await tom.sees('hello ana');
    await ana.row('tom').waitFor();
    await isLive(ana);
    await ana.markPage();
    const sockets = watchSockets(ana);
    await tom.go('/rooms/1');
    for (const [n, path] of PAGES.entries()) {
      await ana.follow(path);
      await tom.post(`number ${n}`);
      // No tab shows the room now.
      await eventually(async () => assert.equal(await ana.badge('lobby'), String(n + 1)));
      const title = await ana.page.title();
      assert.ok(title.startsWith(`(${n + 2}) `), title);
    }
    await ana.follow('/people');
    const dot = ana.page.locator('.person', { hasText: 'lucia' }).locator('.presence');
    assert.equal(await dot.evaluate(({ className }) => className), 'presence presence--off');
    const lucia = await visitor();
    await lucia.go('/login');
    await lucia.signIn('lucia');
    await eventually(async () => assert.equal(await dot.evaluate(({ className }) => className), 'presence'));
    await ana.open('lobby');
    await ana.sees('number 0');
    await eventually(async () => assert.equal(await ana.badge('lobby'), ''));
    assert.equal(await ana.isSamePage(), true);
    assert.deepEqual(sockets, []);
  },
);

story('back and forward lead through six pages, each with its title and heading', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.markPage();
  const visited = [{ title: await ana.page.title(), heading: await heading(ana), path: '/rooms/1' }];
  for (const path of PAGES) {
    await ana.follow(path);
    visited.push({ title: await ana.page.title(), heading: await heading(ana), path });
  }
  assert.equal(new Set(visited.map(({ title }) => title)).size, visited.length);
  const shows = async ({ title, heading: text, path }) => {
    await ana.arrives(path);
    await eventually(async () => assert.equal(await ana.page.title(), title));
    assert.equal(await heading(ana), text);
  };
  for (const page of visited.toReversed().slice(1)) {
    await ana.page.goBack();
    await shows(page);
  }
  for (const page of visited.slice(1)) {
    await ana.page.goForward();
    await shows(page);
  }
  assert.equal(await ana.isSamePage(), true);
  await ana.page.reload();
  await shows(visited.at(-1));
  await ana.page.goBack();
  await shows(visited.at(-2));
});

story('back shows a page as it was left: typed text, place and focus', async ({ newUser }) => {
  const ana = await newUser('ana', { viewport: { width: 390, height: 600 } });
  await ana.follow('/settings');
  const field = ana.page.locator('form[action="/settings/email"] [name=email]');
  await field.fill('half-typed@exam');
  const place = () => ana.page.locator('.page').evaluate((page) => page.scrollTop);
  const before = await place();
  assert.ok(before > 0, 'the field is further down');
  await ana.follow('/people');
  await ana.page.goBack();
  await ana.arrives('/settings');
  assert.equal(await field.inputValue(), 'half-typed@exam');
  assert.equal(await place(), before);
  assert.equal(await focused(ana), await field.getAttribute('id'));
});

story('the focus goes to the heading of a page and to the composer of a room', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.follow('/settings');
  assert.equal(await focused(ana), 'page-h');
  await ana.open('lobby');
  assert.equal(await focused(ana), 'body');
  await ana.follow('/search');
  assert.equal(await focused(ana), 'q');
  await ana.page.keyboard.press('F6');
  assert.equal(await ana.page.evaluate(() => document.activeElement.closest('.sidebar') !== null), true);
});

story('a draft stays with its room on the way to another page', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.composer.fill('not finished');
  await ana.follow('/people');
  await ana.page.goBack();
  await ana.isIn('lobby');
  assert.equal(await ana.composer.inputValue(), 'not finished');
});

story('signing out in another tab leads to the sign-in page from everywhere', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tab = await ana.newTab('/rooms/1');
  await ana.follow('/settings');
  await isLive(ana);
  await tab.signOut();
  await ana.page.waitForURL('**/login');
});

story('a page that does not exist is said, and the page on screen stays', async ({ newUser, tolerate }) => {
  tolerate(/404/);
  const ana = await newUser('ana');
  await ana.follow('/settings');
  await ana.page.evaluate(() => {
    const link = Object.assign(document.createElement('a'), { href: '/rooms/99' });
    document.querySelector('.main').append(link);
    link.click();
  });
  await ana.page.locator('#status.status--error').filter({ hasText: /./ }).waitFor();
  await ana.arrives('/settings');
  assert.equal(await heading(ana), 'Settings');
});

story('who is removed from a room hears of it on any page', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.makeRoom('Huerto');
  await tom.go('/rooms/2');
  await tom.button('/rooms/2/join').click();
  await tom.page.locator('.join-bar').waitFor({ state: 'hidden' });
  await tom.follow('/settings');
  await isLive(tom);
  await ana.go('/rooms/2/settings');
  await ana.page.getByRole('button', { name: /^Remove tom/ }).click();
  await tom.page.locator('#notice').filter({ hasText: 'Huerto' }).waitFor();
  assert.equal(await tom.row('Huerto').count(), 0);
  assert.equal(new URL(tom.page.url()).pathname, '/settings');
});

story('a search result leads to its message without a page load', async ({ patio, newUser }) => {
  const lucia = await patio.apiClient('lucia');
  for (let n = 1; n <= 80; n++) await lucia.post(n === 3 ? 'the needle' : `hay ${n}`);
  const ana = await newUser('ana');
  await ana.markPage();
  await ana.follow('/search?q=needle');
  await ana.page.locator('.result__link').click();
  await ana.page.locator('.message', { hasText: 'the needle' }).waitFor();
  const shown = ana.page.locator('.message', { hasText: 'the needle' });
  await eventually(async () => assert.equal(await focused(ana), await shown.getAttribute('id')));
  assert.equal(await ana.isSamePage(), true);
});

story(
  'after the history was replaced, what is typed on a page stays, and the next page is loaded',
  async ({ newUser }) => {
    const ana = await newUser('ana');
    let epoch = null;
    await ana.page.routeWebSocket('**/api/v1/live?*', (socket) => {
      const server = socket.connectToServer();
      server.onMessage((text) => {
        const frame = JSON.parse(text);
        socket.send(frame.type === 'ready' && epoch ? JSON.stringify({ ...frame, epoch }) : text);
        if (frame.type === 'ready') epoch = null;
      });
      ana.cut = () => socket.close({ code: 1012 });
    });
    await ana.go('/settings');
    await isLive(ana);
    const field = ana.page.locator('form[action="/settings/email"] [name=email]');
    await field.fill('half-typed@exam');
    await ana.markPage();
    epoch = 'another';
    await ana.cut();
    await eventually(() => assert.equal(epoch, null));
    await isLive(ana);
    assert.equal(await field.inputValue(), 'half-typed@exam');
    await ana.row('lobby').click();
    await ana.isIn('lobby');
    assert.equal(await ana.isSamePage(), false);
  },
);

story('what is typed into a form never goes to a room that arrives meanwhile', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.follow('/settings');
  const release = await holdRequests(ana.page, '**/rooms/1');
  await ana.row('lobby').click();
  await isRoomLoading(ana);
  await ana.page.locator('form[action="/settings/password"] [name=current_password]').focus();
  await ana.page.keyboard.type('quiet tom');
  await release();
  await ana.isIn('lobby');
  await ana.page.keyboard.type('ato garden');
  await ana.page.keyboard.press('Enter');
  assert.equal(await ana.composer.inputValue(), '');
  assert.deepEqual(await ana.texts(), []);
});

story(
  'what was sent to a room on the way is posted there, even if the user then goes to a page',
  async ({ newUser }) => {
    const ana = await newUser('ana');
    await ana.makeRoom('Huerto');
    const release = await holdRequests(ana.page, '**/rooms/1');
    await ana.row('lobby').click();
    await isRoomLoading(ana);
    await ana.page.keyboard.type('for the lobby');
    await ana.page.keyboard.press('Enter');
    await ana.follow('/people');
    await release();
    await ana.page.goBack();
    await ana.isIn('Huerto');
    assert.equal(await ana.composer.inputValue(), '');
    await ana.open('lobby');
    await ana.sees('for the lobby');
  },
);

story('a user who starts to go back and then follows a link can go back to the page they left', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.follow('/settings');
  const field = ana.page.locator('form[action="/settings/email"] [name=email]');
  await field.fill('half-typed@exam');
  const release = await holdRequests(ana.page, '**/rooms/1');
  await ana.page.goBack();
  await ana.page.locator('#app[aria-busy]').waitFor();
  await ana.follow('/people');
  await release();
  await ana.page.goBack();
  await ana.arrives('/settings');
  assert.equal(await field.inputValue(), 'half-typed@exam');
});

story('the history leads to the page that was left there, not to another of the same address', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.follow('/settings');
  const field = ana.page.locator('form[action="/settings/email"] [name=email]');
  await field.fill('half-typed@exam');
  await ana.follow('/people');
  await ana.follow('/settings');
  assert.notEqual(await field.inputValue(), 'half-typed@exam');
  await ana.page.evaluate(() => history.go(-2));
  await eventually(async () => assert.equal(await field.inputValue(), 'half-typed@exam'));
});

story('a link within the page that is followed again counts once', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.follow('/settings');
  for (let n = 0; n < 3; n++) await ana.page.locator('.skip-link').evaluate((link) => link.click());
  const release = await holdRequests(ana.page, '**/rooms/1');
  await ana.page.goBack();
  await ana.page.goBack();
  await ana.page.locator('#app[aria-busy]').waitFor();
  await ana.page.goForward();
  await ana.page.locator('#app:not([aria-busy])').waitFor();
  await release();
  await ana.arrives('/settings');
  assert.equal(await heading(ana), 'Settings');
});

story('back to a room that is gone is said, and what was typed stays', async ({ newUser, tolerate }) => {
  tolerate(/404/);
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.makeRoom('Huerto');
  await tom.go('/rooms/2');
  await tom.follow('/settings');
  const field = tom.page.locator('form[action="/settings/email"] [name=email]');
  await field.fill('half-typed@exam');
  await ana.go('/rooms/2/settings');
  await ana.button('/rooms/2/delete').click();
  await ana.page.waitForURL((url) => url.pathname !== '/rooms/2/settings');
  await tom.page.goBack();
  await tom.page.locator('#status.status--error').filter({ hasText: /./ }).waitFor();
  await tom.arrives('/settings');
  assert.equal(await field.inputValue(), 'half-typed@exam');
});
