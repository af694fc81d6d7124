// Touch: a long press on a message, or a tap on its time, opens a sheet of actions. Scrolling, links and selecting work as
// usual.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const LONG = 2_000; // in time of the page's clock: four times the duration of a long press

const sheet = ({ page }) => page.locator('#acts-sheet');
const choice = (visitor, name) => sheet(visitor).getByRole('button', { name });
const body = (visitor, text) => visitor.message(text).locator('.message__body');
const focused = ({ page }) => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);

/** Touch events of one finger. */
async function fingerOf({ context, page }) {
  const session = await context.newCDPSession(page);
  const touch = (type, ...touchPoints) => session.send('Input.dispatchTouchEvent', { type, touchPoints });
  return {
    async down(target) {
      await target.scrollIntoViewIfNeeded();
      const { x, y, width, height } = await target.boundingBox();
      this.at = { x: x + Math.min(width, 40) / 2, y: y + height / 2 };
      await touch('touchStart', this.at);
    },
    async drag(by) {
      for (let step = 0; step < 10; step++) {
        this.at.y += by / 10;
        await touch('touchMove', this.at);
      }
    },
    up: () => touch('touchEnd'),
  };
}

async function say(visitor, text) {
  await visitor.composer.fill(text);
  await visitor.page.locator('.send-button').tap();
  await visitor.sees(text);
}

async function longPress(visitor, finger, text) {
  await finger.down(body(visitor, text));
  await sheet(visitor).waitFor();
  await finger.up();
}

story('a long press on a message opens a sheet with the permitted actions', async ({ newUser }) => {
  const ana = await newUser('ana', PHONE);
  const tom = await newUser('tom', PHONE);
  await say(ana, 'the long hose');
  await say(tom, 'the ladder');
  await ana.sees('the ladder');
  assert.equal(await ana.page.locator('.message-actions').isVisible(), false);
  const [hers, his] = [await fingerOf(ana), await fingerOf(tom)];

  await longPress(tom, his, 'the long hose');
  assert.equal(await sheet(tom).isVisible(), true); // lifting the finger did not select an action
  assert.equal(await sheet(tom).getAttribute('aria-label'), 'Message by ana');
  const sizes = await sheet(tom)
    .locator('button, a')
    .evaluateAll((all) =>
      all.filter((one) => one.checkVisibility()).map((one) => Math.min(one.offsetWidth, one.offsetHeight)),
    );
  assert.ok(Math.min(...sizes) >= 44, sizes.join(' '));
  for (const act of ['Edit message', 'Delete message']) assert.equal(await choice(tom, act).isVisible(), false);
  await choice(tom, '👍').tap();
  await sheet(tom).waitFor({ state: 'hidden' });
  for (const reader of [ana, tom])
    await eventually(async () =>
      assert.equal((await reader.page.locator('#messages .reaction').textContent()).trim(), '👍 1'),
    );

  await longPress(tom, his, 'the long hose');
  assert.equal(await choice(tom, '👍').getAttribute('aria-pressed'), 'true');
  await choice(tom, 'Add a reaction').tap();
  await tom.page.locator('#emoji-picker').getByRole('button', { name: 'party popper' }).tap();
  await eventually(async () => assert.equal(await ana.page.locator('#messages .reaction').count(), 2));

  await longPress(ana, hers, 'the long hose');
  await choice(ana, 'Edit message').tap();
  await ana.page.locator('#messages .edit-form textarea').fill('the longest hose');
  await ana.page.locator('#messages .edit-form').getByRole('button', { name: 'Save', exact: true }).tap();
  await tom.sees('the longest hose');

  await longPress(ana, hers, 'the longest hose');
  await choice(ana, 'Delete message').tap();
  await ana.page.locator('.message--deleting').getByRole('button', { name: 'Undo' }).tap();
  assert.equal(await ana.page.locator('.message--deleting').count(), 0);
});

story('the sheet copies the text', async ({ newUser }) => {
  const ana = await newUser('ana', { ...PHONE, permissions: ['clipboard-read', 'clipboard-write'] });
  await say(ana, 'the code is 4711');
  await longPress(ana, await fingerOf(ana), 'the code is 4711');
  await choice(ana, 'Copy text').tap();
  await eventually(async () =>
    assert.equal(await ana.page.evaluate(() => navigator.clipboard.readText()), 'the code is 4711'),
  );
  await eventually(async () => assert.equal(await ana.page.locator('#announcer').textContent(), 'Copied.'));
});

story('scrolling, pressing a link or selecting text opens nothing', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  for (let n = 0; n < 40; n++) await tom.post(`line ${n}`);
  await tom.post('look at https://example.org/here');
  const ana = await newUser('ana', PHONE);
  await ana.sees('look at');
  await ana.page.clock.install();
  const finger = await fingerOf(ana);
  const from = await ana.log.evaluate((log) => log.scrollTop);

  await finger.down(body(ana, 'line 36'));
  await finger.drag(200);
  await ana.page.clock.runFor(LONG);
  assert.equal(await sheet(ana).isVisible(), false);
  await finger.up();
  await eventually(async () => assert.ok((await ana.log.evaluate((log) => log.scrollTop)) < from));

  const link = ana.message('look at').locator('.message__body a');
  await finger.down(link);
  await ana.page.clock.runFor(LONG);
  assert.equal(await sheet(ana).isVisible(), false);
  await finger.up();

  await body(ana, 'line 39').evaluate((words) => getSelection().selectAllChildren(words));
  await finger.down(body(ana, 'line 39'));
  await ana.page.clock.runFor(LONG);
  assert.equal(await sheet(ana).isVisible(), false);
  assert.equal(await ana.page.evaluate(() => getSelection().toString().trim()), 'line 39');
  await finger.up();

  await ana.page.evaluate(() => getSelection().removeAllRanges());
  await finger.down(body(ana, 'line 39'));
  await ana.page.clock.runFor(LONG);
  await sheet(ana).waitFor();
  await finger.up();
});

story('a tap on the time opens the sheet too; Escape, its button and a tap outside close it', async ({ newUser }) => {
  const ana = await newUser('ana', PHONE);
  await say(ana, 'hello');
  const time = ana.message('hello').locator('.message__link');
  const article = await ana.message('hello').getAttribute('id');
  await time.tap();
  await sheet(ana).waitFor();
  await ana.page.keyboard.press('Escape');
  await sheet(ana).waitFor({ state: 'hidden' });
  assert.match(await focused(ana), new RegExp(`${article}|\\d\\d:\\d\\d`));

  await time.press('Enter');
  await sheet(ana).waitFor();
  await choice(ana, 'Close').tap();
  await sheet(ana).waitFor({ state: 'hidden' });
  await time.tap();
  await sheet(ana).waitFor();
  await ana.page.touchscreen.tap(195, 40);
  await sheet(ana).waitFor({ state: 'hidden' });
  assert.equal(new URL(ana.page.url()).pathname, '/rooms/1');

  await time.tap();
  await sheet(ana).getByRole('button', { name: 'Open on its own page' }).tap();
  await ana.arrives(`/messages/${article.slice(1)}`);
});

story("without scripts the time links to the message's page with all actions", async ({ newUser, visitor }) => {
  const ana = await newUser('ana', PHONE);
  await say(ana, 'hello');
  const plain = await visitor({ ...PHONE, javaScriptEnabled: false });
  await plain.context.addCookies(await ana.context.cookies());
  await plain.go('/rooms/1');
  await plain.message('hello').locator('.message__link').tap();
  for (const name of ['Edit message', 'Delete message', 'Add a reaction'])
    await plain.page.getByRole('heading', { name }).waitFor();
  await plain.page.getByRole('button', { name: '👍' }).tap();
  await ana.page.locator('#messages .reaction').waitFor();
});
