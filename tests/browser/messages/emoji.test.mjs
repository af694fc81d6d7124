// Emoji: the picker, completion after a colon, who reacted, custom emoji.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

// A red square of one pixel.
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
  'base64',
);

const press = (visitor, key) => visitor.page.keyboard.press(key);
const chips = (visitor) => visitor.page.locator('#messages .reaction');
const field = (visitor) => visitor.page.locator('#emoji-field');
const picker = (visitor) => visitor.page.locator('#emoji-picker');
const options = (visitor) => visitor.page.locator('#emoji-menu [role="option"]');
const names = (visitor) => visitor.page.locator('#reaction-names:popover-open');
const focused = (visitor) =>
  visitor.page.evaluate(() => document.activeElement.id || document.activeElement.ariaLabel || '');

async function focusIs(visitor, name) {
  await eventually(async () => assert.equal(await focused(visitor), name));
}

async function tabTo(visitor, name) {
  await eventually(async () => {
    await press(visitor, 'Tab');
    assert.equal(await focused(visitor), name);
  });
}

async function addEmoji(admin, name) {
  await admin.go('/admin/emoji');
  await admin.field('name').fill(name);
  await admin.field('image').setInputFiles({ name: 'image.png', mimeType: 'image/png', buffer: PNG });
  await admin.page.getByRole('button', { name: 'Add the emoji' }).click();
  await admin.page.locator('#custom-emoji').getByText(`:${name}:`).waitFor();
}

story('emoji are chosen by keyboard, others see them, and who reacted', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.post('votes?');
  for (const reader of [ana, tom]) await reader.sees('votes?');

  await tom.log.focus();
  await press(tom, 'ArrowUp');
  await tabTo(tom, 'Add a reaction');
  await press(tom, 'Enter');
  await focusIs(tom, 'emoji-field');
  await press(tom, 'ArrowDown');
  await focusIs(tom, 'thumbs up');
  await press(tom, 'PageDown');
  await focusIs(tom, 'grinning face');
  for (const [key, name] of [
    ['ArrowRight', 'grinning face with big eyes'],
    ['Home', 'grinning face'],
    ['End', 'ZZZ'],
    ['PageDown', 'waving hand'],
    ['PageUp', 'grinning face'],
  ]) {
    await press(tom, key);
    await focusIs(tom, name);
  }
  assert.ok((await picker(tom).locator('*').count()) < 2_500, 'cells are there where they are seen');
  await tom.page.keyboard.type('party pop'); // goes to the field
  await focusIs(tom, 'emoji-field');
  await press(tom, 'Enter');
  await focusIs(tom, 'Add a reaction');
  await eventually(async () =>
    assert.equal(
      await chips(ana)
        .textContent()
        .then((text) => text.trim()),
      '🎉 1',
    ),
  );
  assert.equal(await chips(tom).getAttribute('aria-pressed'), 'true');
  await tom.page.getByRole('button', { name: 'React with 🎉' }).waitFor();

  await chips(ana).hover();
  await eventually(async () => assert.match(await names(ana).textContent(), /🎉\s+tom$/));
  await chips(ana).click();
  await eventually(async () =>
    assert.equal(
      await chips(tom)
        .textContent()
        .then((text) => text.trim()),
      '🎉 2',
    ),
  );
  await tom.message('votes?').focus();
  await chips(tom).focus();
  await eventually(async () => assert.match(await names(tom).textContent(), /🎉\s+You, ana$/));
  assert.equal(await chips(tom).getAttribute('aria-describedby'), 'reaction-names');
  await press(tom, 'Escape');
  await names(tom).waitFor({ state: 'hidden' });
});

story('emoji are completed while they are typed, custom ones as soon as there are any', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await tom.composer.pressSequentially('sown at 10:30 :see');
  await options(tom).getByText(':seedling:').waitFor();
  await tom.composer.pressSequentially('dl');
  await eventually(async () => assert.equal(await options(tom).count(), 1));
  await press(tom, 'Enter');
  assert.equal(await tom.composer.inputValue(), 'sown at 10:30 🌱 ');
  await press(tom, 'Enter');
  await ana.sees('sown at 10:30 🌱');

  await addEmoji(ana, 'crab-rave');
  await eventually(async () => {
    await tom.composer.fill('');
    await tom.composer.pressSequentially(':crab-r');
    await options(tom).getByText(':crab-rave:').waitFor({ timeout: 500 });
  });
  await press(tom, 'Enter');
  assert.equal(await tom.composer.inputValue(), ':crab-rave: ');
  await tom.composer.fill('');

  await tom.message('sown').hover();
  await tom.page.getByRole('button', { name: 'Add a reaction' }).click();
  await tom.page.getByRole('tab', { name: 'Custom emoji' }).click();
  await picker(tom).getByRole('tabpanel', { name: 'Custom emoji' }).getByRole('button', { name: 'crab-rave' }).click();
  await ana.go('/rooms/1');
  await eventually(async () =>
    assert.equal(
      await chips(ana)
        .locator('img')
        .evaluate((image) => image.naturalWidth),
      1,
      'the image is there',
    ),
  );
});

story('search finds names of both languages, and keeps the skin tone', async ({ newUser }) => {
  const ana = await newUser('ana', { locale: 'es-ES' });
  await ana.page.getByRole('button', { name: 'Elige un emoji' }).click();
  await ana.page.getByRole('button', { name: 'Tono de piel: sin tono' }).click();
  await ana.page.getByRole('radio', { name: 'claro medio' }).click();
  await ana.page.getByRole('button', { name: 'Tono de piel: claro medio' }).waitFor();
  await field(ana).fill('corazon roj');
  await picker(ana).getByRole('button', { name: 'corazón rojo', exact: true }).waitFor();
  await field(ana).fill('birthday'); // in English
  await picker(ana).getByRole('button', { name: 'tarta de cumpleaños' }).waitFor();
  await field(ana).fill('qqq');
  await picker(ana).locator('.emoji-picker__none').getByText('Nada se llama «qqq».').waitFor();
  await field(ana).fill(':wave:');
  await press(ana, 'Enter');
  await eventually(async () => assert.equal(await ana.composer.inputValue(), '👋🏼 '));
  assert.equal(await focused(ana), 'body');
});

story('without scripts a field takes any emoji, and a page adds custom ones', async ({ newUser }) => {
  const ana = await newUser('ana', { javaScriptEnabled: false });
  await addEmoji(ana, 'crab-rave');
  await ana.go('/rooms/1');
  await ana.field('body').fill('votes?');
  await ana.page.getByRole('button', { name: 'Send' }).click();
  assert.equal(await ana.page.getByRole('button', { name: 'Choose an emoji' }).isVisible(), false);
  await ana.message('votes?').locator('.message__link').click();
  for (const emoji of [':crab-rave:', ':tada:']) {
    await ana.page.getByLabel('Another emoji').fill(emoji);
    await ana.page.getByRole('button', { name: 'React', exact: true }).click();
  }
  assert.deepEqual(await ana.page.locator('.reactors bdi').allTextContents(), ['You', 'You']);
  assert.equal(await ana.page.locator('.reaction img').first().getAttribute('src'), '/emoji/crab-rave');
});
