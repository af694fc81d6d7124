// The quick switcher: from any page to any room or user with a few letters.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const dialog = ({ page }) => page.locator('#switcher');
const field = ({ page }) => page.getByRole('combobox');
const options = ({ page }) => page.locator('#switcher [role=option] bdi');
const count = ({ page }) => page.locator('.switcher__count').textContent();
const chosen = ({ page }) => page.locator('#switcher [aria-selected=true] bdi').textContent();
const hasFocus = (locator) => locator.evaluate((element) => element === document.activeElement);

/** Opens it and waits for the list from the server. */
async function openSwitcher(visitor, known) {
  const answer = visitor.page.waitForResponse('**/switcher');
  await visitor.page.keyboard.press('Control+k');
  await answer;
  await eventually(async () => assert.deepEqual(await options(visitor).allTextContents(), known));
}

async function inTheGarden(patio, newUser) {
  for (const name of ['lucía', 'tom']) await patio.apiClient(name);
  const ana = await newUser('ana');
  await ana.markPage();
  await ana.makeRoom('Huerto');
  return ana;
}

story('a few letters and Enter open a room without a page load', async ({ patio, newUser }) => {
  const ana = await inTheGarden(patio, newUser);
  await ana.composer.fill('half a sentence');
  await openSwitcher(ana, ['lobby', 'Huerto', 'lucía', 'tom']);
  assert.equal(await hasFocus(field(ana)), true);
  assert.equal(await count(ana), '4 results');
  await ana.page.keyboard.type('LÓB');
  assert.deepEqual(await options(ana).allTextContents(), ['lobby']);
  assert.equal(await count(ana), '1 result');
  await ana.page.keyboard.press('Enter');
  await ana.isIn('lobby');
  await ana.arrives('/rooms/1');
  assert.equal(await dialog(ana).isVisible(), false);
  assert.equal(await hasFocus(ana.composer), true);
  await ana.open('Huerto');
  assert.equal(await ana.composer.inputValue(), 'half a sentence');
  assert.equal(await ana.isSamePage(), true);
});

story(
  'a user is found without accents, and the first message creates the direct message',
  async ({ patio, newUser }) => {
    const ana = await inTheGarden(patio, newUser);
    await openSwitcher(ana, ['lobby', 'Huerto', 'lucía', 'tom']);
    await ana.page.keyboard.type('@luc');
    assert.equal(await chosen(ana), 'lucía');
    await ana.page.keyboard.press('Enter');
    await ana.isIn('lucía');
    assert.equal(await ana.isSamePage(), true);
    await ana.post('hola');
    await ana.sees('hola');
    await ana.page.waitForLoadState();
    await openSwitcher(ana, ['lobby', 'Huerto', 'lucía', 'tom']); // listed once, now as a direct message
  },
);

story('arrows, Home and End select, Escape restores the focus', async ({ patio, newUser }) => {
  const ana = await inTheGarden(patio, newUser);
  await ana.log.focus();
  await openSwitcher(ana, ['lobby', 'Huerto', 'lucía', 'tom']);
  for (const [key, name] of [
    ['ArrowDown', 'Huerto'],
    ['End', 'tom'],
    ['ArrowDown', 'lobby'],
    ['ArrowUp', 'tom'],
    ['Home', 'lobby'],
  ]) {
    await ana.page.keyboard.press(key);
    assert.equal(await chosen(ana), name, key);
    assert.equal(
      await field(ana).getAttribute('aria-activedescendant'),
      await ana.page.locator('#switcher [aria-selected=true]').getAttribute('id'),
    );
  }
  await ana.page.keyboard.press('Escape');
  await dialog(ana).waitFor({ state: 'hidden' });
  assert.equal(await hasFocus(ana.log), true);
});

story('only its key combination opens and closes it', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.composer.focus();
  for (const keys of ['Control+Shift+k', 'Control+Alt+k', 'Alt+k', 'k']) {
    await ana.page.keyboard.press(keys);
    assert.equal(await dialog(ana).isVisible(), false, keys);
  }
  assert.equal(await ana.composer.inputValue(), 'k');
  await openSwitcher(ana, ['lobby']);
  await ana.page.keyboard.press('Control+k');
  await dialog(ana).waitFor({ state: 'hidden' });
  assert.equal(await hasFocus(ana.composer), true);
});

story('unread rooms come first with their counts', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana');
  await ana.makeRoom('Huerto');
  await ana.makeRoom('Taller');
  await tom.post('one', 2);
  await tom.post('two', 2);
  await eventually(async () => assert.equal(await ana.badge('Huerto'), '2'));
  await openSwitcher(ana, ['Huerto', 'lobby', 'Taller', 'tom']);
  assert.equal((await ana.page.locator('#switcher [data-room="2"] .badge').innerText()).replace('\n', ' '), '2 unread');
  await ana.page.keyboard.press('Enter');
  await ana.isIn('Huerto');
  await eventually(async () => assert.equal(await ana.badge('Huerto'), ''));
  await openSwitcher(ana, ['lobby', 'Huerto', 'Taller', 'tom']);
  assert.equal(await ana.page.locator('#switcher .badge').count(), 0);
});

story('own rooms come before others, which can be read', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.makeRoom('Abierta');
  const tom = await newUser('tom');
  await tom.makeRoom('Zaguán');
  await openSwitcher(tom, ['lobby', 'Zaguán', 'Abierta', 'ana']);
  await tom.page.keyboard.type('abt'); // a fuzzy match
  assert.equal(await chosen(tom), 'Abierta');
  await tom.page.keyboard.press('Enter');
  await tom.isIn('Abierta');
  await tom.page.locator('.join-bar').waitFor();
});

story('without matches it states so, and Enter searches the messages', async ({ newUser }) => {
  const ana = await newUser('ana', { locale: 'es-ES' });
  await openSwitcher(ana, ['lobby']);
  await ana.page.keyboard.type('xyz');
  assert.match(await count(ana), /^No hay nada así/);
  assert.equal(await field(ana).getAttribute('aria-expanded'), 'false');
  await field(ana).fill('');
  assert.equal(await count(ana), '1 resultado');
  await ana.page.keyboard.type('xyz');
  await ana.page.keyboard.press('Enter');
  await ana.arrives('/search?q=xyz');
});

story('on a phone its button is in the drawer, and a tap works', async ({ patio, newUser }) => {
  await patio.apiClient('tom');
  const ana = await newUser('ana', { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true });
  const menu = ana.page.getByRole('button', { name: 'Open the list of rooms' });
  await menu.click();
  const button = ana.page.getByRole('button', { name: 'Go to or search…' });
  assert.equal(await button.getAttribute('aria-keyshortcuts'), 'Control+K');
  await button.click();
  await ana.page.keyboard.press('Escape');
  await dialog(ana).waitFor({ state: 'hidden' });
  assert.equal(await hasFocus(menu), true);
  await menu.click();
  await button.click();
  await ana.page.locator('#switcher [role=option]', { hasText: 'tom' }).tap();
  await ana.isIn('tom');
  await ana.arrives('/direct/tom');
});

story('it opens on other pages too, and a click outside closes it', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.go('/settings');
  await openSwitcher(ana, ['lobby']);
  await ana.page.mouse.click(5, 5);
  await dialog(ana).waitFor({ state: 'hidden' });
  await openSwitcher(ana, ['lobby']);
  await ana.page.keyboard.press('Enter');
  await ana.arrives('/rooms/1');
});

story('without scripts the button is a link to the search', async ({ newUser }) => {
  const ana = await newUser('ana', { javaScriptEnabled: false });
  await ana.page.getByRole('link', { name: 'Go to or search…' }).click();
  await ana.arrives('/search');
  assert.equal(await ana.page.locator('kbd', { hasText: 'K' }).count(), 0);
});
