// The list of users: finding them and writing to them, at any size and in both languages.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const PLAIN = { javaScriptEnabled: false };
const names = ({ page }) => page.locator('.person bdi').allTextContents();

story('a user is found and written to, without scripts', async ({ patio, newUser }) => {
  for (const name of ['tom', 'mei']) await patio.apiClient(name);
  const ana = await newUser('ana', PLAIN);
  await ana.page.getByRole('link', { name: 'Everyone: find people to write to' }).click();
  await ana.arrives('/people');
  assert.deepEqual(await names(ana), ['ana', 'mei', 'tom']);
  await ana.page.getByRole('searchbox', { name: 'Find a person' }).fill('TÓ');
  await ana.page.getByRole('button', { name: 'Find' }).click();
  await eventually(async () => assert.deepEqual(await names(ana), ['tom']));
  await ana.page.getByRole('link', { name: 'tom' }).click();
  await ana.arrives('/direct/tom');
  await ana.isIn('tom');
});

story('a user search without results links back to all users', async ({ newUser }) => {
  const ana = await newUser('ana', { ...PLAIN, locale: 'es-ES' });
  await ana.go('/rooms');
  await ana.page.getByRole('main').getByRole('link', { name: 'Gente' }).click();
  await ana.page.getByRole('searchbox').fill('nadie');
  await ana.page.getByRole('button', { name: 'Buscar' }).click();
  assert.match(await ana.page.locator('.empty-state').textContent(), /Aquí nadie se llama «nadie»/);
  await ana.page.getByRole('link', { name: 'Ver a toda la gente' }).click();
  await eventually(async () => assert.deepEqual(await names(ana), ['ana']));
});
