// Replies, pins, edit history and unread marks: live for two people, from the keyboard, on touch, and without scripts.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const PLAIN = { javaScriptEnabled: false };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

const menu = ({ page }) => page.locator('#acts-sheet');
const choice = (visitor, name) => menu(visitor).getByRole('button', { name, exact: true });
const press = (visitor, key) => visitor.page.keyboard.press(key);
const quotes = ({ page }) => page.locator('#messages .message:not(.message--pending) .quote');
const focused = ({ page }) => page.evaluate(() => document.activeElement.id || document.activeElement.className);

async function quotesAre(visitor, expected) {
  await eventually(async () =>
    assert.deepEqual(
      await quotes(visitor).evaluateAll((all) => all.map((one) => (one.lastElementChild ?? one).textContent.trim())),
      expected,
    ),
  );
}

story('a reply by key quotes the message, and follows it until that is deleted', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.post('Who brings the hose?');
  await tom.sees('Who brings the hose?');
  await tom.message('Who brings').focus();
  await press(tom, 'r');
  assert.equal(await focused(tom), 'body');
  const strip = tom.page.locator('#reply-strip');
  assert.match(await strip.innerText(), /ana\s+Who brings the hose\?/);
  await press(tom, 'Escape');
  assert.equal(await strip.isVisible(), false);

  // The draft keeps what it replies to.
  await tom.message('Who brings').focus();
  await press(tom, 'r');
  await tom.page.keyboard.type('I do');
  await tom.page.reload();
  await strip.waitFor();
  assert.equal(await tom.composer.inputValue(), 'I do');
  await tom.composer.press('Enter');
  await ana.sees('I do');
  assert.equal(await strip.isVisible(), false);
  for (const reader of [ana, tom]) await quotesAre(reader, ['Who brings the hose?']);
  const mark = await ana.message('I do').evaluate((row) => getComputedStyle(row, '::before').content);
  assert.equal(mark, '""'); // it stands out for the author of the quoted message

  await ana.composer.focus();
  await press(ana, 'ArrowUp');
  await ana.page.locator('#messages .edit-form textarea').fill('Who brings both hoses?');
  await press(ana, 'Enter');
  for (const reader of [ana, tom]) await quotesAre(reader, ['Who brings both hoses?']);
  await tom.page.locator('.message__edited').click();
  await tom.arrives('/messages/1/edits');
  assert.deepEqual(await tom.page.locator('.versions .message__body').allTextContents(), ['Who brings the hose?']);
  await tom.page.goBack();
  await tom.sees('I do');

  // A pin is live, too.
  await tom.message('Who brings').focus();
  await press(tom, 'p');
  const pins = ({ page }) => page.locator('#pins');
  for (const reader of [ana, tom]) {
    await reader.message('Who brings').getByText('Pinned by tom').waitFor();
    await reader.page.getByRole('link', { name: '1 pinned message', exact: true }).waitFor();
  }
  await tom.message('I do').focus();
  await press(tom, 'p');
  for (const reader of [ana, tom]) await eventually(async () => assert.equal(await pins(reader).innerText(), '2'));
  await tom.message('I do').focus();
  await press(tom, 'p');
  await eventually(async () => assert.equal(await pins(ana).innerText(), '1'));
  await ana.page.getByRole('link', { name: '1 pinned message' }).click();
  await ana.arrives('/rooms/1/pins');
  await ana.page.getByRole('link', { name: 'Show in the room' }).click();
  await ana.sees('I do');

  await ana.page.clock.install();
  await ana.message('Who brings').focus();
  await press(ana, 'Delete');
  assert.equal(await ana.page.evaluate(() => document.activeElement.textContent), 'Undo');
  await ana.page.clock.fastForward(11_000);
  for (const reader of [ana, tom]) await quotesAre(reader, ['The message was deleted']);
  assert.equal(await tom.page.locator('.message--pinned').count(), 0);
  for (const reader of [ana, tom]) await pins(reader).waitFor({ state: 'hidden' });
});

story('the menu of a message by keyboard: unread, links, keys off', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  for (let n = 1; n <= 120; n++) await tom.post(`number ${n}`);
  const ana = await newUser('ana', { permissions: ['clipboard-read', 'clipboard-write'] });
  await ana.sees('number 120');
  const clipboard = () => ana.page.evaluate(() => navigator.clipboard.readText());

  await ana.log.focus();
  await press(ana, 'ArrowUp');
  await press(ana, 'Shift+F10');
  await menu(ana).waitFor();
  await eventually(async () =>
    assert.equal(await ana.page.evaluate(() => document.activeElement.dataset.act), 'react'),
  );
  await press(ana, 'ArrowDown');
  assert.equal(await ana.page.evaluate(() => document.activeElement.dataset.act), 'reply');
  await press(ana, 'Escape');
  await menu(ana).waitFor({ state: 'hidden' });
  assert.match(await focused(ana), /^m\d+$/);

  await press(ana, 'l');
  await eventually(async () => assert.match(await clipboard(), /\/messages\/\d+\/context$/));
  await press(ana, 'c');
  await eventually(async () => assert.equal(await clipboard(), 'number 120'));

  // Unread from here: it stays so, and is so in another tab.
  await ana.message('number 118').focus();
  await press(ana, 'u');
  await ana.page.locator('#new + .message', { hasText: 'number 118' }).waitFor();
  const badge = (visitor) => visitor.page.locator('[data-room="1"] .badge__count');
  await eventually(async () => assert.equal(await badge(ana).textContent(), '3'));

  // Keys of single letters can be switched off in the settings.
  const setKeys = (value) =>
    ana.page.evaluate((keys) => Object.assign(document.documentElement.dataset, { letterKeys: keys }), value);
  await setKeys('off');
  await ana.message('number 119').focus();
  await press(ana, 'r');
  assert.equal(await ana.page.locator('#reply-strip').isVisible(), false);
  await setKeys('on');
  await press(ana, 'r');
  await ana.page.locator('#reply-strip').waitFor();
  await press(ana, 'Escape');

  // A link to a message that is not loaded shows it with what is around it; a link leads back.
  await ana.post(`look at ${new URL('/messages/9/context', ana.page.url())}`);
  await ana.sees('look at');
  await ana.message('look at').locator('.message__body a').click();
  await ana.page.locator('.message--target', { hasText: 'number 9' }).waitFor();
  assert.equal(await focused(ana), 'm9');
  await ana.sees('number 8');
  await ana.page.locator('#newest').click();
  await ana.sees('look at');
});

story('the sheet of a message on touch replies and pins', async ({ newUser }) => {
  const ana = await newUser('ana', PHONE);
  await ana.composer.fill('the long hose');
  await ana.page.locator('.send-button').tap();
  await ana.sees('the long hose');
  const open = async () => {
    await ana.message('the long hose').locator('.message__link').first().tap();
    await menu(ana).waitFor();
  };
  await open();
  assert.equal(await menu(ana).locator('kbd').first().isVisible(), false);
  await choice(ana, 'Pin to the room').tap();
  await ana.page.getByText('Pinned by ana').waitFor();
  await open();
  await choice(ana, 'Unpin').tap();
  await ana.page.getByText('Pinned by ana').waitFor({ state: 'detached' });
  await open();
  await choice(ana, 'Reply').tap();
  await ana.composer.fill('is here');
  await ana.page.locator('.send-button').tap();
  await quotesAre(ana, ['the long hose']);
});

story('without scripts: reply, pin, history and unread', async ({ newUser, visitor }) => {
  const ana = await newUser('ana');
  await ana.post('Who brings the hose?');
  await ana.sees('Who brings');
  const plain = await visitor({ ...PLAIN, locale: 'es-ES' });
  await plain.context.addCookies(await ana.context.cookies());
  await plain.go('/messages/1');
  await plain.page.getByRole('link', { name: 'Responder', exact: true }).click();
  assert.match(await plain.page.locator('#reply-strip').innerText(), /Who brings the hose/);
  await plain.page.locator('#body').fill('Yo.');
  await plain.page.locator('.send-button').click();
  await quotesAre(ana, ['Who brings the hose?']);
  await plain.page.locator('a.quote').click();
  assert.match(plain.page.url(), /\/rooms\/1#m1$/);

  await plain.go('/messages/1');
  await plain.page.locator('.edit-form textarea').fill('Who brings two?');
  await plain.page.getByRole('button', { name: 'Guardar', exact: true }).click();
  await plain.page.getByRole('button', { name: 'Fijar en la sala' }).click();
  await ana.page.getByText('Pinned by ana').waitFor();
  await quotesAre(ana, ['Who brings two?']);
  await plain.page.locator('.message__edited').click();
  assert.deepEqual(await plain.page.locator('.versions .message__body').allTextContents(), ['Who brings the hose?']);
  await plain.go('/rooms/1/pins');
  assert.equal(await plain.page.locator('.message--pinned').count(), 1);
  await plain.go('/messages/1');
  await plain.page.getByRole('button', { name: 'Marcar como no leído' }).click();
  await plain.go('/rooms');
  await eventually(async () =>
    assert.equal(await plain.page.locator('[data-room="1"] .badge__count').textContent(), '2'),
  );
});
