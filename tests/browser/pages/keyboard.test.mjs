// Everything works with only the keyboard.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const focused = (visitor) =>
  visitor.page.evaluate(
    () => document.activeElement.id || document.activeElement.className || document.activeElement.tagName,
  );
const press = (visitor, ...keys) =>
  keys.reduce((before, key) => before.then(() => visitor.page.keyboard.press(key)), Promise.resolve());

/** Moves through the page with Tab and returns the name of each stop and whether its focus is visible. */
async function tabStops(visitor) {
  const stops = [];
  for (;;) {
    await press(visitor, 'Tab');
    const stop = await visitor.page.evaluate(() => {
      const element = document.activeElement;
      if (element === document.body || element.dataset.visited) return null;
      element.dataset.visited = true;
      // Fields draw their focus ring on the surrounding frame.
      const ring = (part) => {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(part);
        return `${outlineStyle === 'none' ? '' : outlineWidth} ${boxShadow}`;
      };
      const look = () => [element, element.closest('.composer, .input') ?? element].map(ring).join();
      const withFocus = look();
      element.blur();
      const without = look();
      element.focus();
      const sentence = getComputedStyle(element).display === 'inline' && element.closest('p');
      const isInSentence = sentence && sentence.textContent.trim() !== element.textContent.trim(); // an exception of WCAG 2.5.8
      const { width, height } = (element.closest('label') ?? element).getBoundingClientRect(); // a click on a label counts as one on its field
      return {
        name: element.ariaLabel || element.labels?.[0]?.textContent || element.textContent.trim(),
        what: element.outerHTML.slice(0, 80),
        visible: withFocus !== without,
        large: isInSentence || (width >= 24 && height >= 24),
      };
    });
    if (!stop) return stops;
    stops.push(stop);
  }
}

story('the first tab stop skips the rooms to the message field', async ({ newUser }) => {
  const ana = await newUser('ana');
  await press(ana, 'Tab');
  const link = ana.page.getByRole('link', { name: 'Skip to message box' });
  assert.equal(await link.evaluate((element) => element === document.activeElement), true);
  assert.ok((await link.boundingBox()).y >= 0, 'it can be seen');
  await press(ana, 'Enter');
  await ana.page.keyboard.type('typed right away');
  await press(ana, 'Enter');
  await ana.sees('typed right away');
});

story('Enter sends, Shift+Enter starts a new line', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.composer.focus();
  await ana.page.keyboard.type('one');
  await press(ana, 'Shift+Enter');
  await ana.page.keyboard.type('two');
  assert.equal(await ana.composer.inputValue(), 'one\ntwo');
  await press(ana, 'Enter');
  await ana.sees('two');
  assert.equal(await ana.composer.inputValue(), '');
  assert.equal(await focused(ana), 'body');
});

story('arrow keys move between messages, Escape returns to the field', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const ids = [];
  for (const text of ['one', 'two', 'three']) ids.push(`m${(await tom.post(text)).id}`);
  const ana = await newUser('ana');
  await ana.log.focus();
  const route = [
    ['ArrowUp', ids[2]],
    ['ArrowUp', ids[1]],
    ['ArrowUp', ids[0]],
    ['ArrowUp', ids[0]],
    ['ArrowDown', ids[1]],
    ['End', ids[2]],
    ['ArrowDown', ids[2]],
    ['Home', ids[0]],
    ['Escape', 'body'],
  ];
  for (const [key, where] of route) {
    await press(ana, key);
    assert.equal(await focused(ana), where, key);
  }
  await press(ana, 'Shift+Tab');
  assert.equal(await focused(ana), ids[0]); // the message that had the focus
});

story('a message that becomes stored keeps the focus', async ({ patio, newUser }) => {
  const ana = await newUser('ana');
  await ana.post('first');
  await ana.sees('first');
  patio.freeze();
  await ana.post('second');
  await ana.message('second').waitFor();
  await ana.page.keyboard.type('already writing on');
  patio.thaw();
  await ana.sees('second');
  assert.equal(await focused(ana), 'body');
  assert.equal(await ana.composer.inputValue(), 'already writing on');
});

story('F6 cycles through the regions', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.composer.focus();
  const seen = [];
  for (let n = 0; n < 4; n++) {
    await press(ana, 'F6');
    seen.push(await focused(ana));
  }
  assert.deepEqual(seen, ['room', 'room-h', 'log', 'body']);
  await press(ana, 'Shift+F6');
  assert.equal(await focused(ana), 'log');
});

story('the account menu opens, and Escape restores the focus', async ({ newUser }) => {
  const ana = await newUser('ana');
  const button = ana.page.getByRole('button', { name: 'Your account' });
  await button.focus();
  await press(ana, 'Enter');
  await ana.page.locator('#me-menu').waitFor();
  await press(ana, 'Tab');
  assert.match(await ana.page.evaluate(() => document.activeElement.textContent), /Settings/);
  await press(ana, 'Escape');
  await eventually(async () =>
    assert.equal(await button.evaluate((element) => element === document.activeElement), true),
  );
});

story('every tab stop has a name, a focus ring and a sufficient size', async ({ patio, newUser, visitor }) => {
  const tom = await patio.apiClient('tom');
  await tom.post('See https://example.org/seeds');
  const ana = await newUser('ana', { viewport: { width: 1600, height: 900 } });
  const guest = await visitor();
  for (const [reader, pages] of [
    [
      ana,
      [
        '/rooms/1',
        '/rooms/1?before=1',
        '/rooms',
        '/rooms/1/settings',
        '/settings',
        '/direct/tom',
        '/people',
        '/nowhere',
      ],
    ],
    [guest, ['/login', '/register']],
  ]) {
    for (const where of pages) {
      await reader.go(where);
      const stops = await tabStops(reader);
      assert.ok(stops.length > 0, where);
      for (const { what, name, visible, large } of stops) {
        assert.ok(name, `${where}: no name: ${what}`);
        assert.ok(visible, `${where}: no ring: ${what}`);
        assert.ok(large, `${where}: too small: ${what}`);
      }
    }
  }
});

story('a question mark shows the keys, unless single letters are switched off', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.composer.press('?');
  assert.equal(await ana.composer.inputValue(), '?', 'in text it is a character');
  await ana.composer.fill('');
  await ana.title.focus();
  await ana.page.keyboard.press('?');
  const sheet = ana.page.getByRole('dialog', { name: 'Keyboard' });
  await sheet.getByText('To any room or person').waitFor();
  await ana.page.keyboard.press('?');
  await sheet.waitFor({ state: 'detached' });
  await ana.go('/settings');
  await ana.page.getByRole('group', { name: 'Shortcuts of a single key' }).getByText('Off').click();
  await ana.page.locator('form[action="/settings/look"] button').click();
  await ana.page.locator('html[data-letter-keys=off]').waitFor();
  await ana.page.locator('h1').focus();
  await ana.page.keyboard.press('?');
  assert.equal(await sheet.count(), 0);

  await ana.go('/rooms/1');
  await ana.post('The gate is open');
  await ana.sees('The gate is open');
  const message = ana.message('The gate is open');
  await message.focus();
  await ana.page.keyboard.press('e');
  await ana.page.keyboard.press('Shift+F10');
  await ana.page.locator('#acts-sheet[open]').waitFor();
  assert.equal(await message.locator('textarea').count(), 0, 'a letter edits nothing');
});
