// Everything without JavaScript: links and forms.
import assert from 'node:assert/strict';
import { eventually, PASSWORD, story } from '../support.mjs';

const PLAIN = { javaScriptEnabled: false };

async function send(visitor, text) {
  await visitor.composer.fill(text);
  await visitor.page.getByRole('button', { name: 'Send' }).click();
}

story('registering, writing, reading and signing out work without scripts', async ({ newUser }) => {
  const ana = await newUser('ana', PLAIN);
  await send(ana, 'Hello from a plain page');
  await ana.arrives('/rooms/1');
  assert.deepEqual(await ana.texts(), ['Hello from a plain page']);
  assert.equal(await ana.composer.inputValue(), '');

  const tom = await newUser('tom', PLAIN);
  assert.deepEqual(await tom.texts(), ['Hello from a plain page']);
  assert.deepEqual(await tom.online(), ['ana', 'tom']);

  await tom.signOut();
  await tom.arrives('/login');
  await tom.go('/rooms/1');
  await tom.arrives('/login?next=%2Frooms%2F1');
});

story('a message without text is refused, and the input stays', async ({ newUser }) => {
  const ana = await newUser('ana', PLAIN);
  const [refusal] = await Promise.all([
    ana.page.waitForResponse((response) => response.request().method() === 'POST'),
    send(ana, '   '),
  ]);
  assert.equal(refusal.status(), 422);
  assert.equal(await ana.page.getByRole('alert').textContent(), 'Write something first.');
  assert.equal(await ana.composer.inputValue(), '   ');

  await send(ana, 'now with text');
  await ana.arrives('/rooms/1');
  assert.deepEqual(await ana.texts(), ['now with text']);
});

/** A text that was sent without a session comes back in a form, and is sent after signing in. */
async function isKept(ana, text) {
  const kept = ana.page.locator('.centered-page__card textarea');
  await kept.waitFor();
  assert.equal(await kept.inputValue(), text);
  const [tab] = await Promise.all([
    ana.context.waitForEvent('page'),
    ana.page.getByRole('link', { name: 'Sign in' }).click(),
  ]);
  await tab.locator('[name=login]').fill('ana');
  await tab.locator('[name=password]').fill(PASSWORD);
  await tab.locator('.auth__card button[type=submit]').click();
  await tab.waitForURL((url) => url.pathname !== '/login');
  await ana.page.getByRole('button', { name: 'Send again' }).click();
}

/** The browser keeps its cookie, but the session was revoked on the server. */
async function endSession({ context }) {
  const cookies = (await context.cookies()).filter(({ name }) => name.startsWith('patio_session'));
  await context.addCookies(cookies.map((cookie) => ({ ...cookie, value: 'ended' })));
}

story('a message sent after the session ended comes back and is sent once', async ({ newUser }) => {
  const ana = await newUser('ana', PLAIN);
  await endSession(ana);
  await send(ana, '<b>typed</b> for long');
  await isKept(ana, '<b>typed</b> for long');
  await ana.arrives('/rooms/1');
  assert.deepEqual(await ana.texts(), ['<b>typed</b> for long']);
});

story('an edit saved after the session ended comes back and is saved', async ({ newUser }) => {
  const ana = await newUser('ana', PLAIN);
  await send(ana, 'said before');
  await ana.page.locator('.message__link').click();
  await ana.page.locator('form.edit-form textarea').fill('an hour of work');
  await endSession(ana);
  await ana.page.getByRole('button', { name: 'Save', exact: true }).click();
  await isKept(ana, 'an hour of work');
  await ana.page.waitForURL((url) => url.pathname.startsWith('/messages/'));
  assert.deepEqual(await ana.texts(), ['an hour of work']);
});

story('a too long text comes back in its field; a still longer one is there when going back', async ({ newUser }) => {
  const ana = await newUser('ana', PLAIN);
  await send(ana, 'x'.repeat(20_000));
  await eventually(async () =>
    assert.match(await ana.page.getByRole('alert').textContent(), /at most 16,000 characters/),
  );
  assert.equal((await ana.composer.inputValue()).length, 20_000);
  await ana.go('/rooms/1');
  await send(ana, 'ü'.repeat(140_000)); // more than the server reads
  await eventually(async () =>
    assert.match(await ana.page.locator('.centered-page__card').textContent(), /Use the Back button of your browser/),
  );
  assert.equal(await ana.page.getByRole('link', { name: 'Back to the previous page' }).count(), 0);
  await ana.page.goBack();
  await eventually(async () => assert.equal((await ana.composer.inputValue()).length, 140_000));
});

story('the language links on the page of a refused message lead to the room', async ({ newUser }) => {
  const ana = await newUser('ana', PLAIN);
  await Promise.all([ana.page.waitForResponse((response) => response.request().method() === 'POST'), send(ana, '   ')]);
  await ana.openMenu();
  await ana.page.getByRole('link', { name: 'Español' }).click();
  await ana.arrives('/rooms/1?lang=es');
});

story('older and newest messages are linked', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  for (let n = 1; n <= 60; n++) await tom.post(`number ${n}`);
  const ana = await newUser('ana', PLAIN);
  assert.equal((await ana.texts()).at(0), 'number 11');
  await ana.page.getByRole('link', { name: 'Older messages' }).click();
  await ana.arrives('/rooms/1?before=11');
  assert.deepEqual(
    await ana.texts(),
    Array.from({ length: 10 }, (_, n) => `number ${n + 1}`),
  );
  await ana.page.locator('#start').waitFor();
  await ana.page.getByRole('link', { name: 'Newest messages' }).click();
  await ana.arrives('/rooms/1');
  assert.equal((await ana.texts()).at(-1), 'number 60');
});

story('times without scripts state their time zone', async ({ newUser }) => {
  const ana = await newUser('ana', PLAIN);
  await send(ana, 'what time is it?');
  assert.match(await ana.page.locator('.message__time').textContent(), /^\d\d:\d\d UTC$/);
});

story('the language can be changed by a link', async ({ newUser }) => {
  const ana = await newUser('ana', PLAIN);
  await ana.openMenu();
  await ana.page.getByRole('link', { name: 'Español' }).click();
  await ana.page.locator('html[lang=es]').waitFor();
  await ana.page.getByRole('button', { name: 'Enviar' }).waitFor();
});

story('on a phone the rooms and members open as drawers', async ({ newUser }) => {
  const ana = await newUser('ana', { ...PLAIN, viewport: { width: 390, height: 844 } });
  const rooms = ana.page.locator('#side');
  assert.equal(await rooms.isVisible(), false);
  await ana.page.getByRole('button', { name: 'Open the list of rooms' }).click();
  await rooms.waitFor();
  await ana.page.keyboard.press('Escape');
  await rooms.waitFor({ state: 'hidden' });

  await ana.page.getByRole('button', { name: '1 member' }).click();
  await ana.page.locator('#people').waitFor();
});

story('an unknown address states so and links back', async ({ newUser }) => {
  const ana = await newUser('ana', PLAIN);
  const answer = await ana.go('/nowhere');
  assert.equal(answer.status(), 404);
  assert.equal(await ana.page.getByRole('heading').textContent(), 'Nothing here');
  await ana.page.getByRole('link', { name: 'Back to the chat' }).click();
  await ana.arrives('/rooms/1');
});

story('scripts render messages like the server', async ({ patio, newUser, visitor }) => {
  const ana = await newUser('ana', { timezoneId: 'UTC' });
  const [tom, mei] = [await patio.apiClient('tom'), await patio.apiClient('mei')];
  for (const author of [tom, tom, mei, tom, mei, mei, mei]) await author.post('words');
  await eventually(async () => assert.equal((await ana.texts()).length, 7));

  const plain = await visitor(PLAIN);
  await plain.go('/login');
  await plain.signIn('ana');
  await plain.arrives('/rooms/1');
  const layout = async (reader) =>
    (await reader.outline()).map(({ date, id, by, body, look }) => ({ date, id, by, body, look }));
  assert.deepEqual(await layout(ana), await layout(plain));
});

story('buttons that need scripts are hidden without them', async ({ visitor }) => {
  const ana = await visitor(PLAIN);
  await ana.go('/register');
  assert.equal(await ana.page.getByRole('button', { name: 'Show password' }).count(), 0);
});

story('files go with the form, and come back with one that is refused', async ({ newUser }) => {
  const ana = await newUser('ana', PLAIN);
  const choose = (...names) =>
    ana.page
      .locator('input[name=files]')
      .setInputFiles(names.map((name) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(name) })));
  await choose('one.txt', 'two.txt');
  await send(ana, 'two files');
  await ana.arrives('/rooms/1');
  const files = ana.page.locator('.message .file-name');
  assert.deepEqual(await files.allTextContents(), ['one.txt', 'two.txt']);
  await choose('three.txt');
  await send(ana, '');
  await ana.arrives('/rooms/1');
  assert.deepEqual(await files.allTextContents(), ['one.txt', 'two.txt', 'three.txt']);
  await choose('four.txt');
  await send(ana, 'x'.repeat(16_001));
  await ana.page.getByRole('checkbox', { name: 'four.txt' }).waitFor();
  await send(ana, 'shorter');
  await ana.arrives('/rooms/1');
  assert.deepEqual(await files.allTextContents(), ['one.txt', 'two.txt', 'three.txt', 'four.txt']);
});
