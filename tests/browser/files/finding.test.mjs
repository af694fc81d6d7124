// Files and links are found again: in the panel of a room, in its lists, and by searching.
import assert from 'node:assert/strict';
import { bytes, eventually, picture, story } from '../support.mjs';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const WIDE = { viewport: { width: 1600, height: 900 } };
const rows = ({ page }) => page.locator('.shared .file-name');

async function send({ patio }) {
  const tom = await patio.apiClient('tom');
  const image = ['lemons.png', picture(120, 80), 'Three lemons'];
  await tom.postFiles('from the garden', [image, ['plan.pdf', bytes(200), '']]);
  await tom.post('see https://example.org/seeds');
  return tom;
}

const isLoaded = (image) =>
  eventually(async () => assert.ok(await image.evaluate((it) => it.complete && it.naturalWidth > 0)));

story('on a phone without scripts, files and links of a room are listed and lead to their messages', async (test) => {
  await send(test);
  const ana = await test.newUser('ana', { ...PHONE, javaScriptEnabled: false });
  await ana.page.getByRole('button', { name: /About|members/ }).click();
  await ana.page.getByRole('link', { name: 'All files and links' }).click();
  await ana.arrives('/rooms/1/files');
  assert.deepEqual(await rows(ana).allTextContents(), ['plan.pdf']);
  await isLoaded(ana.page.getByRole('img', { name: 'Three lemons' }));
  await ana.page.getByRole('link', { name: /Open picture: Three lemons/ }).click();
  await ana.arrives('/messages/1/files/1');
  await ana.page.getByRole('link', { name: 'Back to the room' }).click();
  await ana.isIn('lobby');
  await ana.go('/rooms/1/files');
  await ana.page.getByRole('link', { name: 'Links', exact: true }).click();
  await ana.arrives('/rooms/1/links');
  const link = ana.page.getByRole('link', { name: 'example.org/seeds' });
  assert.equal(await link.getAttribute('href'), 'https://example.org/seeds');
  await ana.page.locator('.shared__origin').click();
  await ana.isIn('lobby');
  assert.match(ana.page.url(), /#m2$/);
});

story('the panel leads to files by keyboard, and those of a deleted message leave it at once', async (test) => {
  const tom = await send(test);
  const ana = await test.newUser('ana', WIDE);
  const panel = ana.page.locator('#recent-files');
  await isLoaded(panel.locator('.thumbs img'));
  await panel.getByRole('link', { name: 'All files and links' }).focus();
  await ana.page.keyboard.press('Shift+Tab');
  await ana.page.keyboard.press('Enter');
  await eventually(async () => assert.match(ana.page.url(), /#m1$/));
  await tom.remove(1);
  await eventually(async () => assert.equal(await panel.locator('li').count(), 0));
  await ana.go('/rooms/1/files');
  await ana.page.getByText('No files yet').waitFor();
});

story('a search finds files by name while it is typed, and by a filter', async (test) => {
  await send(test);
  const ana = await test.newUser('ana', { locale: 'es-ES' });
  await ana.go('/search');
  await ana.page.getByRole('searchbox').pressSequentially('filename:lem');
  const names = ana.page.locator('.result__file .file-name');
  await eventually(async () => assert.deepEqual(await names.allTextContents(), ['lemons.png', 'plan.pdf']));
  await isLoaded(ana.page.locator('.result__file img'));
  assert.deepEqual(await ana.page.locator('.chip--chosen').allTextContents(), ['Archivo «lem»']);
  await ana.page.getByRole('searchbox').fill('filename:lemons');
  await ana.arrives('/search?q=filename%3Alemons');
  await ana.page.getByRole('button', { name: 'Tipo' }).click();
  await ana.page.getByRole('link', { name: 'Con imagen' }).click();
  await ana.arrives('/search?q=filename%3Alemons+has%3Aimage');
  await ana.page.locator('.result__link').click();
  await ana.isIn('lobby');
  assert.match(ana.page.url(), /#m1$/);
});
