// A large installation with texts that strain the layout, and a printed room.
import assert from 'node:assert/strict';
import { seedLarge } from '../support/seed-large.mjs';
import { eventually, story } from '../support.mjs';

/** The elements that scroll horizontally on the current page. */
const sideways = ({ page }) =>
  page.evaluate(() =>
    Array.from(
      document.querySelectorAll('html, .log, .sidebar__scroll, .page, .card, .room-footer, .page-header, .popover'),
    )
      .filter((box) => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1)
      .map((box) => `${box.className || box.tagName}: ${box.scrollWidth} in ${box.clientWidth}`),
  );

/** Whether the current room is visible in the sidebar. */
const isInSight = ({ page }) =>
  page.evaluate(() => {
    const [list, row] = ['.sidebar__scroll', '.room[aria-current]'].map((part) =>
      document.querySelector(part).getBoundingClientRect(),
    );
    return row.height > 0 && row.top >= list.top && row.bottom <= list.bottom;
  });

async function signIn(visitor, name) {
  await visitor.go('/login');
  await visitor.signIn(name);
  await visitor.arrives('/rooms/1');
}

story('nothing scrolls horizontally at 320 pixels, for any name and text', async ({ patio, visitor }) => {
  const { ids } = await seedLarge(patio, { users: 8, rooms: 60 });
  const ana = await visitor({ viewport: { width: 320, height: 640 }, isMobile: true, hasTouch: true });
  await signIn(ana, 'ana');
  for (const where of [
    '/rooms/1',
    `/rooms/${ids[0]}`,
    `/rooms/${ids[0]}/settings`,
    '/rooms',
    '/direct/largo',
    '/direct/noor',
    '/settings',
  ]) {
    for (const language of ['en', 'es']) {
      await ana.go(`${where}?lang=${language}`);
      assert.deepEqual(await sideways(ana), [], `${where} in ${language}`);
    }
  }
  await ana.go('/rooms/1');
  await ana.page.locator('.people-button').click();
  await ana.page.locator('#people').getByText('نور الهدى').waitFor();
  assert.deepEqual(await sideways(ana), []);
  await ana.page.reload();
  await ana.page.locator('.menu-button').click();
  assert.deepEqual(await sideways(ana), []);
});

story("the empty composer is one line high, however long the room's name is", async ({ patio, visitor }) => {
  const { ids } = await seedLarge(patio, { users: 0, rooms: 1 });
  const ana = await visitor({ viewport: { width: 390, height: 800 } });
  await signIn(ana, 'ana');
  const height = async () => (await ana.composer.boundingBox()).height;
  const usual = await height();
  await ana.go(`/rooms/${ids[0]}`);
  assert.equal(await height(), usual);
  await ana.composer.fill('uno\ndos\ntres');
  assert.ok((await height()) > usual);
});

story('the current room of many is visible, in the column and in the drawer', async ({ patio, visitor }) => {
  const { ids, names } = await seedLarge(patio, { users: 0, rooms: 80 });
  const last = `/rooms/${ids.at(-1)}`;
  const desk = await visitor();
  await signIn(desk, 'ana');
  assert.ok(await isInSight(desk));
  await desk.go(last);
  assert.ok(await isInSight(desk), 'a page loaded');
  await desk.post('/lobby');
  await desk.isIn('lobby');
  assert.ok(await isInSight(desk), 'the lobby, gone to by a command');
  await desk.post(`/join ${names.at(-1)}`);
  await desk.isIn(names.at(-1));
  assert.ok(await isInSight(desk), 'the last room, gone to by a command');

  const plain = await visitor({ javaScriptEnabled: false });
  await signIn(plain, 'ana');
  await plain.go(last);
  const row = plain.page.locator('.sidebar .room[aria-current]');
  const [list, at] = [await plain.page.locator('.sidebar__scroll').boundingBox(), await row.boundingBox()];
  assert.ok(at.y >= list.y && at.y + at.height <= list.y + list.height, 'without scripts');

  const phone = await visitor({ viewport: { width: 390, height: 700 }, isMobile: true, hasTouch: true });
  await signIn(phone, 'ana');
  await phone.go(last);
  await phone.page.locator('.menu-button').click();
  await phone.page.waitForFunction(
    () => document.getElementById('side').matches(':popover-open') && document.getAnimations().length === 0,
  );
  assert.ok(await isInSight(phone), 'in the drawer');
});

story('the sidebar stays as it is on the way from page to page', async ({ patio, visitor }) => {
  const { founder, names } = await seedLarge(patio, { users: 0, rooms: 12 });
  await patio.api('rooms', { name: 'Taller', visibility: 'public' }, founder.token);
  const luis = await visitor();
  await patio.apiClient('luis');
  await signIn(luis, 'luis');
  const rows = () => luis.page.locator('.sidebar .room__name').allTextContents();
  const currents = () => luis.page.locator('.sidebar .room[aria-current] .room__name').allTextContents();
  assert.deepEqual(await rows(), ['lobby']);
  await luis.post(`/join ${names[1]}`);
  await luis.isIn(names[1]);
  await luis.post(`/join ${names[2]}`);
  await luis.isIn(names[2]);
  const own = ['lobby', names[1], names[2]];
  await eventually(async () => assert.deepEqual(await rows(), own));
  await luis.page.evaluate(() => {
    document.querySelector('.sidebar [data-room="1"]').isMarked = true;
  });
  // A room that is not the user's has a row while it is on screen.
  await luis.page.getByRole('link', { name: 'All rooms' }).click();
  await luis.page.getByRole('main').getByRole('link', { name: 'Taller' }).click();
  await luis.isIn('Taller');
  assert.deepEqual(await rows(), [...own, 'Taller']);
  assert.deepEqual(await currents(), ['Taller']);
  await luis.open(names[1]);
  assert.deepEqual(await rows(), own);
  assert.deepEqual(await currents(), [names[1]]);
  // Changes arrive over the connection.
  await founder.post('hola', 1);
  await eventually(async () => assert.equal(await luis.badge('lobby'), '1'));
  await luis.open(names[2]);
  assert.equal(await luis.badge('lobby'), '1');
  assert.match(await luis.page.title(), /^\(1\) /);
  await luis.open('lobby');
  await luis.sees('hola');
  await eventually(async () => assert.equal(await luis.badge('lobby'), ''));
  assert.ok(
    await luis.page.evaluate(() => document.querySelector('.sidebar [data-room="1"]').isMarked),
    'the same row',
  );
});

story('a printed room has its name and messages, dark on white, and no controls', async ({ patio, visitor }) => {
  const { ids } = await seedLarge(patio, { users: 0, rooms: 1 });
  const ana = await visitor({ colorScheme: 'dark' });
  await signIn(ana, 'ana');
  await ana.page
    .context()
    .addCookies([{ name: `patio_theme_${new URL(patio.origin).port}`, value: 'dark', url: patio.origin }]);
  await ana.go(`/rooms/${ids[0]}`);
  const seen = () =>
    ana.page.evaluate(
      () =>
        Array.from(document.querySelectorAll('.sidebar, .composer, button, input, .page-header a, .skip-link')).filter(
          (part) => part.checkVisibility(),
        ).length,
    );
  const paper = () =>
    ana.page.evaluate(() => getComputedStyle(document.querySelector('.main')).backgroundColor.match(/[\d.]+/)[0]);
  assert.ok((await seen()) > 3);
  await ana.page.emulateMedia({ media: 'print' });
  assert.equal(await seen(), 0);
  assert.ok(await ana.title.isVisible());
  assert.ok(
    (await ana.page.locator('.message').first().isVisible()) && (await ana.page.locator('.message').last().isVisible()),
  );
  const { bottom, scrolls } = await ana.page.evaluate(() => ({
    bottom: document.querySelector('.message:last-child').getBoundingClientRect().bottom,
    scrolls: document.documentElement.scrollHeight,
  }));
  assert.ok(scrolls + 1 >= bottom, 'the page is as long as the conversation');
  assert.notEqual(await paper(), '0');
});
