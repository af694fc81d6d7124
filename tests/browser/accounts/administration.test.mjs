// The administration page, links that reset a password, and avatars.
import assert from 'node:assert/strict';
import { eventually, PASSWORD, story } from '../support.mjs';

const account = ({ page }, name) => page.locator('.account', { hasText: `@${name} ` });
const link = ({ page }) => page.locator('#link a').getAttribute('href');
/** The confirmation page names the account. */
async function close(ana, name) {
  await account(ana, name).locator('a[href$="/close"]').click();
  await ana.page.getByRole('button', { name: `Close account of ${name}` }).click();
}
/** A small picture of a single color. */
const PHOTO = {
  name: 'photo.png',
  mimeType: 'image/png',
  buffer: Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
    'base64',
  ),
};
const pictures = ({ page }, place) =>
  page
    .locator(`${place} .avatar__photo`)
    .evaluateAll((images) => images.map((image) => image.complete && image.naturalWidth));

for (const [mode, how] of [
  ['with scripts', {}],
  ['without scripts', { javaScriptEnabled: false }],
]) {
  story(
    `a user is added, sets a password by the link, and is closed again, ${mode}`,
    async ({ newUser, visitor, tolerate }) => {
      tolerate(/404/);
      const ana = await newUser('ana', how);
      await ana.openMenu();
      await ana.page.locator('a[href="/admin"]').click();
      await ana.arrives('/admin');
      await ana.fill({ name: 'eva', email: 'eva@huerto.example' });
      await ana.page.locator('form[action="/admin/people"] button').click();
      const eva = await visitor(how);
      await eva.go(await link(ana));
      await eva.fill({ password: PASSWORD, password_confirmation: PASSWORD });
      await eva.submit();
      await eva.arrives('/rooms/1');
      await ana.go('/admin');
      await close(ana, 'eva');
      await ana.page.getByText('The account of eva is closed.').waitFor();
      assert.match(await account(ana, 'eva').textContent(), /closed/);
      if (mode === 'without scripts') await eva.go('/rooms/1'); // with scripts the page navigates on its own
      await eva.page.waitForURL(/\/login/);
      await account(ana, 'eva').locator('form[action$="/open"] button').click();
      await eva.signIn('eva');
      await eva.arrives('/rooms/1');
    },
  );

  story(`an avatar replaces the initials for all users, ${mode}`, async ({ newUser }) => {
    const [ana, tom] = [await newUser('ana', how), await newUser('tom')];
    await ana.composer.fill('hola');
    await ana.page.locator('#composer .send-button').click();
    await tom.sees('hola');
    await ana.go('/settings');
    await ana.page.locator('#picture').setInputFiles(PHOTO);
    await ana.page.locator('form[action="/settings/picture"] button').first().click();
    await ana.page.getByText('Saved.').waitFor();
    await eventually(async () => assert.deepEqual(await pictures(ana, '.avatar-settings'), [256]));
    await eventually(async () => assert.deepEqual(await pictures(tom, '#messages'), [256]));
    await tom.page.reload();
    await eventually(async () => assert.deepEqual(await pictures(tom, '#messages'), [256]));
    await ana.page.locator('form[action="/settings/picture"] button[name=delete_picture]').click();
    await ana.page.getByText('Saved.').waitFor();
    await eventually(async () => assert.deepEqual(await pictures(tom, '#messages'), []));
  });
}

story('an invalid picture is reported beside the field', async ({ newUser, tolerate }) => {
  tolerate(/422/);
  const ana = await newUser('ana');
  await ana.go('/settings');
  await ana.page
    .locator('#picture')
    .setInputFiles({ name: 'x.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
  await ana.page.locator('form[action="/settings/picture"] button').click();
  await eventually(async () => assert.match(await ana.descriptionOf('picture'), /cannot be read/));
});

story('a user whose account is closed is signed out immediately', async ({ newUser, tolerate }) => {
  tolerate(/401|403/);
  const [ana, tom] = [await newUser('ana'), await newUser('tom')];
  await ana.go('/admin');
  await close(ana, 'tom');
  await tom.page.waitForURL(/\/login/);
});

story('the administration page is in Spanish', async ({ newUser }) => {
  const ana = await newUser('ana', { locale: 'es-ES' });
  await ana.go('/admin');
  assert.equal(await ana.page.locator('h1').textContent(), 'Administración');
  assert.equal(await ana.page.locator('form[action="/admin/sign-up"] button').textContent(), 'Cerrar el registro');
});
