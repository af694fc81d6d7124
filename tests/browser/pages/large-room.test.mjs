// A room with more members than its page lists: each of them can be found, and the counts are of all.
import assert from 'node:assert/strict';
import { addUsers } from '../support/add-users.mjs';
import { eventually, story } from '../support.mjs';

const WIDE = { viewport: { width: 1600, height: 900 } };
const PHONE = { viewport: { width: 390, height: 800 }, isMobile: true, hasTouch: true };
const MEMBERS = Array.from({ length: 230 }, (_, n) => ({ name: `vecina${n}`, shown: `Vecina ${n}` }));

async function signIn(visitor, name) {
  await visitor.go('/login');
  await visitor.signIn(name);
  await visitor.arrives('/rooms/1');
}

/** The numbers that the panel shows: online, offline, all. */
const counts = ({ page }) =>
  page.evaluate(() =>
    ['online-count', 'offline-count', 'member-count'].map((id) => document.getElementById(id).textContent),
  );
const has = (visitor, numbers) => eventually(async () => assert.deepEqual(await counts(visitor), numbers));
const more = ({ page }) => page.getByRole('link', { name: 'More members' });

story('more members come into the panel, each once, in order', async ({ patio, visitor }) => {
  await patio.apiClient('ana');
  await addUsers(patio, MEMBERS);
  const ana = await visitor(WIDE);
  await signIn(ana, 'ana');
  await has(ana, ['1', '230', '231']);
  assert.equal((await ana.offline()).length, 100);
  await more(ana).focus();
  await ana.page.keyboard.press('Enter');
  await eventually(async () => assert.equal((await ana.offline()).length, 200));
  assert.ok(await more(ana).evaluate((link) => link === document.activeElement));
  await ana.page.keyboard.press('Enter');
  await eventually(async () => assert.equal((await ana.offline()).length, 230));
  assert.deepEqual(
    await ana.offline(),
    MEMBERS.map(({ shown }) => shown),
  );
  assert.equal(await more(ana).count(), 0);
  assert.equal(await ana.page.evaluate(() => document.activeElement.textContent), 'Vecina 229');
  await has(ana, ['1', '230', '231']);
});

story('a member who comes online, joins or leaves is counted, even if not listed', async ({ patio, visitor }) => {
  const founder = await patio.apiClient('ana');
  for (const name of ['zoe', 'zulema']) await patio.apiClient(name);
  await patio.api('rooms', { name: 'Huerto', visibility: 'public' }, founder.token);
  await addUsers(patio, MEMBERS);
  const ana = await visitor(WIDE);
  await signIn(ana, 'ana');
  await has(ana, ['1', '232', '233']);
  const zoe = await visitor();
  await signIn(zoe, 'zoe');
  await has(ana, ['2', '231', '233']);
  await eventually(async () => assert.deepEqual(await ana.online(), ['ana', 'zoe']));
  await patio.apiClient('nuevo');
  await has(ana, ['2', '232', '234']);
  assert.ok((await ana.offline()).includes('nuevo'));
  // A new name has another place.
  await zoe.go('/settings');
  await zoe.fill({ display_name: 'Abel' });
  await zoe.button('/settings/name').click();
  await eventually(async () => assert.deepEqual(await ana.online(), ['Abel', 'ana']));
  // Another room, and back: the counts of this one are right again.
  await ana.open('Huerto');
  await ana.open('lobby');
  await has(ana, ['2', '232', '234']);
});

story('a mention finds members who are not listed', async ({ patio, visitor }) => {
  for (const name of ['ana', 'zulema']) await patio.apiClient(name);
  await addUsers(patio, MEMBERS);
  const ana = await visitor(PHONE);
  await signIn(ana, 'ana');
  const names = () => ana.page.locator('#mention-menu [role=option] small').allTextContents();
  await ana.composer.pressSequentially('@zulé');
  await eventually(async () => assert.deepEqual(await names(), ['@zulema']));
  await ana.page.keyboard.press('Enter');
  assert.equal(await ana.composer.inputValue(), '@zulema ');
  await ana.composer.pressSequentially('@vecina22');
  await eventually(async () => assert.equal((await names()).length, 8));
  assert.ok((await names()).includes('@vecina229') || (await names()).includes('@vecina22'));
});

story('without scripts, on a phone, all members are a page away', async ({ patio, visitor }) => {
  await patio.apiClient('ana');
  await addUsers(patio, MEMBERS);
  const ana = await visitor({ ...PHONE, javaScriptEnabled: false });
  await signIn(ana, 'ana');
  await ana.go('/rooms/1/members');
  const names = () => ana.page.locator('#members bdi').allTextContents();
  const all = await names();
  for (const count of [100, 31]) {
    await ana.page.getByRole('link', { name: 'Next page' }).click();
    await eventually(async () => assert.equal((await names()).length, count));
    all.push(...(await names()));
  }
  assert.deepEqual(all, ['ana', ...MEMBERS.map(({ shown }) => shown)]);
  await ana.page.getByRole('link', { name: 'Previous page' }).click();
  await eventually(async () => assert.equal((await names()).length, 100));
  await ana.page.getByRole('searchbox').fill('VECINA 7');
  await ana.page.getByRole('button', { name: 'Find' }).click();
  await eventually(async () => assert.equal((await names()).length, 11));
  await ana.page.getByRole('link', { name: 'Vecina 77' }).click();
  await ana.arrives('/people/vecina77');
});
