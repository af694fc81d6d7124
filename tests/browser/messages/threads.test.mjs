// Threads: beside the room, on their own page, on a phone and without scripts.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const PHONE = { viewport: { width: 390, height: 844 } };
const PLAIN = { javaScriptEnabled: false };

const beside = (visitor) => visitor.page.locator('.main--beside');
const line = (visitor) => visitor.page.locator('.main:not(.main--beside) a.thread-line[data-thread]');
const isFocused = (locator) => locator.evaluate((element) => element === document.activeElement);

story('two users write in a thread, one on its page and one beside the room', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.post('The bean arches are up.');
  await tom.sees('The bean arches are up.');

  // The first reply is posted as a form and creates the thread.
  await tom.post('/thread');
  await tom.page.waitForURL(/\/threads\/1$/);
  await tom.page.locator('.thread__head .message').waitFor();
  await tom.post('They look like a door.');
  await tom.sees('They look like a door.');

  await line(ana).filter({ hasText: '1 reply' }).waitFor();
  await line(ana).filter({ hasText: '1 new' }).waitFor();
  const badge = ana.page.locator('#threads .badge');
  await eventually(async () => assert.equal(await badge.locator('.badge__count').textContent(), '1'));

  await ana.markPage();
  await line(ana).click();
  const thread = beside(ana);
  await thread.locator('.message', { hasText: 'They look like a door.' }).waitFor();
  assert.ok(await isFocused(thread.getByRole('heading', { level: 2, name: 'Thread' })));
  assert.equal(await ana.page.locator('h1').count(), 1);
  const ids = await ana.page.locator('[id]').evaluateAll((elements) => elements.map(({ id }) => id));
  assert.equal(new Set(ids).size, ids.length, 'no id is used twice');
  await eventually(async () => assert.equal(await badge.isVisible(), false));

  // Live in both directions, in the room as well.
  await tom.post('Where to?');
  await thread.locator('.message[data-seq]', { hasText: 'Where to?' }).waitFor();
  await thread.locator('.thread__count', { hasText: '2 replies' }).waitFor();
  const also = thread.getByRole('checkbox', { name: /Also send to/ });
  await also.check();
  const field = thread.locator('textarea');
  await field.fill('To the garden.');
  await field.press('Enter');
  await tom.sees('To the garden.');
  await thread.locator('.message[data-seq]', { hasText: 'To the garden.' }).waitFor();
  assert.equal(await also.isChecked(), false, 'off again after each reply');
  const copy = ana.page.locator('#messages .message', { hasText: 'To the garden.' });
  await copy.getByRole('link', { name: 'From a thread' }).waitFor();
  await line(ana).filter({ hasText: '3 replies' }).waitFor();
  await ana.post('And in the room itself.');
  await ana.sees('And in the room itself.');

  // F6 leads from the room to the thread.
  await ana.composer.focus();
  await ana.page.keyboard.press('F6');
  assert.ok(await isFocused(thread.getByRole('heading', { name: 'Thread' })));

  await ana.page.keyboard.press('Escape');
  await thread.waitFor({ state: 'detached' });
  assert.ok(await isFocused(line(ana)));
  assert.ok(await ana.isSamePage());

  // Who stops following hears of nothing more.
  await tom.page.getByRole('button', { name: 'Unfollow' }).click();
  await tom.page.getByRole('button', { name: 'Follow', exact: true }).waitFor();
  await tom.page.getByRole('link', { name: 'Threads' }).click();
  await tom.page.getByText('You follow no threads yet.').waitFor();
  await ana.page.getByRole('link', { name: 'Threads' }).click();
  await ana.page.locator('.thread-row', { hasText: 'The bean arches are up.' }).waitFor();
});

story('on a phone the line leads to the page of the thread, and back', async ({ newUser }) => {
  const ana = await newUser('ana', PHONE);
  await ana.post('Who waters on Sunday?');
  await ana.sees('Who waters on Sunday?');
  await ana.go('/threads/1');
  await ana.post('I do.');
  await ana.sees('I do.');
  await ana.page.getByRole('link', { name: 'Back to the room' }).click();
  await ana.arrives('/rooms/1');
  await line(ana).filter({ hasText: '1 reply' }).click();
  await ana.arrives('/threads/1');
  await ana.sees('I do.');
  assert.equal(await beside(ana).count(), 0);
  await ana.post('And on Monday.');
  await ana.sees('And on Monday.');
  const overflow = await ana.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${overflow} px`);
});

story('without scripts a thread is a page with one form', async ({ newUser }) => {
  const ana = await newUser('ana', PLAIN);
  await ana.composer.fill('The bean arches are up.');
  await ana.page.getByRole('button', { name: 'Send' }).click();
  await ana.go('/threads/1');
  assert.equal(await ana.field('body').count(), 1);
  await ana.composer.fill('They look like a door.');
  await ana.page.getByRole('checkbox', { name: 'Also send to #lobby' }).check();
  await ana.page.getByRole('button', { name: 'Send' }).click();
  await ana.arrives('/threads/1');
  assert.deepEqual(await ana.texts(), ['The bean arches are up.', 'They look like a door.']);
  assert.equal(await ana.page.getByRole('checkbox').isChecked(), false);

  const tom = await newUser('tom', PLAIN);
  assert.deepEqual(await tom.texts(), ['The bean arches are up.', 'They look like a door.']);
  await tom.page.getByRole('link', { name: 'From a thread' }).click();
  await tom.arrives('/threads/1');
  await tom.page.getByRole('button', { name: 'Follow', exact: true }).click();
  await tom.page.getByRole('button', { name: 'Unfollow' }).waitFor();
  await tom.page.getByRole('link', { name: 'Threads' }).click();
  await tom.arrives('/threads');
  await tom.page.locator('.thread-row', { hasText: '1 reply' }).waitFor();
});
