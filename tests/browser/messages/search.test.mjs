// Search: with and without scripts, while typing, by keyboard and in both languages. A result leads to its message.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const PLAIN = { javaScriptEnabled: false };
const texts = ({ page }) => page.locator('.result__text').allTextContents();
const highlights = ({ page }) => page.locator('.result mark').allTextContents();

story('search, older results and the link to the message work without scripts', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  for (let n = 1; n <= 25; n++) await tom.post(`Café número ${n} <b>&amp;`);
  const ana = await newUser('ana', PLAIN);
  await ana.page.getByRole('navigation').getByRole('link', { name: 'Go to or search…' }).click();
  await ana.arrives('/search');
  await ana.page.getByRole('heading', { name: 'What you can search for' }).waitFor();
  await ana.page.getByRole('searchbox').fill('cafe');
  await ana.page.getByRole('button', { name: 'Find' }).click();
  await ana.arrives('/search?q=cafe');
  const first = await texts(ana);
  assert.deepEqual([first.length, first[0]], [20, 'Café número 25 <b>&amp;']);
  assert.deepEqual(new Set(await highlights(ana)), new Set(['Café']));
  await ana.page.getByRole('link', { name: 'Older results' }).click();
  await ana.page.waitForLoadState();
  assert.deepEqual(
    (await texts(ana)).map((text) => text.split(' ')[2]),
    ['5', '4', '3', '2', '1'],
  );
  await ana.page.locator('.result__link').last().click();
  await ana.isIn('lobby');
  assert.match(ana.page.url(), /#m1$/);
});

story("a search without results explains it in the reader's language", async ({ newUser }) => {
  const ana = await newUser('ana', { ...PLAIN, locale: 'es-ES' });
  await ana.go('/search?q=%22nada%20as%C3%AD%22');
  assert.match(
    await ana.page.getByRole('status').filter({ hasText: 'nada' }).textContent(),
    /No hay nada para «"nada así"»/,
  );
  await ana.page.getByRole('main').getByRole('link', { name: 'Qué se puede buscar' }).click();
  await ana.arrives('/search');
});

story('results appear while typing, and the URL keeps them', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  for (const text of ['Bogotá es fría', 'Lima es gris']) await tom.post(text);
  const ana = await newUser('ana');
  await ana.page.keyboard.press('Control+Shift+F');
  await ana.arrives('/search');
  await ana.markPage();
  await ana.page.getByRole('searchbox').pressSequentially('bogo');
  await eventually(async () => assert.deepEqual(await highlights(ana), ['Bogotá']));
  await eventually(async () =>
    assert.deepEqual(
      [new URL(ana.page.url()).search, await ana.page.locator('#search-said').textContent()],
      ['?q=bogo', '1 result'],
    ),
  );
  await ana.page.getByRole('searchbox').fill('es');
  await eventually(async () => assert.deepEqual(await texts(ana), ['Lima es gris', 'Bogotá es fría']));
  assert.doesNotMatch(
    await ana.page.locator('.result time').first().textContent(),
    /UTC/,
    'times are of the zone one lives in',
  );
  await ana.page.getByRole('searchbox').fill('');
  await ana.page.getByRole('heading', { name: 'What you can search for' }).waitFor();
  assert.ok(await ana.isSamePage());
});

story('chips narrow a search, and the last searches are offered again', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  await tom.post('agua fría');
  const ana = await newUser('ana');
  await ana.post('agua caliente');
  await ana.sees('agua caliente');
  await ana.go('/search?q=agua');
  await ana.page.getByRole('button', { name: 'From' }).click();
  await ana.page.getByRole('link', { name: 'tom', exact: true }).click();
  await eventually(async () => assert.deepEqual(await texts(ana), ['agua fría']));
  await ana.page.getByRole('link', { name: 'Without the filter “From tom”' }).click();
  await eventually(async () => assert.deepEqual(await texts(ana), ['agua caliente', 'agua fría']));
  await ana.go('/search');
  assert.deepEqual(await ana.page.locator('#recent-searches a').allTextContents(), ['agua', 'agua from:tom']);
});

story('the search button of a room searches in that room', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.post('en el lobby');
  await ana.sees('en el lobby');
  await ana.makeRoom('El "Huerto" & más');
  await ana.post('en el huerto');
  await ana.sees('en el huerto');
  await ana.page.getByRole('link', { name: 'Search in El "Huerto" & más' }).click();
  await eventually(async () => assert.deepEqual(await texts(ana), ['en el huerto']));
});
