// A click while the server is down, or while a proxy responds for it: the page stays, explains, and navigates when the
// server is back.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const QUICK = { banner: 50, retry: 50 };
async function pace(visitor) {
  const { context, page } = visitor;
  await page.routeWebSocket('**/api/v1/live?*', (socket) => {
    if (visitor.isAway) {
      socket.close({ code: 1011 });
      return;
    }
    socket.connectToServer();
    visitor.cut = () => socket.close({ code: 1012 });
  });
  await context.addInitScript((data) => {
    document.addEventListener('readystatechange', () =>
      Object.assign(document.getElementById('app')?.dataset ?? {}, data),
    );
  }, QUICK);
  await page.reload();
}

async function inTwoRooms(newUser) {
  const ana = await newUser('ana');
  await ana.makeRoom('Huerto');
  await ana.open('lobby');
  await pace(ana);
  await ana.page.locator('#app:not([data-line])').waitFor();
  return ana;
}

const AWAY = {
  'the server is away': [(patio) => patio.kill(), (patio) => patio.start()],
  'a proxy responds for it': [
    async (_patio, ana) => {
      ana.isAway = true;
      await ana.page.route('**/*', (route) =>
        route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>502 Bad Gateway</h1>' }),
      );
      await ana.cut?.();
    },
    async (_patio, ana) => {
      ana.isAway = false;
      await ana.page.unroute('**/*');
    },
  ],
};
const says = (ana) =>
  eventually(async () =>
    assert.match(await ana.page.locator('.banner:not([hidden])').textContent(), /No connection\./),
  );

for (const [why, [go, comeBack]] of Object.entries(AWAY)) {
  story(`while ${why}, a requested room loads when the server is back`, async ({ patio, newUser, tolerate }) => {
    tolerate(/^502 |net::ERR|WebSocket/);
    const ana = await inTwoRooms(newUser);
    await ana.markPage();
    await go(patio, ana);
    await ana.row('Huerto').click();
    await says(ana);
    await ana.isIn('lobby');
    assert.equal(await ana.row('Huerto').getAttribute('aria-current'), 'page');
    await comeBack(patio, ana);
    await ana.page.locator('#room-h', { hasText: 'Huerto' }).waitFor({ timeout: 25_000 });
    assert.equal(await ana.isSamePage(), true);
  });

  story(`while ${why}, the quick switcher reports it`, async ({ patio, newUser, tolerate }) => {
    tolerate(/^502 |net::ERR|WebSocket/);
    const ana = await inTwoRooms(newUser);
    await go(patio, ana);
    await ana.page.keyboard.press('Control+k');
    await eventually(async () =>
      assert.match(await ana.page.locator('.switcher__count').textContent(), /No connection\./),
    );
    await comeBack(patio, ana);
  });

  for (const [what, selector, path] of [
    ['the settings', '.user-menu a[href="/settings"]', '/settings'],
    ['all rooms', '.room-list > a[href="/rooms"]', '/rooms'],
  ]) {
    story(
      `while ${why}, a click on ${what} completes when the server is back`,
      async ({ patio, newUser, tolerate }) => {
        tolerate(/^502 |net::ERR|WebSocket/);
        const ana = await inTwoRooms(newUser);
        await ana.composer.fill('a draft');
        await go(patio, ana);
        await ana.page.locator('#app[data-line=away]').waitFor(); // before that it would be an ordinary click
        if (what === 'the settings') await ana.openMenu();
        await ana.page.locator(selector).click();
        await says(ana);
        await ana.isIn('lobby');
        assert.equal(await ana.composer.inputValue(), 'a draft');
        await comeBack(patio, ana);
        await ana.page.waitForURL((url) => url.pathname === path, { timeout: 25_000 });
      },
    );
  }

  story(`while ${why}, a form is sent when the server is back`, async ({ patio, newUser, tolerate }) => {
    tolerate(/^502 |net::ERR|WebSocket/);
    const ana = await inTwoRooms(newUser);
    await go(patio, ana);
    await ana.page.locator('#app[data-line=away]').waitFor();
    await ana.signOut();
    await says(ana);
    await ana.isIn('lobby');
    await comeBack(patio, ana);
    await ana.page.waitForURL((url) => url.pathname === '/login', { timeout: 25_000 });
  });

  story(
    `while ${why}, older messages are reported unavailable and load when the server is back`,
    async ({ patio, newUser, tolerate }) => {
      tolerate(/^502 |net::ERR|WebSocket/);
      const tom = await patio.apiClient('tom');
      for (let n = 1; n <= 120; n++) await tom.post(`number ${n}`);
      const ana = await newUser('ana');
      await pace(ana);
      await ana.page.locator('#app:not([data-line])').waitFor();
      await go(patio, ana);
      await ana.log.evaluate((log) => {
        log.scrollTop = -log.scrollHeight;
      });
      await ana.banner.waitFor();
      await comeBack(patio, ana);
      await ana.page.locator('.message[data-seq="21"]').waitFor({ state: 'attached', timeout: 25_000 });
      await ana.banner.waitFor({ state: 'hidden' });
      await ana.arrives('/rooms/1');
    },
  );

  story(`while ${why}, search reports it and works when the server is back`, async ({ patio, newUser, tolerate }) => {
    tolerate(/^502 |net::ERR|WebSocket/);
    const ana = await inTwoRooms(newUser);
    await ana.post('ripe tomatoes');
    await ana.sees('ripe tomatoes');
    await ana.go('/search');
    await go(patio, ana);
    await ana.page.locator('#q').fill('ripe');
    await says(ana);
    await comeBack(patio, ana);
    await ana.page.locator('#results', { hasText: 'ripe tomatoes' }).waitFor({ timeout: 25_000 });
    await ana.banner.waitFor({ state: 'hidden' });
  });
}

/** Every way to leave pages without a live connection: where to, and whether the page is loaded for it. */
const WITHOUT_CONNECTION = {
  'a link on the settings': [
    '/settings',
    (ana) => ana.page.locator('.sidebar a[href="/rooms/1"]').click(),
    '/rooms/1',
    false,
  ],
  'a link on a page of a refusal': [
    '/nowhere',
    (ana) => ana.page.getByRole('link', { name: 'Back to the chat' }).click(),
    '/rooms/1',
    true,
  ],
  'a search': [
    '/search',
    async (ana) => {
      await ana.page.locator('#q').fill('ripe');
      await ana.page.locator('#q').press('Enter');
    },
    '/search',
    false,
  ],
  'a new name': [
    '/settings',
    async (ana) => {
      await ana.fill({ display_name: 'Ana the Great' });
      await ana.button('/settings/name').click();
    },
    '/settings',
    false,
  ],
  'a new room': [
    '/rooms',
    async (ana) => {
      await ana.fill({ name: 'Huerto' });
      await ana.button('/rooms').click();
    },
    '/rooms/2',
    true,
  ],
};
for (const [what, [path, leave, to, isLoaded]] of Object.entries(WITHOUT_CONNECTION)) {
  story(
    `while the server is down, ${what} waits and continues when it is back`,
    async ({ patio, newUser, tolerate }) => {
      tolerate(/net::ERR|WebSocket/);
      const ana = await newUser('ana');
      await ana.go(path);
      await ana.markPage();
      await patio.kill();
      await leave(ana);
      await says(ana);
      assert.equal(await ana.isSamePage(), true, 'the page stays');
      assert.equal(new URL(ana.page.url()).pathname, path);
      await patio.start();
      await ana.page.waitForURL((url) => url.pathname === to, { timeout: 25_000 });
      await eventually(async () => assert.equal(await ana.isSamePage(), !isLoaded));
      if (what === 'a new name') await ana.page.locator('.current-user__name', { hasText: 'Ana the Great' }).waitFor();
    },
  );
}

story('a room that became invisible is reported, and the page stays', async ({ newUser, tolerate }) => {
  tolerate(/^404 /);
  const ana = await inTwoRooms(newUser);
  await ana.page.route('**/rooms/2', async (route) =>
    route.fulfill({ response: await route.fetch({ url: route.request().url().replace('/rooms/2', '/rooms/999') }) }),
  );
  await ana.markPage();
  await ana.row('Huerto').click();
  await eventually(async () => assert.notEqual(await ana.page.locator('#composer-error').textContent(), ''));
  await ana.isIn('lobby');
  assert.equal(await ana.isSamePage(), true);
});
