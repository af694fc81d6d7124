// Settings: name, appearance, email address, password and sessions.
import assert from 'node:assert/strict';
import { eventually, PASSWORD, story } from '../support.mjs';

const NEW = 'loud cucumber orchard';
const sessions = ({ page }) => page.locator('.page .item-list__item');

async function save(visitor, part, fields) {
  const form = visitor.page.locator(`form[action="/settings/${part}"]`);
  for (const [name, value] of Object.entries(fields)) await form.locator(`[name="${name}"]`).fill(value);
  await form.locator('button[type=submit]').click();
}

const isSaved = (visitor) => visitor.page.getByText('Saved.').waitFor();

/** The error that the form shows for a field. */
const fieldError = (visitor, part, field) =>
  visitor.page
    .locator(`form[action="/settings/${part}"] .field`)
    .filter({ has: visitor.page.locator(`[name="${field}"][aria-invalid=true]`) })
    .locator('.field__note--error')
    .textContent();

/** The same user in another browser. */
async function again(visitor, name, password) {
  const other = await visitor();
  await other.go('/login');
  await other.signIn(name, password);
  return other;
}

story('a new name is shown to all users, on old and new messages', async ({ newUser }) => {
  const [ana, tom] = [await newUser('ana'), await newUser('tom')];
  await ana.post('before');
  await tom.sees('before');
  await tom.markPage();
  await ana.go('/settings');
  await save(ana, 'name', { display_name: 'Ana María' });
  await isSaved(ana);
  const colour = (part) =>
    ana.page
      .locator(part)
      .first()
      .evaluate((shown) => getComputedStyle(shown).color);
  assert.equal(await colour('#status'), await colour('h1'), 'what went well does not look like a danger');
  assert.equal(await ana.page.locator('.current-user__name').textContent(), 'Ana María');
  await ana.go('/rooms/1');
  await ana.post('after');
  await tom.sees('after');
  const authors = () => tom.page.locator('.message__author').allTextContents();
  await eventually(async () => assert.deepEqual([...new Set(await authors())], ['Ana María']));
  await eventually(async () => assert.deepEqual(await tom.online(), ['Ana María', 'tom']));
  assert.equal(await tom.isSamePage(), true);
  await tom.page.reload();
  assert.deepEqual(await tom.online(), ['Ana María', 'tom']);
});

story('an invalid name is refused with a field error', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.go('/settings');
  await save(ana, 'name', { display_name: 'x'.repeat(65) });
  await eventually(async () =>
    assert.equal(await fieldError(ana, 'name', 'display_name'), 'Use 1 to 64 characters on one line.'),
  );
  assert.equal(await ana.field('display_name').inputValue(), 'x'.repeat(65));
});

for (const [mode, how] of [
  ['with scripts', {}],
  ['without scripts', { javaScriptEnabled: false }],
]) {
  story(`the chosen theme and language stay, ${mode}`, async ({ newUser }) => {
    const ana = await newUser('ana', { colorScheme: 'light', ...how });
    const paper = () => ana.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    await ana.go('/settings');
    const light = mode === 'with scripts' && (await paper());
    await ana.page.getByLabel('Dark').check();
    await save(ana, 'look', {});
    await isSaved(ana);
    await ana.go('/rooms/1');
    assert.equal(await ana.page.locator('html').getAttribute('data-theme'), 'dark');
    if (light) assert.notEqual(await paper(), light);

    await ana.go('/settings');
    assert.equal(await ana.page.getByLabel('Dark').isChecked(), true);
    await ana.page.getByLabel('Español').check();
    await save(ana, 'look', {});
    await ana.page.locator('html[lang=es][data-theme=dark]').waitFor();
    await ana.go('/rooms/1');
    await ana.page.locator('html[lang=es]').waitFor();
  });

  story(`changing the password needs the old one and ends other sessions, ${mode}`, async ({ newUser, visitor }) => {
    const ana = await newUser('ana', how);
    const phone = await again(visitor, 'ana', PASSWORD);
    await phone.arrives('/rooms/1');
    await ana.go('/settings');
    const wanted = { current_password: PASSWORD, password: NEW, password_confirmation: NEW };
    for (const [wrong, field, text] of [
      [{ current_password: 'wrong tomato garden' }, 'current_password', 'That is not your current password.'],
      [{ password_confirmation: 'another' }, 'password_confirmation', 'The passwords do not match.'],
      [{ password: 'short' }, 'password', 'Use 8 to 256 characters.'],
    ]) {
      await save(ana, 'password', { ...wanted, ...wrong });
      await eventually(async () => assert.equal(await fieldError(ana, 'password', field), text));
    }
    await save(ana, 'password', wanted);
    await isSaved(ana);
    await phone.arrives('/login');
    await phone.signIn('ana', PASSWORD);
    await phone.page.getByRole('alert').waitFor();
    await phone.signIn('ana', NEW);
    await phone.page.waitForURL(/rooms/);
    await ana.go('/rooms/1');
    await ana.arrives('/rooms/1');
  });
}

story('changing the email address needs the password and an unused address', async ({ patio, newUser, visitor }) => {
  await patio.apiClient('tom');
  const ana = await newUser('ana');
  await ana.go('/settings');
  await save(ana, 'email', { email: 'ana@jardin.example', current_password: 'wrong' });
  await eventually(async () =>
    assert.equal(await fieldError(ana, 'email', 'current_password'), 'That is not your current password.'),
  );
  await save(ana, 'email', { email: 'tom@huerto.example', current_password: PASSWORD });
  await eventually(async () =>
    assert.equal(await fieldError(ana, 'email', 'email'), 'There is already an account with this address.'),
  );
  // The password was right, so the form does not ask for it again.
  await ana.page.locator('form[action="/settings/email"] [data-confirmed]').waitFor();
  await save(ana, 'email', { email: 'ana@jardin.example' });
  await isSaved(ana);
  const phone = await again(visitor, 'ana@jardin.example', PASSWORD);
  await phone.arrives('/rooms/1');
});

story('sessions are listed and can be ended one by one or all together', async ({ newUser, visitor }) => {
  const ana = await newUser('ana');
  await ana.go('/settings');
  assert.equal(await sessions(ana).count(), 1);
  assert.equal(await ana.page.getByRole('button', { name: 'Sign out everywhere else' }).count(), 0);

  const others = [];
  for (let n = 0; n < 3; n++) others.push(await again(visitor, 'ana', PASSWORD));
  for (const other of others) await other.arrives('/rooms/1');
  await ana.go('/settings');
  assert.equal(await sessions(ana).count(), 4);
  assert.match(await sessions(ana).filter({ hasText: 'This one' }).textContent(), /Chrom/);
  await sessions(ana).getByRole('button', { name: 'Sign out' }).first().click();
  await eventually(async () => assert.equal(await sessions(ana).count(), 3));
  await eventually(async () => assert.equal(others.filter(({ page }) => page.url().endsWith('/login')).length, 1));
  await ana.page.getByRole('button', { name: 'Sign out everywhere else' }).click();
  for (const other of others) await other.arrives('/login');
  await eventually(async () => assert.equal(await sessions(ana).count(), 1));
});
