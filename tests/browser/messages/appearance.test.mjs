// How messages look where a rule of the style sheet decides whether they can be read.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

/** Posts a message and waits until the stored one has replaced the pending one. */
async function stored(visitor, text) {
  await visitor.post(text);
  const message = visitor.page.locator('.message[data-id]').filter({ hasText: text });
  await message.waitFor();
  return message;
}

story('the time of an action follows its sentence', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.post('/me waters the tomatoes');
  const action = ana.page.locator('.message--action[data-id]').filter({ hasText: 'waters the tomatoes' });
  await action.locator('.message__time').waitFor();
  await eventually(async () => {
    const [sentence, time] = await action.evaluate((element) =>
      ['.message__body', '.message__time'].map((selector) => {
        const range = document.createRange(); // the body has no box of its own
        range.selectNodeContents(element.querySelector(selector));
        const { left, right } = range.getBoundingClientRect();
        return { left, right };
      }),
    );
    assert.ok(
      sentence.right > sentence.left && time.left >= sentence.right,
      `${time.left} is before ${sentence.right}`,
    );
  });
});

story('the unread count of a direct message differs from that of a room', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await tom.go('/search');
  await ana.post('for all');
  await ana.post('/msg tom for you');
  const color = (kind) =>
    tom.page
      .locator(`.sidebar [data-kind=${kind}] .badge:visible`)
      .evaluate((badge) => getComputedStyle(badge).backgroundColor);
  await eventually(async () => {
    await tom.go('/settings');
    assert.equal(await tom.page.locator('.sidebar .badge:visible').count(), 2);
  });
  assert.notEqual(await color('direct'), await color('public'));
});

story('an icon in a button of an empty room keeps its size', async ({ newUser }) => {
  const ana = await newUser('ana');
  const icons = await ana.page.locator('#start .btn svg').all();
  assert.ok(icons.length > 0);
  for (const icon of icons) assert.ok((await icon.boundingBox()).width <= 24);
});

story('slanted text in a message is slanted, although the font has no italics', async ({ newUser }) => {
  const ana = await newUser('ana');
  const message = await stored(ana, 'plain');
  const synthesis = await message
    .locator('.message__body')
    .evaluate((element) => getComputedStyle(element).fontSynthesis);
  assert.match(synthesis, /style/);
});

story("the field for a picture speaks the page's language", async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.go('/settings?lang=es');
  const field = ana.page.locator('.file-field');
  assert.match(await field.locator('.btn').textContent(), /Elegir/);
  // The browser's own control speaks the browser's language. It takes clicks, but cannot be seen.
  const opacity = await field.locator('input').evaluate((input) => getComputedStyle(input).opacity);
  assert.equal(opacity, '0');
});

story('in a right-to-left page a left-to-right message stays beside its avatar', async ({ newUser }) => {
  const ana = await newUser('ana');
  const message = await stored(ana, 'beside the avatar');
  await ana.page.evaluate(() => document.documentElement.setAttribute('dir', 'rtl'));
  const text = await message.locator('.message__body').boundingBox();
  const row = await message.boundingBox();
  const gap = row.x + row.width - (text.x + text.width);
  assert.ok(gap < 100, `${gap} px between the text and the edge where the avatar is`);
});
