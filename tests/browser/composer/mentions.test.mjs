// Mentions: autocomplete, style and counts.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const menu = ({ page }) => page.locator('#mention-menu');
const names = ({ page }) => page.locator('#mention-menu [role=option] small').allTextContents();
const chosen = ({ page }) => page.locator('#mention-menu [aria-selected=true]').getAttribute('data-name');
const badge = ({ page }, room) => page.locator('.sidebar .room', { hasText: room }).locator('.badge');
const counts = (visitor, text) =>
  eventually(async () => assert.equal((await badge(visitor, 'lobby').innerText()).replace(/\s+/g, ' ').trim(), text));
const tint = (visitor, text) =>
  visitor
    .message(text)
    .evaluate((row) => [getComputedStyle(row).backgroundColor, getComputedStyle(row, '::before').content !== 'none']);

const WIDE = ['everyone in this room', 'everyone here who is online'];

story('users are suggested while typing a name; Enter, Tab or a click inserts it', async ({ patio, newUser }) => {
  for (const name of ['lucia', 'luis', 'tom']) await patio.apiClient(name);
  const ana = await newUser('ana');
  const { page, composer } = ana;
  await composer.pressSequentially('hola @');
  await eventually(async () => assert.deepEqual(await names(ana), ['@lucia', '@luis', '@tom', ...WIDE]));
  await composer.pressSequentially('lu');
  await eventually(async () => assert.deepEqual(await names(ana), ['@lucia', '@luis']));
  assert.equal(await composer.getAttribute('aria-controls'), 'mention-menu');
  assert.match(await composer.getAttribute('aria-activedescendant'), /^mention-menu-\d+$/);
  await page.keyboard.press('ArrowDown');
  assert.equal(await chosen(ana), 'luis');
  await page.keyboard.press('Enter');
  assert.equal(await composer.inputValue(), 'hola @luis ');
  assert.equal(await menu(ana).isVisible(), false);
  assert.equal(await composer.getAttribute('aria-controls'), null);
  await composer.pressSequentially('y @T');
  await page.keyboard.press('Tab');
  assert.equal(await composer.inputValue(), 'hola @luis y @tom ');
  await composer.pressSequentially('o @lu');
  await page.locator('#mention-menu [data-name=lucia]').click();
  assert.equal(await composer.inputValue(), 'hola @luis y @tom o @lucia ');
  await page.keyboard.press('Enter');
  await ana.sees('hola @luis y @tom o @lucia');
});

story('suggestions in a thread beside the room have ids of their own', async ({ patio, newUser }) => {
  await patio.apiClient('tom');
  const ana = await newUser('ana', { viewport: { width: 1280, height: 800 } });
  await ana.post('The arches are up.');
  await ana.sees('The arches are up.');
  await ana.message('The arches').focus();
  await ana.page.keyboard.press('t');
  const field = ana.page.locator('#thread-body');
  await field.pressSequentially('@t');
  const options = ana.page.locator('#thread-mention-menu [role=option]');
  await options.filter({ hasText: '@tom' }).waitFor();
  const active = await field.getAttribute('aria-activedescendant');
  assert.equal(await ana.page.locator(`#${active}[aria-selected=true]`).count(), 1);
  await ana.composer.pressSequentially('@');
  await menu(ana).waitFor();
  for (const composer of [field, ana.composer]) {
    await composer.fill('');
    await composer.pressSequentially(':ta');
    await ana.page.locator('.autocomplete[id$=emoji-menu]:visible').waitFor();
  }
  const ids = await ana.page.locator('[id]').evaluateAll((all) => all.map(({ id }) => id));
  assert.ok((await options.count()) > 0 && (await menu(ana).locator('[role=option]').count()) > 0);
  assert.deepEqual(
    ids.filter((id, at) => ids.indexOf(id) !== at),
    [],
    'no id is used twice',
  );
});

story(
  'Enter sends a complete name, Escape keeps the text, and an email address opens no list',
  async ({ patio, newUser }) => {
    await patio.apiClient('tom');
    const ana = await newUser('ana');
    const { page, composer } = ana;
    await composer.pressSequentially('@tom');
    await menu(ana).waitFor();
    await page.keyboard.press('Enter');
    await ana.sees('@tom');
    await composer.pressSequentially('@to');
    await menu(ana).waitFor();
    await page.keyboard.press('Escape');
    await composer.pressSequentially('m');
    assert.equal(await menu(ana).isVisible(), false);
    await page.keyboard.press('Enter');
    await eventually(async () => assert.equal(await page.locator('.message .mention').count(), 2));
    for (const text of ['tom@to', '@nobody', '@@to']) {
      await composer.fill('');
      await composer.pressSequentially(text);
      assert.equal(await menu(ana).isVisible(), false, text);
    }
    await composer.fill('to @to and more');
    for (let n = 0; n < ' and more'.length; n += 1) await page.keyboard.press('ArrowLeft');
    await page.keyboard.type('m');
    await page.keyboard.press('Tab');
    assert.equal(await composer.inputValue(), 'to @tom and more');
  },
);

for (const scripts of [true, false]) {
  story(
    `a message that mentions its reader is highlighted, ${scripts ? 'with' : 'without'} scripts`,
    async ({ patio, newUser }) => {
      const tom = await patio.apiClient('tom');
      const ana = await newUser('ana', { javaScriptEnabled: scripts });
      await tom.post('hola @Ana');
      await tom.post('hola @tom');
      await ana.go('/rooms/1');
      const [mine, bar] = await tint(ana, 'hola @Ana');
      const [other, none] = await tint(ana, 'hola @tom');
      assert.ok(mine !== other && bar && !none, `${mine} ${other}`);
      await ana.message('hola @tom').locator('.mention').click();
      await ana.isIn('tom');
    },
  );
}

story(
  'mentions are counted separately until read; on a phone the rooms button has a dot',
  async ({ patio, newUser }) => {
    const tom = await patio.apiClient('tom');
    const ana = await newUser('ana', { viewport: { width: 390, height: 844 } });
    await ana.makeRoom('Huerto');
    const dot = ana.page.locator('.menu-button__mentions');
    assert.equal(await dot.isVisible(), false);
    for (const text of ['one', 'two for @ana', 'three', '@ana: four']) await tom.post(text);
    await eventually(async () => assert.equal(await dot.textContent(), ', 2 with your name'));
    await ana.page.locator('.menu-button').click();
    await counts(ana, '2 with your name');
    assert.match(await ana.page.title(), /^\(4\) Huerto/);
    await ana.open('lobby');
    await eventually(async () => assert.equal(await dot.isVisible(), false));
    await eventually(async () => assert.match(await ana.page.title(), /^lobby/));
  },
);

story('an opened page shows the mention count, even without scripts', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana', { javaScriptEnabled: false });
  for (const text of ['one', 'two for @ana']) await tom.post(text);
  await ana.go('/settings');
  await counts(ana, '1 with your name');
  await ana.go('/rooms/1');
  await ana.go('/settings');
  assert.equal(await badge(ana, 'lobby').isVisible(), false);
});

story('messages in a background tab count their mentions', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana');
  const { id: read } = await tom.post('one');
  await ana.sees('one');
  await ana.page.evaluate(() => {
    document.hasFocus = () => false;
  });
  await tom.post('two for @ana');
  await counts(ana, '1 with your name');
  await tom.edit(read, 'one, once more'); // editing a message that was read does not change the count
  await ana.sees('one, once more');
  await counts(ana, '1 with your name');
  const { id } = await tom.post('three for @ana');
  await counts(ana, '2 with your name');
  await tom.remove(id);
  await counts(ana, '1 with your name');
  await ana.page.evaluate(() => {
    delete document.hasFocus;
    dispatchEvent(new Event('focus'));
  });
  await eventually(async () => assert.equal(await badge(ana, 'lobby').isVisible(), false));
});

story('reading on one device updates the count on the other', async ({ patio, newUser, visitor }) => {
  const tom = await patio.apiClient('tom');
  const one = await newUser('ana');
  const two = await visitor();
  await two.go('/login');
  await two.signIn('ana');
  await two.arrives('/rooms/1');
  await one.makeRoom('Huerto');
  await two.go('/rooms/2');
  await tom.post('one for @ana');
  for (const each of [one, two]) await counts(each, '1 with your name');
  await one.open('lobby');
  await eventually(async () => assert.equal(await badge(two, 'lobby').isVisible(), false));
});
