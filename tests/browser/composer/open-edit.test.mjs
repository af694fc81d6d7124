// The text of an open edit is as safe as any other: only the changed message or a cancel closes it.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const inPlace = (ana) => ana.page.locator('.message--editing textarea');
const whyNot = (ana) => ana.page.locator('.edit-form [role="alert"]');
const edits = ({ page }) =>
  page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('patio:edit:')).length);
const saysWhy = (ana, pattern) => eventually(async () => assert.match(await whyNot(ana).textContent(), pattern));
/** The browser loses its session cookie without the page noticing. */
const endSession = (ana) => ana.context.clearCookies({ name: /session/ });

async function postMessage(ana, text) {
  await ana.post(text);
  await ana.sees(text);
}

async function editInPlace(ana, text) {
  await postMessage(ana, 'said before');
  await ana.composer.press('ArrowUp');
  await inPlace(ana).fill(text);
}

story(
  'an edit saved after the session ended stays open with a reason and survives signing in',
  async ({ newUser, tolerate }) => {
    tolerate(/^401 /);
    const ana = await newUser('ana');
    await editInPlace(ana, 'an hour of work');
    await endSession(ana);
    await inPlace(ana).press('Enter');
    await saysWhy(ana, /session has ended/);
    assert.equal(await inPlace(ana).inputValue(), 'an hour of work');
    assert.equal(await inPlace(ana).evaluate((field) => field.readOnly), false);
    await ana.page.reload();
    await ana.arrives('/login?next=%2Frooms%2F1');
    await ana.signIn('ana');
    await inPlace(ana).waitFor();
    assert.equal(await inPlace(ana).inputValue(), 'an hour of work');
    await inPlace(ana).press('Enter');
    await eventually(async () => assert.deepEqual(await ana.texts(), ['an hour of work']));
    assert.equal(await edits(ana), 0);
  },
);

story('a response to an edit without the message is not a success', async ({ newUser }) => {
  const ana = await newUser('ana');
  await editInPlace(ana, 'an hour of work');
  await ana.page.route('**/messages/*/edit', async (route) =>
    route.fulfill({ response: await route.fetch({ url: `${ana.patio.origin}/rooms`, method: 'GET' }) }),
  );
  await inPlace(ana).press('Enter');
  await saysWhy(ana, /did not work/);
  assert.equal(await inPlace(ana).inputValue(), 'an hour of work');
  assert.equal(await edits(ana), 1);
});

story('an edit without a response is opened again with a reason', async ({ newUser }) => {
  const ana = await newUser('ana');
  await editInPlace(ana, 'an hour of work');
  await ana.page.evaluate(() => {
    document.getElementById('app').dataset.patience = 300;
  });
  let isMute = true;
  await ana.page.route('**/messages/*/edit', (route) => {
    if (!isMute) route.continue();
  });
  await inPlace(ana).press('Enter');
  await saysWhy(ana, /did not work/);
  assert.equal(await inPlace(ana).evaluate((field) => field.readOnly), false);
  isMute = false;
  await ana.page.evaluate(() => {
    delete document.getElementById('app').dataset.patience;
  });
  await inPlace(ana).press('Enter');
  await eventually(async () => assert.deepEqual(await ana.texts(), ['an hour of work']));
});

const onPage = (ana) => ana.page.locator('form.edit-form textarea');

async function openPage(ana) {
  await postMessage(ana, 'said before');
  const path = await ana.page.locator('.message__link').getAttribute('href');
  await ana.go(path);
  return path;
}

story(
  "an edit on the message's page survives the end of the session and is saved once",
  async ({ newUser, tolerate }) => {
    tolerate(/^401 /);
    const ana = await newUser('ana');
    const path = await openPage(ana);
    await onPage(ana).fill('an hour of work');
    await endSession(ana);
    await ana.page.getByRole('button', { name: 'Save', exact: true }).click();
    await saysWhy(ana, /session has ended/);
    await ana.page.reload();
    await ana.signIn('ana');
    await ana.arrives(path);
    await eventually(async () => assert.equal(await onPage(ana).inputValue(), 'an hour of work'));
    await ana.page.getByRole('button', { name: 'Save', exact: true }).click();
    await eventually(async () => assert.deepEqual(await ana.texts(), ['an hour of work']));
    assert.equal(await edits(ana), 0);
  },
);

story("an edit on the message's page is also open in the room, and vice versa", async ({ newUser }) => {
  const ana = await newUser('ana');
  const path = await openPage(ana);
  await onPage(ana).fill('begun on the page');
  await ana.go('/rooms/1');
  await inPlace(ana).waitFor();
  assert.equal(await inPlace(ana).inputValue(), 'begun on the page');
  await inPlace(ana).fill('continued in the room');
  await ana.go(path);
  await eventually(async () => assert.equal(await onPage(ana).inputValue(), 'continued in the room'));
});

story("a cancelled edit on the message's page is discarded", async ({ newUser }) => {
  const ana = await newUser('ana');
  await openPage(ana);
  await onPage(ana).fill('no, not that');
  assert.equal(await edits(ana), 1);
  await ana.page.locator('form.edit-form').getByRole('link', { name: 'Cancel' }).click();
  await ana.arrives('/rooms/1');
  assert.equal(await edits(ana), 0);
  assert.equal(await inPlace(ana).count(), 0);
});

story("another account does not see an edit on the message's page", async ({ patio, newUser }) => {
  await patio.apiClient('tom');
  const ana = await newUser('ana');
  const path = await openPage(ana);
  await onPage(ana).fill('for my eyes');
  await endSession(ana);
  await ana.go(path);
  assert.equal(await edits(ana), 1);
  await ana.signIn('tom');
  await ana.arrives(path);
  await ana.go('/rooms/1');
  assert.equal(await edits(ana), 0);
});
