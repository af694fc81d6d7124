// Accessibility of every page at every width in both color schemes: no axe violation, no horizontal scrolling.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { bytes, eventually, picture, story } from '../support.mjs';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const WIDTHS = [320, 390, 768, 1280, 1600];
const LAYOUTS = [320, 1600]; // with and without the panels beside the room; other widths make no difference to axe
const PHONE = { viewport: { width: 390, height: 844 } };

const LONG = 'Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen'.repeat(4);

async function violations({ page }) {
  await page.waitForLoadState();
  await page.evaluate(axeSource);
  const found = await page.evaluate(
    async (rules) => (await axe.run(document, { runOnly: { type: 'tag', values: rules } })).violations,
    RULES,
  );
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}

/**
 * Elements that are wider than their container, so that they would scroll horizontally or be truncated. Exceptions: text
 * with an ellipsis, text for screen readers only, input fields, rows of files and tabs that scroll, and the presence
 * dot that overlaps an avatar.
 */
const tooWide = ({ page }) =>
  page.evaluate(() =>
    [...document.querySelectorAll('html, body *:not(.avatar, input, .tabs, .tray__list, .lightbox__strip)')]
      .filter(
        (element) =>
          element.clientWidth > 1 &&
          element.scrollWidth > element.clientWidth &&
          getComputedStyle(element).textOverflow !== 'ellipsis',
      )
      .map((element) => element.outerHTML.slice(0, 60)),
  );

async function inBothSchemes(visitor, check) {
  for (const colorScheme of ['light', 'dark']) {
    await visitor.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await check(colorScheme);
  }
}

async function isSound(visitor, what) {
  await visitor.page.waitForLoadState();
  for (const width of WIDTHS) {
    await visitor.page.setViewportSize({ width, height: 800 });
    assert.deepEqual(await tooWide(visitor), [], `${what} is too wide at ${width}`);
    if (LAYOUTS.includes(width))
      await inBothSchemes(visitor, async (scheme) =>
        assert.deepEqual(await violations(visitor), [], `${what}, ${width}, ${scheme}`),
      );
  }
}

story('login and registration pages', async ({ patio, visitor }) => {
  await patio.apiClient('ana');
  const tom = await visitor();
  for (const where of ['/login', '/register']) {
    await tom.go(where);
    await isSound(tom, where);
  }
});

story('the reference of the JSON API', async ({ visitor }) => {
  const tom = await visitor();
  await tom.go('/api');
  await isSound(tom, 'the reference');
});

story('login and registration with field errors', async ({ patio, visitor }) => {
  await patio.apiClient('ana');
  const tom = await visitor();
  await tom.go('/login');
  await tom.signIn('ana', 'wrong tomato garden');
  await tom.page.getByRole('alert').waitFor();
  await isSound(tom, 'login refused');
  await tom.go('/register');
  await tom.register('a', { password: 'short', password_confirmation: 'other' });
  await eventually(async () => assert.equal(await tom.page.locator('[aria-invalid]').count(), 3));
  await isSound(tom, 'registration refused');
});

story('the page of machines', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.go('/admin/machines');
  await isSound(ana, 'the page of machines');
});

story('an empty room', async ({ newUser }) => {
  await isSound(await newUser('ana'), 'empty room');
});

story(
  'a room in use, with long words in every user-provided text',
  { SITE_NAME: 'x'.repeat(64) },
  async ({ patio, newUser }) => {
    const tom = await patio.apiClient('t'.repeat(32));
    for (const text of ['Good morning!', `Two lines,\nand https://example.org/${LONG}`, LONG]) await tom.post(text);
    const ana = await newUser('ana');
    await ana.post('Buenos días');
    await ana.sees('Buenos días');
    await isSound(ana, 'room');
    await ana.go('/rooms/1?before=3');
    await isSound(ana, 'older history');
  },
);

story('the pages of rooms and settings', async ({ patio, newUser }) => {
  await patio.apiClient('tom');
  const ana = await newUser('ana');
  await ana.makeRoom(`Huerto ${'x'.repeat(57)}`);
  await ana.post(`/topic ${LONG}`);
  await ana.page.locator('.page-header__subtitle', { hasText: LONG }).waitFor();
  await ana.post(LONG);
  await ana.sees(LONG);
  for (const where of [
    '/rooms',
    '/rooms?q=nothing',
    '/rooms/2/settings',
    '/rooms/2/members',
    '/saved',
    '/drafts',
    '/settings',
    '/direct/tom',
    '/people',
    '/people?q=nobody',
    '/search',
    '/search?q=nothing',
    `/search?q=${LONG}`,
    '/search?q=from:ana',
    '/search?q=has:file',
    '/rooms/1/files',
    '/rooms/1/links',
  ]) {
    await ana.go(where);
    await isSound(ana, where);
  }
});

story('the pages of rooms and settings with field errors', async ({ newUser }) => {
  const ana = await newUser('ana');
  const sound = (what) =>
    inBothSchemes(ana, async (scheme) => assert.deepEqual(await violations(ana), [], `${what}, ${scheme}`));
  await ana.go('/rooms');
  await ana.fill({ code: 'ABC' });
  await ana.button('/join').click();
  await ana.page.locator('[aria-invalid=true]').waitFor();
  await sound('wrong code');
  await ana.go('/settings');
  await ana.fill({ display_name: 'x'.repeat(65) });
  await ana.button('/settings/name').click();
  await ana.page.locator('[aria-invalid=true]').waitFor();
  await sound('wrong name');
});

story('a room without membership, the list of commands, a command reply', async ({ newUser }) => {
  const [ana, tom] = [await newUser('ana'), await newUser('tom')];
  await tom.makeRoom('Huerto');
  await ana.go('/rooms/2');
  await isSound(ana, 'read only');
  await ana.composer.pressSequentially('/');
  await ana.page.locator('#command-menu').waitFor();
  await isSound(ana, 'commands');
  await ana.post('/help');
  await ana.answer.waitFor();
  await isSound(ana, 'answer');
});

story('the unread divider and the link to it', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana');
  await ana.makeRoom('Huerto');
  for (let n = 1; n <= 40; n++) await tom.post(`number ${n}`);
  await eventually(async () => assert.equal(await ana.badge('lobby'), '40'));
  await inBothSchemes(ana, async (scheme) => assert.deepEqual(await violations(ana), [], `badge, ${scheme}`));
  await ana.open('lobby');
  await ana.page.locator('#jump').waitFor();
  await isSound(ana, 'new messages');
});

story('the quick switcher, with and without results', async ({ patio, newUser }) => {
  await patio.apiClient('t'.repeat(32));
  const ana = await newUser('ana', { locale: 'es-ES' });
  await ana.makeRoom(`Huerto ${'x'.repeat(57)}`);
  for (let n = 0; n < 12; n++) await ana.makeRoom(`Sala ${n}`);
  await ana.page.keyboard.press('Control+k');
  await ana.page.locator('#switcher [role=option]').first().waitFor();
  await isSound(ana, 'switcher');
  await ana.page.keyboard.type('nothing like this');
  await ana.page.locator('#switcher-list').waitFor({ state: 'hidden' });
  await isSound(ana, 'empty switcher');
});

story('a page that does not exist', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.go('/nowhere');
  await isSound(ana, '404');
});

story('drawers, menu, a lost connection, a refused message', async ({ patio, newUser }) => {
  const ana = await newUser('ana', PHONE);
  const sound = (what) =>
    inBothSchemes(ana, async (scheme) => assert.deepEqual(await violations(ana), [], `${what}, ${scheme}`));

  await ana.page.getByRole('button', { name: 'Open the list of rooms' }).click();
  await sound('rooms');
  await ana.openMenu();
  await sound('account menu');
  await ana.page.keyboard.press('Escape');
  await ana.page.keyboard.press('Escape');
  await ana.page.getByRole('button', { name: '1 member' }).click();
  await sound('people');
  await ana.page.keyboard.press('Escape');

  await ana.post('x '.repeat(9_000));
  await sound('text that is too long');
  await ana.composer.fill('');
  await ana.page.evaluate(() => {
    const entry = { nonce: 'n1', room: 1, body: 'refused', tab: '', at: 1, failed: 'That is not possible.' };
    localStorage.setItem(`patio:outbox:${document.body.dataset.account}:n1`, JSON.stringify(entry));
  });
  await ana.page.reload();
  await ana.page.locator('.message--failed').waitFor();
  await sound('refused message');

  await patio.kill();
  await ana.post('into the void');
  await ana.banner.waitFor();
  await sound('no connection');
});

story('the sheet of a message, on touch', async ({ newUser }) => {
  for (const locale of ['en-GB', 'es-ES']) {
    const ana = await newUser(locale.slice(0, 2), { ...PHONE, isMobile: true, hasTouch: true, locale });
    await ana.composer.fill(LONG);
    await ana.page.locator('.send-button').tap();
    await ana.sees(LONG);
    await ana.page.locator('.message__link').last().tap();
    await ana.page.locator('#acts-sheet').waitFor();
    await isSound(ana, `the sheet, ${locale}`);
  }
});

story('a message: its page, reactions, toolbar, emoji picker, edit field', async ({ newUser, tolerate }) => {
  tolerate(/^422 /);
  const ana = await newUser('ana');
  for (const text of ['first', LONG, 'gone']) await ana.post(text);
  await ana.sees('gone');
  const react = async (id, emoji) =>
    ana.page.evaluate(
      async ([message, chosen]) =>
        fetch(`/messages/${message}/reactions`, { method: 'POST', body: new URLSearchParams({ emoji: chosen }) }),
      [id, emoji],
    );
  for (const emoji of ['👍', '❤️', '🎉', '😮', '👀', '🪴', '🐌', '🌱']) await react(2, emoji);
  const menu = async (text) => {
    await ana.message(text).hover();
    await ana.page.getByRole('button', { name: 'More actions' }).click();
    await ana.page.locator('#acts-sheet').waitFor();
  };
  await menu('gone');
  await isSound(ana, 'the menu');
  await ana.page.clock.install();
  await ana.page.getByRole('button', { name: 'Delete message' }).click();
  await isSound(ana, 'a deletion that can be undone');
  await ana.page.clock.fastForward(11_000);
  await ana.page.locator('.message--deleted').waitFor();
  await ana.message('first').hover();
  await ana.page.locator('.message-actions').waitFor();
  await isSound(ana, 'the bar');
  await ana.message('first').hover();
  await ana.page.getByRole('button', { name: 'Add a reaction', exact: true }).click();
  await ana.page.getByRole('button', { name: 'thumbs up', exact: true }).first().waitFor();
  await isSound(ana, 'the emoji picker');
  await ana.page.keyboard.press('Escape');
  await menu('first');
  await ana.page.getByRole('button', { name: 'Edit message' }).click();
  await ana.page.locator('.edit-form textarea').waitFor();
  await isSound(ana, 'editing');
  for (const id of [2, 3]) {
    await ana.go(`/messages/${id}`);
    await isSound(ana, `the page of message ${id}`);
  }
  await ana.go('/messages/2');
  await ana.page.getByLabel('Another emoji').fill('x');
  await ana.page.getByLabel('Another emoji').press('Enter');
  await ana.page.locator('#emoji-note').waitFor();
  await isSound(ana, 'the page of a message, with a field error');
});

story('pages that took the place of others, also when going back', async ({ patio, newUser }) => {
  const ana = await newUser('ana');
  await patio.apiClient('tom');
  await ana.markPage();
  const check = async (what) => {
    for (const width of [390, 1280]) {
      await ana.page.setViewportSize({ width, height: 800 });
      await inBothSchemes(ana, async (scheme) =>
        assert.deepEqual(await violations(ana), [], `${what}, ${width}, ${scheme}`),
      );
    }
  };
  const ways = ['/settings', '/admin', '/rooms', '/people', '/saved', '/rooms/1'];
  for (const path of ways) {
    await ana.page
      .locator(`a[href="${path}"]`)
      .first()
      .evaluate((link) => link.click());
    await ana.arrives(path);
    await ana.page.locator('#app:not([aria-busy])').waitFor();
    await check(path);
  }
  await ana.page.goBack();
  await ana.arrives('/saved');
  await check('back to /saved');
  assert.equal(await ana.isSamePage(), true);
});

story('files in the composer and in messages, and one picture at a time', async ({ patio, newUser, tolerate }) => {
  tolerate(/422/);
  const tom = await patio.apiClient('tom');
  const pictures = (n) =>
    Array.from({ length: n }, (_, at) => [`p${at}.png`, picture(90, 60), at % 2 ? '' : `Patio ${at}`]);
  for (const n of [1, 2, 3, 6]) await tom.postFiles(`${n} pictures`, pictures(n));
  await tom.postFiles('', [
    [`${LONG}.pdf`, bytes(10)],
    ['nameless', bytes(10)],
  ]);
  const ana = await newUser('ana');
  await ana.page.locator('.file').first().waitFor();
  await isSound(ana, 'messages with files');
  const input = ana.page.locator('.composer input[type=file]');
  await input.setInputFiles([{ name: `${LONG}.png`, mimeType: 'image/png', buffer: picture(90, 60) }]);
  await ana.page.locator('.parcel[data-state=done]').waitFor();
  await ana.page.route('**/uploads', (route) =>
    route.fulfill({ status: 422, body: '{"detail":"It cannot be read."}' }),
  );
  await input.setInputFiles([{ name: `${LONG}.pdf`, mimeType: 'application/pdf', buffer: bytes(10) }]);
  await ana.page.locator('.parcel[data-state=failed]').waitFor();
  await ana.page.locator('.parcel__alt').first().click();
  await ana.composer.fill('with files');
  await ana.composer.press('Enter');
  await ana.page.locator('.tray__error:not(:empty)').waitFor();
  await isSound(ana, 'the tray');
  await ana.page.locator('.shots--4 .shot').first().click();
  await ana.page.locator('dialog.lightbox').waitFor();
  await isSound(ana, 'the lightbox');
  const plain = await newUser('leo', { ...PHONE });
  const [address] = await plain.page.locator('.shots--3 .shot').evaluateAll((links) => links.map(({ href }) => href));
  await plain.go(address);
  await isSound(plain, 'the page of a picture');
});
