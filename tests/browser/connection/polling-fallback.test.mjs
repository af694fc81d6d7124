// If a live connection cannot be opened or kept, the page polls over HTTP: each message once, in order, and without
// duplicates when the live connection returns.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const PACE = { banner: 50, retry: 50, poll: 200, blocked: 60_000 };

async function pace({ context, page }, timing = PACE) {
  await context.addInitScript((data) => {
    document.addEventListener('readystatechange', () =>
      Object.assign(document.getElementById('app')?.dataset ?? {}, data),
    );
  }, timing);
  await page.reload();
}

const LIVE = '**/api/v1/live?*';
/** Ways in which live connections fail while HTTP works. */
const BLOCKED = {
  'refused immediately': (socket) => socket.close({ code: 1011 }),
  'refused as one too many': (socket) => socket.close({ code: 4429 }),
  'closed before its hello': (socket) => {
    socket.connectToServer().onMessage(() => socket.close({ code: 1011 }));
  },
  'closed after its hello': (socket) => {
    const server = socket.connectToServer();
    server.onMessage((text) => {
      socket.send(text);
      if (text.includes('"live"')) socket.close({ code: 1011 });
    });
  },
};

for (const [how, block] of Object.entries(BLOCKED)) {
  story(
    `with a connection that is ${how}, messages are sent and received, without duplicates when it returns`,
    async ({ newUser, tolerate }) => {
      tolerate(/WebSocket/);
      const ana = await newUser('ana');
      const tom = await newUser('tom');
      let isBlocked = true;
      await ana.page.routeWebSocket(LIVE, (socket) => {
        if (isBlocked) block(socket);
        else socket.connectToServer();
      });
      await pace(ana);
      await ana.post('one');
      await ana.post('two');
      await ana.post('//three');
      await tom.sees('/three');
      await tom.post('four');
      await ana.sees('four');
      await eventually(async () => assert.deepEqual(await ana.texts(), ['one', 'two', '/three', 'four']));
      assert.match(await ana.banner.textContent(), /Live updates are off\./);
      await ana.page.locator('.message', { hasText: 'four' }).first().waitFor();
      assert.equal(await ana.page.locator('.message--pending').count(), 0);
      isBlocked = false;
      await ana.page.locator('#retry').click();
      await ana.page.locator('#app:not([data-line])').waitFor();
      await ana.post('five');
      await tom.post('six');
      for (const reader of [ana, tom])
        await eventually(async () => assert.deepEqual((await reader.texts()).slice(4).sort(), ['five', 'six']));
      assert.equal(await ana.banner.isVisible(), false);
      assert.deepEqual(await ana.outline(), await (await ana.newTab()).outline());
    },
  );
}

story('a browser extension that blocks WebSockets does not block messages', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.page.addInitScript(() => {
    globalThis.WebSocket = class {
      constructor() {
        throw new DOMException('no', 'SecurityError');
      }
    };
  });
  await pace(ana);
  await ana.post('one');
  await tom.sees('one');
  await tom.post('two');
  await ana.sees('two');
});

story('edits, other rooms, names and read markers arrive by polling', async ({ patio, newUser, tolerate }) => {
  tolerate(/WebSocket/);
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await tom.makeRoom('Huerto');
  await ana.post('/join Huerto');
  await ana.isIn('Huerto');
  await ana.open('lobby');
  await ana.page.routeWebSocket(LIVE, (socket) => socket.close({ code: 1011 }));
  await pace(ana);
  await tom.post('in the garden');
  await eventually(async () => assert.equal(await ana.badge('Huerto'), '1'));
  await tom.open('lobby');
  await tom.post('first');
  await ana.sees('first');
  await tom.composer.press('ArrowUp');
  await tom.page.locator('.message--editing textarea').fill('second');
  await tom.page.locator('.message--editing textarea').press('Enter');
  await ana.sees('second');
  await ana.open('Huerto');
  await ana.sees('in the garden');
  await ana.post('here too');
  await tom.open('Huerto');
  await tom.sees('here too');
  await patio.apiClient('lucia');
});

story('a refusal over HTTP is shown on its message and blocks no others', async ({ newUser, tolerate }) => {
  tolerate(/WebSocket|^4\d\d /);
  const ana = await newUser('ana');
  await ana.page.routeWebSocket(LIVE, (socket) => socket.close({ code: 1011 }));
  await pace(ana);
  await ana.page.route('**/rooms/1/messages', async (route) => {
    const isFirst = route.request().postData()?.includes('refused');
    if (!isFirst) {
      await route.continue();
      return;
    }
    const answer = await route.fetch({ url: route.request().url().replace('/rooms/1/', '/rooms/999/') });
    await route.fulfill({ response: answer });
  });
  await ana.post('refused');
  await ana.post('taken');
  await ana.sees('taken');
  await ana.page.locator('.message--failed').waitFor();
  assert.notEqual(await ana.page.locator('.message--failed .note__reason').textContent(), '');
});

story('many messages at once arrive by polling, complete and in order', async ({ patio, newUser, tolerate }) => {
  tolerate(/WebSocket/);
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana');
  await ana.page.routeWebSocket(LIVE, (socket) => socket.close({ code: 1011 }));
  await pace(ana);
  await ana.page.locator('#app[data-line=polling]').waitFor();
  for (let n = 0; n < 160; n++) await tom.post(`number ${n}`);
  await ana.page.locator('.message[data-seq="160"]').waitFor();
  const seqs = await ana.page
    .locator('.message[data-seq]')
    .evaluateAll((all) => all.map(({ dataset }) => Number(dataset.seq)));
  assert.deepEqual(
    seqs,
    Array.from({ length: 160 }, (_, n) => n + 1),
  );
});
