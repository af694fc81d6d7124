// What a phone has at its foot: the dock on pages without a composer, and the sheet of the composer's tools.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

const dock = ({ page }) => page.locator('.dock');

async function currentIs(visitor, path) {
  const current = dock(visitor).locator('[aria-current=page]');
  await eventually(async () => assert.equal(await current.getAttribute('href'), path));
}

story('the dock leads to the places, and says that threads are unread', async ({ patio, newUser }) => {
  const ana = await newUser('ana', PHONE);
  assert.equal(await dock(ana).count(), 0, 'a room has its composer there');
  await ana.composer.fill('The arches are up.');
  await ana.page.locator('.send-button').tap();
  await ana.sees('The arches are up.');
  await ana.go('/saved');
  await ana.markPage();
  await currentIs(ana, '/saved');
  assert.deepEqual(await dock(ana).locator('> *').allInnerTexts(), ['Rooms', 'Threads', 'Search', 'Saved', 'You']);
  for (const entry of await dock(ana).locator('> *').all()) {
    const { width, height } = await entry.boundingBox();
    assert.ok(width >= 44 && height >= 44, `${width} × ${height}`);
  }
  await dock(ana).getByRole('link', { name: 'Search' }).tap();
  await ana.arrives('/search');
  await currentIs(ana, '/search');
  assert.ok(await ana.isSamePage());

  const tom = await patio.apiClient('tom');
  await patio.api('messages/1/thread', { body: 'They look like a door.' }, tom.token);
  await dock(ana).getByRole('link', { name: 'Threads unread' }).tap();
  await ana.arrives('/threads');
  await currentIs(ana, '/threads');
  await dock(ana).getByRole('button', { name: 'Rooms' }).tap();
  await ana.page.locator('#side .room', { hasText: 'lobby' }).tap();
  await ana.arrives('/rooms/1');
  await ana.page.goBack();
  await dock(ana).getByRole('link', { name: 'You' }).tap();
  await ana.arrives('/settings');
  await ana.page.setViewportSize({ width: 1280, height: 844 });
  assert.equal(await dock(ana).isVisible(), false);
});

story('without scripts the dock leads to the same', async ({ newUser }) => {
  const ana = await newUser('ana', { ...PHONE, javaScriptEnabled: false, locale: 'es-ES' });
  await ana.go('/saved');
  await currentIs(ana, '/saved');
  await dock(ana).getByRole('link', { name: 'Hilos' }).tap();
  await ana.arrives('/threads');
  await currentIs(ana, '/threads');
  await dock(ana).getByRole('button', { name: 'Salas' }).tap();
  await ana.page.locator('#side .room', { hasText: 'lobby' }).tap();
  await ana.arrives('/rooms/1');
  assert.equal(await ana.page.locator('.composer__more').isVisible(), false);
});

story('a plus holds the tools of the composer', async ({ newUser }) => {
  const ana = await newUser('ana', PHONE);
  const { page } = ana;
  const plus = page.getByRole('button', { name: 'More: formatting, emoji' });
  const tool = (name) => page.locator('#composer-tools:popover-open').getByRole('button', { name });
  assert.equal(await page.locator('[data-formatting]').isVisible(), false);
  await ana.composer.tap();
  await plus.tap();
  await tool('Formatting').tap();
  await page.getByRole('toolbar', { name: 'Formatting' }).waitFor();
  await tool('Formatting').waitFor({ state: 'hidden' });
  assert.equal(await page.evaluate(() => document.activeElement.id), 'body', 'the keyboard stays');
  await plus.tap();
  assert.equal(await tool('Formatting').getAttribute('aria-expanded'), 'true');
  await tool('Choose an emoji').tap();
  await page.locator('#emoji-picker:popover-open [role=tabpanel] button').first().tap();
  await eventually(async () => assert.notEqual(await ana.composer.inputValue(), ''));
  assert.equal(await page.locator('#composer-tools:popover-open').count(), 0);

  await page.setViewportSize({ width: 1280, height: 844 });
  assert.equal(await plus.isVisible(), false);
  for (const name of ['Formatting', 'Choose an emoji']) {
    assert.ok(await page.locator('#composer-tools').getByRole('button', { name }).isVisible());
  }
});
