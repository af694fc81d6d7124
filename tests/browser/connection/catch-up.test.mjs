// After any absence, a page shows exactly what a freshly loaded page shows.
import assert from 'node:assert/strict';
import { eventually, isSameTop, matchesFreshPage, seededRandom, story, topOf } from '../support.mjs';

// Shorter delays than in production.
const QUICK = { banner: 50, retry: 50, ping: 400, dead: 2_000, patience: 1_000 };

async function pace({ context, page }, timing = QUICK) {
  await context.addInitScript((data) => {
    document.addEventListener('readystatechange', () =>
      Object.assign(document.getElementById('app')?.dataset ?? {}, data),
    );
  }, timing);
  await page.reload();
}

async function users(newUser, ...names) {
  const all = [];
  for (const name of names) all.push(await newUser(name));
  for (const visitor of all) await pace(visitor);
  return all;
}

/** A new user who connects through the proxy. */
async function overProxy(open, newUser, name) {
  const proxy = await open();
  const visitor = await newUser(name);
  await visitor.go(`${proxy.origin}/rooms/1`);
  await pace(visitor);
  await visitor.post('here I am');
  await visitor.sees('here I am');
  return [visitor, proxy];
}

/** Posts many messages concurrently, as fast as the server accepts them. */
async function postAll(apiClient, count, text = 'message') {
  const posted = [];
  for (let n = 0; n < count; n += 50)
    posted.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(50, count - n) }, (_, k) =>
          apiClient.post(`${text} ${n + k}\nand a second line`),
        ),
      )),
    );
  return posted;
}

/** Edits each seventh message, reacts to each fifth and deletes each eleventh. */
async function changeSome(apiClient, posted) {
  const changes = posted.map(({ id }, n) => async () => {
    if (n % 7 === 3) await apiClient.edit(id, `edited ${n}`);
    if (n % 5 === 2) await apiClient.react(id, '👍');
    if (n % 11 === 5) await apiClient.remove(id);
  });
  for (let n = 0; n < changes.length; n += 50) await Promise.all(changes.slice(n, n + 50).map((change) => change()));
}

async function comesBack({ page }) {
  // After many attempts it reconnects only with a delay. If it has reconnected already, there is no button.
  await page.evaluate(() => document.getElementById('retry').click());
  await page.locator('#app:not([data-line])').waitFor();
}

const isAway = ({ page }) => page.locator('#app[data-line=away]').waitFor();

story(
  'three users who write while the server is killed and frozen see the same messages',
  async ({ patio, newUser }) => {
    const all = await users(newUser, 'ana', 'tom', 'lucia');
    const talk = (word) =>
      Promise.all(
        all.map(async (visitor, n) => {
          for (let k = 0; k < 4; k++) await visitor.post(`${word} ${n}.${k}`);
        }),
      );
    const absences = {
      killed: [() => patio.kill(), () => patio.start()],
      frozen: [() => patio.freeze(), () => patio.thaw()],
    };
    let expected = 0;
    for (const [word, [leave, come]] of Object.entries(absences)) {
      await Promise.all([talk(`before it is ${word}`), leave()]);
      await talk(`while it is ${word}`);
      for (const visitor of all) await isAway(visitor);
      await come();
      expected += 24;
      for (const visitor of all) {
        await eventually(async () => assert.equal(await visitor.page.locator('.message[data-seq]').count(), expected));
        await matchesFreshPage(visitor);
      }
    }
  },
);

story(
  'a silent connection is detected, and few or many missed messages arrive',
  async ({ patio, openProxy, newUser, tolerate }) => {
    tolerate(/net::ERR_|WebSocket connection/);
    const tom = await patio.apiClient('tom');
    const [ana, proxy] = await overProxy(openProxy, newUser, 'ana');
    let known = await postAll(tom, 30, 'known');
    await ana.sees('known 29');
    for (const count of [90, 700]) {
      proxy.silence();
      const missed = await postAll(tom, count);
      await changeSome(tom, [...known, ...missed]);
      known = [];
      await isAway(ana);
      await ana.post('into the void');
      proxy.recover();
      await comesBack(ana);
      const [{ seq }] = await postAll(tom, 1, `after ${count}`);
      await ana.sees(`after ${count}`);
      await matchesFreshPage(ana);
      const inLog = await ana.page.locator('.message[data-seq]').count();
      assert.ok(inLog <= 400 && seq > count, `${inLog} in the log`);
      assert.equal(await ana.log.evaluate((log) => Math.abs(log.scrollTop)), 0);
    }
  },
);

story(
  'catching up does not move a reader far above, who can scroll through everything',
  async ({ patio, openProxy, newUser, tolerate }) => {
    tolerate(/net::ERR_|WebSocket connection/);
    const tom = await patio.apiClient('tom');
    const before = await postAll(tom, 120, 'known');
    const [ana, proxy] = await overProxy(openProxy, newUser, 'ana');
    await eventually(async () => {
      await ana.log.evaluate((log) => {
        log.scrollTop = -log.scrollHeight;
      });
      await ana.page.locator('#start').waitFor({ timeout: 200 });
    });
    const first = ana.page.locator('.message[data-seq="5"]');
    const top = await topOf(first);
    proxy.silence();
    await isAway(ana);
    const missed = await postAll(tom, 500);
    await changeSome(tom, [...before.slice(60), ...missed]);
    proxy.recover();
    await comesBack(ana);
    await ana.pill.waitFor();
    isSameTop(await topOf(first), top);

    const seqs = new Set();
    const look = async () => {
      for (const seq of await ana.page
        .locator('.message[data-seq]')
        .evaluateAll((all) => all.map((article) => Number(article.dataset.seq))))
        seqs.add(seq);
    };
    await eventually(async () => {
      await look();
      await ana.log.evaluate((log) => {
        log.scrollTop += 2_000;
      });
      assert.ok(
        seqs.has(621),
        `up to ${Math.max(...seqs)}, ${await ana.log.evaluate((log) => [log.scrollTop, log.scrollHeight, document.querySelector('[data-newer]')?.dataset.newer, log.ariaBusy, document.querySelectorAll('.chunk').length].join())}`,
      );
    });
    assert.deepEqual(
      [...seqs].sort((one, other) => one - other),
      Array.from({ length: 621 }, (_, n) => n + 1),
    );
    await matchesFreshPage(ana);
  },
);

story('a background tab and a frozen tab are complete when the user returns', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const [ana] = await users(newUser, 'ana');
  await tom.post('before');
  await ana.sees('before');
  const cdp = await ana.context.newCDPSession(ana.page);
  const look = (hidden) =>
    ana.page.evaluate((now) => {
      Object.defineProperty(document, 'hidden', { value: now, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  await look(true);
  await postAll(tom, 60, 'hidden');
  await look(false);
  await ana.sees('hidden 59');
  await matchesFreshPage(ana);

  await cdp.send('Page.setWebLifecycleState', { state: 'frozen' });
  const posted = await postAll(tom, 60, 'asleep');
  await changeSome(tom, posted);
  await cdp.send('Page.setWebLifecycleState', { state: 'active' });
  await ana.sees('asleep 58');
  await matchesFreshPage(ana);
});

/** A user and a room are renamed, a user joins the lobby, and ana joins a room on another device. */
async function changePeopleAndRooms({ tom, eva, ana, patio, newUser }) {
  await tom.go('/settings');
  await tom.field('display_name').fill('Tom Ruiz');
  await tom.page.locator('form[action="/settings/name"] button').click();
  await tom.page.getByText('Saved.').waitFor();
  await newUser('mei');
  await patio.api('rooms/2', { name: 'Jardín' }, eva.token, 'PATCH');
  await patio.api('rooms/3/join', {}, ana.token);
}

async function hasHeard(reader) {
  await eventually(async () =>
    assert.deepEqual([await reader.online(), await reader.offline()], [['ana', 'mei', 'Tom Ruiz'], ['eva']]),
  );
  await eventually(async () =>
    assert.equal(await reader.message('hola').locator('.message__author').textContent(), 'Tom Ruiz'),
  );
  await eventually(async () =>
    assert.deepEqual(await reader.page.locator('#rooms .room__name').allTextContents(), ['lobby', 'Jardín', 'Taller']),
  );
}

/** Room 2, where ana is a member, room 3, where she is not yet, and messages of tom. */
async function seedLarge({ patio, newUser }) {
  const eva = await patio.apiClient('eva');
  for (const name of ['Huerto', 'Taller']) await patio.api('rooms', { name, visibility: 'public' }, eva.token);
  const tom = await newUser('tom');
  await tom.post('hola');
  const { token } = await patio.apiClient('ana');
  await patio.api('rooms/2/join', {}, token);
  return { patio, newUser, eva, tom, ana: { token } };
}

story(
  'names, rooms and users changed during a bad connection are right afterwards',
  async ({ patio, openProxy, newUser, visitor, tolerate }) => {
    tolerate(/net::ERR_|WebSocket connection/);
    const all = await seedLarge({ patio, newUser });
    const proxy = await openProxy();
    const ana = await visitor();
    await ana.go(`${proxy.origin}/login`);
    await ana.signIn('ana');
    await ana.page.waitForURL('**/rooms/1');
    await pace(ana);
    await ana.sees('hola');
    proxy.silence();
    await isAway(ana);
    await changePeopleAndRooms(all);
    proxy.recover();
    await comesBack(ana);
    await hasHeard(ana);
  },
);

story(
  'changes between page load and connection arrive, even if the connection breaks meanwhile',
  async ({ patio, newUser, visitor }) => {
    const all = await seedLarge({ patio, newUser });
    const ana = await visitor();
    await ana.go('/login');
    await ana.signIn('ana');
    await ana.arrives('/rooms/1');
    await ana.sees('hola');
    let change;
    const changed = new Promise((done) => {
      change = done;
    });
    let tries = 0;
    await ana.page.routeWebSocket('**/api/v1/live?*', async (socket) => {
      await changed;
      const server = socket.connectToServer();
      if (tries++) return;
      server.onMessage((text) => {
        const frame = JSON.parse(text);
        const later = new Date(Date.now() + 3_600_000).toISOString(); // later than the overlap that is always sent again
        if (frame.type === 'ready') socket.send(JSON.stringify({ ...frame, at: later }));
        else socket.close({ code: 1012 });
      });
    });
    await ana.page.reload();
    await changePeopleAndRooms(all);
    change();
    await hasHeard(ana);
    assert.equal(tries, 2);
  },
);

story('history read during new and changed messages has no gaps and nothing stale', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const posted = await postAll(tom, 130);
  const ana = await newUser('ana');
  // The server has rendered the page, but the response is slow.
  await ana.page.route('**/rooms/1/messages?before=*', async (route) => {
    const answer = await route.fetch();
    await tom.post('meanwhile');
    await changeSome(tom, posted.splice(0, 40));
    await route.fulfill({ response: answer });
  });
  await eventually(async () => {
    await ana.log.evaluate((log) => {
      log.scrollTop = -log.scrollHeight;
    });
    await ana.page.locator('#start').waitFor({ timeout: 500 });
  });
  await ana.pill.waitFor();
  await matchesFreshPage(ana);
});

story('a replaced history is reloaded, and only unsent text is kept', async ({ newUser, tolerate }) => {
  tolerate(/net::ERR_|WebSocket connection/);
  const ana = await newUser('ana');
  let epoch = null;
  let server = null;
  await ana.page.routeWebSocket('**/api/v1/live?*', (socket) => {
    server = socket.connectToServer();
    socket.onMessage((text) => {
      if (!text.includes('"post"')) server.send(text);
    });
    server.onMessage((text) => {
      const frame = JSON.parse(text);
      socket.send(frame.type === 'ready' && epoch ? JSON.stringify({ ...frame, epoch }) : text);
    });
    socket.cut = () => socket.close({ code: 1012 });
    ana.cut = socket.cut;
  });
  await pace(ana);
  await ana.post('of the old history');
  await ana.composer.fill('begun there');
  assert.equal(await ana.page.evaluate(() => sessionStorage.length + localStorage.length), 2);
  await ana.markPage();
  const { cut } = ana;
  await cut();
  await eventually(async () => assert.notEqual(ana.cut, cut)); // it has reconnected, and the epoch is the same
  await ana.page.locator('#app:not([data-line])').waitFor();
  assert.equal(await ana.isSamePage(), true);
  epoch = 'another';
  await ana.cut();
  await eventually(async () => {
    epoch = (await ana.isSamePage().catch(() => false)) ? 'another' : null;
    assert.equal(epoch, null);
  });
  // The page may be reloaded once more before the server has its own epoch again.
  await eventually(async () =>
    assert.deepEqual(
      [await ana.texts(), await ana.composer.inputValue(), await ana.page.locator('.message--pending').count()],
      [['of the old history'], 'begun there', 1],
    ),
  );
});

story('pending messages and drafts belong to their author', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.page.evaluate(() => {
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function sendAllButPosts(text) {
      if (!text.includes('"post"')) send.call(this, text);
    };
  });
  await ana.post('never sent');
  await ana.message('never sent').waitFor();
  await ana.composer.fill('begun');
  const kept = () =>
    ana.page.evaluate(() =>
      [...Object.keys(sessionStorage), ...Object.keys(localStorage)].filter((key) => key.startsWith('patio:')),
    );
  assert.equal((await kept()).length, 2);
  await ana.signOut();
  await ana.arrives('/login');
  assert.deepEqual(await kept(), []);
  await ana.go('/register');
  await ana.register('tom');
  await ana.arrives('/rooms/1');
  assert.deepEqual(await ana.texts(), []);
  assert.equal(await ana.composer.inputValue(), '');
});

story(
  'a thousand messages over a randomly breaking connection arrive once and in order',
  async ({ patio, openProxy, newUser, tolerate }) => {
    tolerate(/net::ERR_|WebSocket connection|Invalid frame|Failed to load/);
    const lucia = await newUser('lucia');
    const [ana, proxy] = await overProxy(openProxy, newUser, 'ana');
    const random = seededRandom(1_000);
    proxy.lifetime = () => 1_500 + Math.floor(random() ** 2 * 200_000);
    const TOTAL = 1_000;
    await ana.page.evaluate(() => dispatchEvent(new Event('online'))); // the first of the unreliable connections
    const atMost = (waiting) =>
      ana.page.waitForFunction((most) => document.querySelectorAll('.message--pending').length <= most, waiting, {
        timeout: 30_000,
        polling: 50,
      });
    for (let sent = 0; sent < TOTAL; sent += 50) {
      await ana.page.evaluate((from) => {
        const field = document.getElementById('body');
        for (let n = from + 1; n <= from + 50; n++) {
          field.value = `number ${n}`;
          field.form.requestSubmit();
        }
      }, sent);
      await atMost(40);
    }
    await atMost(0);
    assert.ok(proxy.disconnects > 5, `the line broke ${proxy.disconnects} times`);
    const all = [];
    const { token } = await patio.apiClient('tom');
    for (let before = 10_000; before > 1; ) {
      const { items } = await patio.api(`rooms/1/messages?limit=100&before=${before}`, undefined, token, 'GET');
      all.unshift(...items);
      before = items[0].seq;
    }
    assert.deepEqual(
      all.map(({ body }) => body),
      ['here I am', ...Array.from({ length: TOTAL }, (_, n) => `number ${n + 1}`)],
    );
    assert.deepEqual(
      all.map(({ seq }) => seq),
      Array.from({ length: TOTAL + 1 }, (_, n) => n + 1),
    );
    assert.deepEqual(await ana.page.evaluate(() => Object.keys(sessionStorage)), []);
    proxy.lifetime = () => Infinity;
    await ana.page.evaluate(() => dispatchEvent(new Event('online')));
    for (const reader of [ana, lucia]) await matchesFreshPage(reader);
  },
);
