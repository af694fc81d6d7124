// Who a user is: the card, the status, mentions outside the room, and groups.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const card = ({ page }) => page.locator('.profile-card');
const statusOf = ({ page }, name) => page.locator('#people .member', { hasText: name }).locator('.status-emoji');
const focused = ({ page }) => page.evaluate(() => document.activeElement?.textContent?.trim());

story('two people: a card, a live status, a mention in vain, and a group', async ({ patio, newUser }) => {
  await patio.apiClient('mei');
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await tom.post('hola');
  await ana.sees('hola');

  // The status appears beside the name at once, and in the card.
  await tom.post('/status :coffee: back soon');
  await tom.answer.filter({ hasText: 'Your status is set.' }).waitFor();
  await eventually(async () => assert.equal(await statusOf(ana, 'tom').getAttribute('title'), 'back soon'));
  const name = ana.message('hola').locator('.message__profile');
  await ana.markPage();
  await name.click();
  await card(ana).getByText('back soon').waitFor();
  assert.equal(await focused(ana), 'Message');
  await ana.page.keyboard.press('Escape');
  await card(ana).waitFor({ state: 'detached' });
  assert.equal(await focused(ana), 'tom');
  await ana.message('hola').locator('.avatar').first().click();
  await card(ana).getByRole('link', { name: 'Profile' }).click();
  await ana.arrives('/people/tom');
  assert.equal(await ana.isSamePage(), true);
  await ana.page.goBack();
  await ana.sees('hola');
  await tom.post('/status '); // the space closes the menu
  await eventually(async () => assert.equal(await statusOf(ana, 'tom').count(), 0));

  // The mention menu offers users outside the room; the author learns that they were not notified, and invites them.
  await ana.makeRoom('Huerto');
  await ana.composer.pressSequentially('@me');
  await ana.page.locator('#mention-menu [role=option]', { hasText: 'not joined' }).waitFor();
  await ana.composer.press('Enter');
  await ana.composer.press('Enter');
  await ana.answer.filter({ hasText: 'Not in this room, so not notified: mei' }).waitFor();
  await ana.page.getByRole('button', { name: 'Invite mei' }).click();
  await ana.answer.filter({ hasText: 'mei is in this room now.' }).waitFor();

  // A group of three.
  await ana.go('/direct');
  await ana.page.getByRole('combobox').pressSequentially('tom');
  await ana.page.locator('.chooser__list .is-active', { hasText: 'tom' }).waitFor();
  await ana.page.keyboard.press('Enter');
  await ana.page.locator('.chooser__list .member', { hasText: 'mei' }).click();
  await ana.page.locator('.chip', { hasText: 'mei' }).waitFor();
  await ana.page.getByRole('button', { name: 'Begin' }).click();
  await ana.isIn('mei, tom');
  await ana.post('los tres');
  await eventually(async () => assert.equal(await tom.badge('ana, mei'), '1'));
  await tom.open('ana, mei');
  await tom.sees('los tres');
});

story('a status ends at its time, beside a name and in the sidebar', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  const other = await ana.newTab('/rooms/1');
  // The tabs of a browser share a clock.
  for (const { page } of [ana, tom]) await page.clock.install();
  for (const { page } of [tom, other]) await page.reload();
  await ana.go('/settings');
  await ana.field('status_text').fill('at lunch');
  await ana.field('status_end').selectOption('half-an-hour');
  await ana.page.locator('#profile').getByRole('button', { name: 'Save', exact: true }).click();
  const own = ({ page }) => page.locator('.current-user__status', { hasText: 'at lunch' });
  const role = ({ page }) => page.locator('.current-user__role');
  for (const tab of [ana, other]) {
    await own(tab).waitFor();
    assert.equal(await role(tab).isVisible(), false);
  }
  await statusOf(tom, 'ana').waitFor({ state: 'attached' });
  for (const { page } of [ana, tom]) await page.clock.fastForward('29:00');
  for (const tab of [ana, other]) assert.equal(await own(tab).count(), 1);
  for (const { page } of [ana, tom]) await page.clock.fastForward('02:00');
  for (const tab of [ana, other]) {
    await own(tab).waitFor({ state: 'detached' });
    assert.equal(await role(tab).innerText(), 'Administrator');
  }
  await statusOf(tom, 'ana').waitFor({ state: 'detached' });
});

story('without scripts: a profile, a mention in vain and a group', async ({ patio, newUser }) => {
  for (const name of ['tom', 'mei']) await patio.apiClient(name);
  const ana = await newUser('ana', { javaScriptEnabled: false });
  const send = ana.page.locator('.send-button');
  await ana.composer.fill('hola');
  await send.click();
  await ana.page.locator('.message__profile').click();
  await ana.arrives('/people/ana');
  await ana.page.getByRole('link', { name: 'Say something about yourself' }).click();
  await ana.field('about').fill('Bread and bicycles.');
  await ana.field('status_text').fill('at home');
  await ana.page.locator('#profile').getByRole('button', { name: 'Save', exact: true }).click();
  await ana.go('/people/ana');
  await ana.page.getByText('Bread and bicycles.').waitFor();
  await ana.page.getByText('at home').first().waitFor();

  await ana.go('/rooms');
  await ana.field('name').fill('Huerto');
  await ana.page.getByRole('button', { name: 'Create the room' }).click();
  await ana.isIn('Huerto');
  await ana.composer.fill('¿vienes, @mei?');
  await send.click();
  await ana.answer.filter({ hasText: 'Not in this room, so not notified: mei' }).waitFor();
  await ana.page.getByRole('button', { name: 'Invite mei' }).click();
  await ana.answer.filter({ hasText: 'mei is in this room now.' }).waitFor();

  await ana.go('/people/tom');
  await ana.page.getByRole('main').getByRole('link', { name: 'Message' }).click();
  await ana.isIn('tom');
  await ana.go('/direct');
  await ana.field('names').fill('tom, mei');
  await ana.page.getByRole('button', { name: 'Begin' }).click();
  await ana.isIn('mei, tom');
});
