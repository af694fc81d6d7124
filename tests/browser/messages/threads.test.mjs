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

story('the head of a thread is live and complete, on its page and beside the room', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom', { timezoneId: 'Asia/Tokyo' });
  const lines = Array.from({ length: 24 }, (_, n) => `let row_${n} = ${n};`);
  await ana.post(['Here it is:', '```rust', ...lines, '```'].join('\n'));
  await tom.sees('Here it is:');
  await tom.go('/threads/1');
  await tom.post('I see.');
  await tom.sees('I see.');
  await tom.page.reload();
  await line(ana).click();
  const heads = [tom.page.locator('.thread__head .message'), beside(ana).locator('.thread__head .message')];
  // Until then nothing that changes arrives.
  for (const visitor of [ana, tom]) await visitor.page.locator('#app:not([data-line])').waitFor();

  for (const head of heads) {
    const block = head.locator('.code-block');
    assert.equal(await block.locator('.code-block__language').textContent(), 'rust');
    await block.getByRole('button', { name: 'Copy' }).waitFor();
    await block.getByRole('button', { name: /more lines/ }).click();
    assert.equal(await block.evaluate((it) => it.classList.contains('code-block--folded')), false);
    await block.locator('pre span').first().waitFor();
  }
  const [own, other] = await Promise.all(heads.map((head) => head.locator('.message__time').textContent()));
  const room = await ana.page.locator('#messages #m1 .message__time').textContent();
  assert.equal(other, room);
  assert.notEqual(own, room, 'each in the zone of its reader');

  // What changes elsewhere changes both, and what a menu here does changes the room.
  await heads[0].focus();
  await tom.page.keyboard.press('Shift+F10');
  const menu = tom.page.locator('#acts-sheet');
  await menu.getByRole('button', { name: 'Save for later' }).waitFor();
  assert.equal(await menu.getByRole('button', { name: 'Reply', exact: true }).isVisible(), false);
  await tom.page.keyboard.press('Escape');
  await heads[0].locator('[data-act=quick]').first().click();
  for (const head of [...heads, ana.page.locator('#m1')]) await head.locator('.reaction', { hasText: '1' }).waitFor();
  assert.equal(await heads[0].locator('.reaction').getAttribute('aria-pressed'), 'true');
  assert.equal(await heads[1].locator('.reaction').getAttribute('aria-pressed'), 'false');
  await heads[1].locator('.reaction').click();
  for (const head of heads) await head.locator('.reaction', { hasText: '2' }).waitFor();

  await heads[1].focus();
  await ana.page.keyboard.press('s');
  for (const head of [heads[1], ana.page.locator('#m1')]) await head.locator('.saved-mark').waitFor();
  await heads[1].focus();
  await ana.page.keyboard.press('e');
  await heads[1].locator('.edit-form textarea').fill('Here it was.');
  await ana.page.keyboard.press('Enter');
  for (const head of [...heads, ana.page.locator('#m1')]) {
    await head.locator('.message__body', { hasText: 'Here it was.' }).waitFor();
  }
  assert.equal(await heads[1].locator('.saved-mark').count(), 1);
  const ids = await ana.page.locator('[id]').evaluateAll((elements) => elements.map(({ id }) => id));
  assert.equal(new Set(ids).size, ids.length, 'no id is used twice');
  await ana.page.reload();
  await line(ana).click();
  await heads[1].locator('.saved-mark').waitFor();

  // A reply that goes is not counted any more.
  await tom.page.clock.install();
  await tom.message('I see.').focus();
  await tom.page.keyboard.press('Delete');
  await tom.page.clock.fastForward(11_000);
  for (const visitor of [tom, ana]) await visitor.page.locator('.thread__count', { hasText: '0 replies' }).waitFor();
  await ana.page.clock.install();
  await heads[1].focus();
  await ana.page.keyboard.press('Delete');
  await ana.page.clock.fastForward(11_000);
  for (const head of heads) await head.getByText('deleted').waitFor();
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
