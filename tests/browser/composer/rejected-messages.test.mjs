// A message that the server always refuses fails once, with its reason, and does not block other messages.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const LIVE = '**/api/v1/live?*';
const failed = (ana) => ana.page.locator('.message--failed');

/** The server closes a connection that sends such a frame. Other frames pass. */
async function closeAt(ana, isBad, code) {
  let closed = 0;
  await ana.page.routeWebSocket(LIVE, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      if (!isBad(text)) {
        server.send(text);
        return;
      }
      closed += 1;
      socket.close({ code });
    });
  });
  await ana.page.reload();
  await ana.page.locator('#app:not([data-line])').waitFor();
  return () => closed;
}

story('a message too large for a frame is sent by form, and the others too', async ({ newUser }) => {
  const ana = await newUser('ana');
  const closed = await closeAt(ana, (text) => text.includes('too large'), 1009);
  await ana.post('too large');
  await ana.post('behind it');
  await ana.sees('too large');
  await ana.sees('behind it');
  await eventually(async () => assert.equal(await ana.page.locator('.message--pending').count(), 0));
  assert.equal(closed(), 1);
  assert.equal((await ana.texts()).length, 2);
});

const LARGE = {
  'quotation marks': '"'.repeat(16_000),
  tomatoes: '\u{1f345}'.repeat(4_000),
  lines: `${'a\n'.repeat(300)}b`,
};
for (const [what, text] of Object.entries(LARGE)) {
  story(`many ${what} are sent`, async ({ newUser }) => {
    const ana = await newUser('ana');
    await ana.post(text);
    await ana.post('behind it');
    await ana.sees('behind it');
    await eventually(async () => assert.equal(await ana.page.locator('.message--pending').count(), 0));
    assert.equal(await ana.page.locator('.message[data-seq]').count(), 2);
  });
}

story('invisible characters are refused with a reason, and the next message is sent', async ({ newUser, tolerate }) => {
  tolerate(/^422 /);
  const ana = await newUser('ana');
  await ana.post('\u001b'.repeat(16_000));
  await ana.post('behind it');
  await ana.sees('behind it');
  await failed(ana).waitFor();
  assert.equal(await failed(ana).locator('.note__reason').textContent(), 'Write something first.');
  await ana.page.reload();
  await failed(ana).waitFor();
  await failed(ana).getByRole('button', { name: 'Delete' }).click();
  await ana.page.reload();
  await ana.sees('behind it');
  assert.equal(await failed(ana).count(), 0);
});

story('a lone surrogate does not block the outbox', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.composer.evaluate((field) => {
    field.value = 'half \ud83c of one';
    field.form.requestSubmit();
  });
  await ana.sees('of one');
});

story('an unacknowledged message is sent by form', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.page.routeWebSocket(LIVE, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      if (!text.includes('"post"')) server.send(text);
    });
  });
  await ana.page.reload();
  await ana.post('swallowed');
  await ana.page.locator('.message[data-seq]').filter({ hasText: 'swallowed' }).waitFor({ timeout: 25_000 });
});

/** A pending message for a room, as left by a closed tab. */
const leave = ({ page }, entry) =>
  page.evaluate((data) => {
    localStorage.setItem(
      `patio:outbox:${document.body.dataset.account}:${data.nonce}`,
      JSON.stringify({ tab: '', at: 1, ...data }),
    );
  }, entry);

story('a pending message for a missing room fails with its reason and blocks no others', async ({ newUser }) => {
  const ana = await newUser('ana');
  await leave(ana, { nonce: 'gone', room: 999, body: 'for no one' });
  await leave(ana, { nonce: 'here', room: 1, body: 'for all' });
  await ana.page.reload();
  await ana.sees('for all');
  await failed(ana).waitFor();
  assert.match(await failed(ana).textContent(), /for no one/);
  assert.notEqual(await failed(ana).locator('.note__reason').textContent(), '');
});

story('a pending message for a room replaced by a restore stays with its author', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await leave(ana, { nonce: 'old', room: 1, name: 'another room', epoch: 'before', body: 'not for the lobby' });
  await leave(ana, { nonce: 'same', room: 1, name: 'lobby', epoch: 'before', body: 'for the lobby' });
  const { created, epoch } = await ana.page.evaluate(() => ({
    ...document.getElementById('app').dataset,
    ...document.querySelector('.main').dataset,
  }));
  // After a restore of the whole data directory, the epoch is the same.
  await leave(ana, {
    nonce: 'older',
    room: 1,
    name: 'lobby',
    epoch,
    created: '2001-01-01T00:00:00.000Z',
    body: 'not for this one',
  });
  await leave(ana, {
    nonce: 'renamed',
    room: 1,
    name: 'as it was called',
    epoch: 'before',
    created,
    body: 'for the same',
  });
  await ana.page.reload();
  await tom.sees('for the lobby');
  await tom.sees('for the same');
  await eventually(async () => assert.equal(await failed(ana).count(), 2));
  for (const why of await failed(ana).locator('.note__reason').all())
    assert.match(await why.textContent(), /no longer exists/);
  assert.deepEqual((await tom.texts()).sort(), ['for the lobby', 'for the same']);
});

/** Without a live connection, messages are sent as forms. */
async function withoutConnection(ana) {
  await ana.page.addInitScript(() => {
    globalThis.WebSocket = class {
      constructor() {
        throw new DOMException('no', 'SecurityError');
      }
    };
  });
  await ana.page.reload();
  await ana.page.locator('#app[data-line=polling]').waitFor();
}

for (const text of ['#exit now please', '#lR is what I typed', '/etc/passwd is a file']) {
  story(`over HTTP "${text}" is sent unchanged, once, and later messages too`, async ({ newUser }) => {
    const ana = await newUser('ana');
    await withoutConnection(ana);
    await ana.post(text);
    await ana.page.getByRole('button', { name: 'Post it as text' }).click();
    await ana.sees(text);
    await ana.post('behind it');
    await ana.sees('behind it');
    assert.deepEqual(await ana.texts(), [text, 'behind it']);
  });
}

const WORDLESS = {
  'a refusal without a reason': { status: 400 },
  'another page of Patio': { status: 200 },
};
for (const [what, { status }] of Object.entries(WORDLESS)) {
  story(`${what} fails a message once, with a reason of the page`, async ({ newUser, tolerate }) => {
    tolerate(/^400 /);
    const ana = await newUser('ana');
    await withoutConnection(ana);
    let posts = 0;
    await ana.page.route('**/rooms/1/messages', async (route) => {
      if (!route.request().postData()?.includes('wordless')) {
        await route.continue();
        return;
      }
      posts += 1;
      await route.fulfill({ status, response: await route.fetch({ url: `${ana.patio.origin}/rooms`, method: 'GET' }) });
    });
    await ana.post('wordless');
    await ana.post('behind it');
    await ana.sees('behind it');
    await failed(ana).waitFor();
    assert.equal(await failed(ana).locator('.note__reason').textContent(), 'The server did not accept it.');
    assert.equal(posts, 1);
    await ana.page.reload();
    await ana.sees('behind it');
    await failed(ana).waitFor();
    assert.equal(posts, 1);
  });
}

story('a message that failed in an earlier release is not sent again and blocks no others', async ({ newUser }) => {
  const ana = await newUser('ana');
  await leave(ana, { nonce: 'old', room: 1, body: 'failed before', failed: '' });
  await withoutConnection(ana);
  await ana.post('behind it');
  await ana.sees('behind it');
  await failed(ana).waitFor();
  assert.equal(await ana.page.locator('.message[data-seq]').count(), 1);
});

for (const [way, prepare] of Object.entries({ 'over WebSocket': async () => {}, 'over HTTP': withoutConnection })) {
  story(`${way} a pending message for a deleted room reports that the room is gone`, async ({ newUser, tolerate }) => {
    tolerate(/^404 /);
    const ana = await newUser('ana');
    await leave(ana, { nonce: 'gone', room: 999, body: 'for no one' });
    await prepare(ana);
    await ana.page.reload();
    await failed(ana).waitFor();
    assert.match(await failed(ana).locator('.note__reason').textContent(), /no longer exists/);
  });
}
