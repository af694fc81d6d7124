// The member list shows who is online and stays up to date.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const WIDE = { viewport: { width: 1600, height: 900 } };

story('online members come first', async ({ patio, newUser }) => {
  await patio.apiClient('amina');
  await patio.apiClient('bo');
  const ana = await newUser('zoe', WIDE);
  assert.deepEqual(await ana.online(), ['zoe']);
  assert.deepEqual(await ana.offline(), ['amina', 'bo']);
  assert.equal(await ana.page.locator('#online-count').textContent(), '1');
  assert.equal(await ana.page.locator('#offline-count').textContent(), '2');
});

story('a member who comes online moves to the online list', async ({ patio, newUser, visitor }) => {
  await patio.apiClient('tom');
  const ana = await newUser('ana', WIDE);
  assert.deepEqual(await ana.offline(), ['tom']);
  const tom = await visitor();
  await tom.go('/login');
  await tom.signIn('tom');
  await eventually(async () => assert.deepEqual(await ana.online(), ['ana', 'tom']));
  assert.deepEqual(await ana.offline(), []);
  assert.equal(await ana.page.getByText('Offline').isVisible(), false);
  assert.equal(await ana.page.locator('.member[data-user] .presence--off').count(), 0);
});

story('a new member appears, and the count grows', async ({ newUser }) => {
  const ana = await newUser('ana');
  const button = ana.page.locator('.people-button');
  assert.equal(await button.getAttribute('aria-label'), '1 member');
  await newUser('tom');
  await eventually(async () => assert.deepEqual(await ana.online(), ['ana', 'tom']));
  assert.equal(await button.getAttribute('aria-label'), '2 members');
  assert.equal(await ana.page.locator('#member-count').textContent(), '2');
});

story('a new offline member appears in the offline list', async ({ patio, newUser }) => {
  const ana = await newUser('ana', WIDE);
  await patio.apiClient('mei');
  await eventually(async () => assert.deepEqual(await ana.offline(), ['mei']));
  assert.deepEqual(await ana.online(), ['ana']);
});

story("the panel opens from the room's header and closes again", async ({ newUser }) => {
  const ana = await newUser('ana');
  const panel = ana.page.locator('#people');
  await ana.page.locator('.people-button').click();
  await panel.waitFor();
  await panel.getByRole('button', { name: 'Close' }).click();
  await panel.waitFor({ state: 'hidden' });
  await ana.page.locator('.people-button').click();
  await panel.waitFor();
  await ana.page.keyboard.press('Escape');
  await panel.waitFor({ state: 'hidden' });
});
