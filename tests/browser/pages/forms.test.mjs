// Forms and filters that are sent without a page load: what stays, what is said, and what happens when something fails.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually, holdRequests, PASSWORD, story } from '../support.mjs';

const form = ({ page }, action) => page.locator(`form[method="post"][action="${action}"]`);
const button = (visitor, action) => form(visitor, action).locator('button[type=submit]').last();
const status = ({ page }) => page.locator('#status');
const says = (visitor, text) =>
  eventually(async () => assert.match((await status(visitor).textContent()) ?? '', text, 'the status'));
const field = (visitor, action, name) => form(visitor, action).locator(`[name="${name}"]`);
const SETTINGS = { viewport: { width: 1280, height: 700 } };

async function inSettings(newUser, name = 'ana') {
  const ana = await newUser(name, SETTINGS);
  await ana.go('/settings');
  await ana.markPage();
  return ana;
}

/** Where the page is scrolled to, what is focused, the address and the number of history entries. */
const place = ({ page }) =>
  page.evaluate(() => ({
    top: document.querySelector('.page').scrollTop,
    focused: document.activeElement.closest('form')?.getAttribute('action'),
    tag: document.activeElement.tagName,
    address: location.pathname + location.search,
    entries: history.length,
  }));

story('after a rejected form the error is in view, and everything else stays', async ({ newUser }) => {
  const ana = await inSettings(newUser);
  await field(ana, '/settings/tokens', 'label').fill('half a label');
  await field(ana, '/settings/email', 'email').fill('ana@jardin.example');
  await field(ana, '/settings/email', 'current_password').fill('wrong');
  await button(ana, '/settings/email').focus();
  const before = await place(ana);
  assert.ok(before.top > 300, 'the form is far down');
  await ana.page.keyboard.press('Enter');
  const error = form(ana, '/settings/email').locator('.field__note--error');
  await error.waitFor();
  assert.deepEqual(await place(ana), before);
  const box = await error.boundingBox();
  assert.ok(box.y > 0 && box.y + box.height < 700, `in view: ${JSON.stringify(box)}`);
  assert.ok(await ana.isSamePage());
  assert.equal(await field(ana, '/settings/email', 'email').inputValue(), 'ana@jardin.example');
  assert.equal(await field(ana, '/settings/email', 'current_password').inputValue(), '', 'a password is emptied');
  assert.equal(await field(ana, '/settings/tokens', 'label').inputValue(), 'half a label', 'another form is not');
  // The button that shows a password works on what was swapped in.
  await field(ana, '/settings/email', 'current_password').fill(PASSWORD);
  await form(ana, '/settings/email').getByRole('button', { name: 'Show password' }).click();
  assert.equal(await field(ana, '/settings/email', 'current_password').getAttribute('type'), 'text');
  await button(ana, '/settings/email').click();
  await says(ana, /^Saved\.$/);
  assert.equal(await error.count(), 0);
  assert.ok(await ana.isSamePage());
});

story('an error far from the button is scrolled into view', async ({ newUser }) => {
  const ana = await newUser('ana', { viewport: { width: 1280, height: 360 } });
  await ana.go('/settings');
  for (const name of ['current_password', 'password', 'password_confirmation'])
    await field(ana, '/settings/password', name).fill('wrong tomato garden');
  await button(ana, '/settings/password').click();
  const error = form(ana, '/settings/password').locator('.field__note--error');
  await error.waitFor();
  const { y, height } = await error.boundingBox();
  assert.ok(y > 0 && y + height < 360, `at ${y}`);
});

story('after a successful form the status says so, and the focus and the address stay', async ({ newUser }) => {
  const ana = await inSettings(newUser);
  await field(ana, '/settings/name', 'display_name').fill('  Ana María ');
  await button(ana, '/settings/name').focus();
  const before = await place(ana);
  await ana.page.keyboard.press('Enter');
  await says(ana, /^Saved\.$/);
  assert.deepEqual(await place(ana), before);
  assert.equal(await ana.page.locator('.current-user__name').textContent(), 'Ana María');
  assert.equal(await field(ana, '/settings/name', 'display_name').inputValue(), 'Ana María');
  const box = await status(ana).boundingBox();
  assert.ok(box.y > 0 && box.y + box.height <= 700, 'the status is in view');
  await field(ana, '/settings/time-zone', 'time_zone').fill('Europe/Lisbon');
  await field(ana, '/settings/time-zone', 'time_zone').press('Enter');
  await eventually(async () => assert.equal(await status(ana).textContent(), '', 'the next form begins without it'));
  await says(ana, /^Saved\.$/);
  assert.ok(await ana.isSamePage());
});

story('the focus goes to the heading when the button is gone with its row', async ({ newUser, visitor }) => {
  const ana = await inSettings(newUser);
  for (let n = 0; n < 2; n++) {
    const other = await visitor();
    await other.go('/login');
    await other.signIn('ana');
    await other.page.waitForURL(/rooms/);
  }
  await ana.page.reload();
  await ana.page.locator('.item-list__item').getByRole('button', { name: 'Sign out' }).first().focus();
  await ana.page.keyboard.press('Enter');
  await says(ana, /^Saved\.$/);
  await eventually(async () =>
    assert.equal(await ana.page.evaluate(() => document.activeElement.tagName), 'H2', 'not on the next session'),
  );
});

story('a new token is shown once, in view and focused', async ({ newUser }) => {
  const ana = await inSettings(newUser);
  await field(ana, '/settings/tokens', 'current_password').fill(PASSWORD);
  await button(ana, '/settings/tokens').click();
  const secret = ana.page.locator('#programs .copy-box');
  await secret.waitFor();
  assert.equal(await ana.page.evaluate(() => document.activeElement.hasAttribute('data-result')), true);
  const box = await secret.boundingBox();
  assert.ok(box.y > 0 && box.y + box.height < 700, 'in view');
  assert.equal(new URL(ana.page.url()).pathname, '/settings', 'the address of the form has no page');
});

story('several clicks act once', async ({ newUser }) => {
  const ana = await inSettings(newUser);
  await field(ana, '/settings/tokens', 'current_password').fill(PASSWORD);
  const release = await holdRequests(ana.page, '**/settings/tokens');
  for (let n = 0; n < 3; n++) await button(ana, '/settings/tokens').click();
  await release();
  await ana.page.locator('#programs .copy-box').waitFor();
  await button(ana, '/settings/tokens').click({ clickCount: 3 });
  await eventually(async () => assert.equal(await ana.page.locator('#programs .item-list__item').count(), 2));
  // Another row has moved there when the second click of a double click comes.
  await ana.page.reload();
  await ana.page.setViewportSize({ width: 1280, height: 3_000 }); // so that nothing scrolls
  const { x, y, width, height } = await ana.page.getByRole('button', { name: 'Revoke' }).first().boundingBox();
  const at = [x + width / 2, y + height / 2];
  await ana.page.mouse.click(...at);
  await eventually(async () => assert.equal(await ana.page.locator('#programs .item-list__item').count(), 1));
  assert.equal(await ana.page.evaluate(([x, y]) => document.elementFromPoint(x, y).textContent.trim(), at), 'Revoke');
  await ana.page.mouse.down({ clickCount: 2 });
  await ana.page.mouse.up({ clickCount: 2 });
  await ana.page.evaluate(() => fetch('/up').then((answer) => answer.text()));
  await ana.page.reload();
  assert.equal(await ana.page.locator('#programs .item-list__item').count(), 1);
});

story('without a network nothing is lost, and the form is sent when it is back', async ({ newUser, tolerate }) => {
  tolerate(/net::ERR/);
  const ana = await inSettings(newUser);
  await ana.context.setOffline(true);
  await field(ana, '/settings/name', 'display_name').fill('Ana María');
  await button(ana, '/settings/name').click();
  await ana.banner.filter({ hasText: 'No connection.' }).waitFor();
  assert.equal(await field(ana, '/settings/name', 'display_name').inputValue(), 'Ana María');
  await ana.context.setOffline(false);
  await says(ana, /^Saved\.$/);
  await ana.banner.waitFor({ state: 'hidden' });
  assert.equal(await ana.page.locator('.current-user__name').textContent(), 'Ana María');
  assert.ok(await ana.isSamePage());
});

story('forms without a network are all sent, also from a page that was left', async ({ newUser, tolerate }) => {
  tolerate(/net::ERR/);
  const ana = await newUser('ana');
  await ana.page.locator('[popovertarget=me-menu]').click();
  await ana.page.locator('#me-menu a[href="/settings"]').click();
  await ana.arrives('/settings');
  await ana.context.setOffline(true);
  await ana.page.locator('#app[data-line=away]').waitFor({ state: 'attached' });
  await field(ana, '/settings/name', 'display_name').fill('Ana María');
  await button(ana, '/settings/name').click();
  await ana.banner.filter({ hasText: 'No connection.' }).waitFor();
  await field(ana, '/settings/time-zone', 'time_zone').fill('Europe/Lisbon');
  await button(ana, '/settings/time-zone').click();
  await ana.row('lobby').click();
  await ana.context.setOffline(false);
  await ana.isIn('lobby');
  await eventually(async () => {
    const tab = await ana.newTab('/settings');
    const values = [
      await field(tab, '/settings/name', 'display_name').inputValue(),
      await field(tab, '/settings/time-zone', 'time_zone').inputValue(),
    ];
    await tab.page.close();
    assert.deepEqual(values, ['Ana María', 'Europe/Lisbon']);
  });
});

story('an answer waits until its page is back on screen', async ({ newUser }) => {
  const ana = await inSettings(newUser);
  await field(ana, '/settings/tokens', 'current_password').fill(PASSWORD);
  const release = await holdRequests(ana.page, '**/settings/{tokens,name}');
  await button(ana, '/settings/tokens').click();
  await ana.open('lobby');
  const answered = ana.page.waitForResponse('**/settings/tokens');
  await release();
  await (await answered).finished();
  await ana.page.goBack();
  await ana.page.locator('#programs .copy-box').waitFor();
  assert.equal(await ana.page.locator('#programs .item-list__item').count(), 1);
  await field(ana, '/settings/name', 'display_name').fill('Ana María');
  const releaseName = await holdRequests(ana.page, '**/settings/name');
  await button(ana, '/settings/name').click();
  await ana.open('lobby');
  await releaseName();
  await says(ana, /^Saved\.$/);
  assert.ok(await ana.isSamePage());
});

story('a secret stays when another form is answered right after it', async ({ newUser }) => {
  const ana = await inSettings(newUser);
  await field(ana, '/settings/tokens', 'current_password').fill(PASSWORD);
  const release = await holdRequests(ana.page, '**/settings/tokens');
  for (const label of ['bot 1', 'bot 2']) {
    await field(ana, '/settings/tokens', 'label').fill(label);
    await button(ana, '/settings/tokens').click();
  }
  await field(ana, '/settings/name', 'display_name').fill('Ana María');
  await button(ana, '/settings/name').click();
  await release();
  await eventually(async () => assert.equal(await ana.page.locator('#programs .copy-box').count(), 2));
  await eventually(async () => assert.equal(await ana.page.locator('.current-user__name').textContent(), 'Ana María'));
});

story('of a form sent again with other fields the latest is saved', async ({ newUser }) => {
  const ana = await inSettings(newUser);
  const sent = [];
  ana.page.on('request', (request) => request.url().endsWith('/settings/name') && sent.push(request.postData()));
  const release = await holdRequests(ana.page, '**/settings/name');
  for (const name of ['Ana', 'Ana María', 'Ana Ortega', 'Ana Ortega']) {
    await field(ana, '/settings/name', 'display_name').fill(name);
    await button(ana, '/settings/name').click();
  }
  await release();
  await eventually(async () => assert.equal(await ana.page.locator('.current-user__name').textContent(), 'Ana Ortega'));
  await says(ana, /^Saved\.$/);
  assert.equal(sent.length, 3, sent.join(' '));
});

story('what answers show follows the order of the forms', async ({ newUser }) => {
  const ana = await inSettings(newUser);
  await field(ana, '/settings/tokens', 'current_password').fill(PASSWORD);
  for (let n = 1; n <= 2; n++) {
    await field(ana, '/settings/tokens', 'label').fill(`bot ${n}`);
    await button(ana, '/settings/tokens').click();
    await eventually(async () => assert.equal(await ana.page.locator('#programs .item-list__item').count(), n));
  }
  let asked = 0;
  ana.page.on('request', (request) => {
    if (request.url().endsWith('/settings/tokens/revoke')) asked += 1;
  });
  const release = await holdRequests(ana.page, '**/settings/tokens/revoke');
  const revoke = ana.page.getByRole('button', { name: /^Revoke/ });
  await revoke.nth(0).click();
  await eventually(async () => assert.equal(asked, 1));
  await revoke.nth(1).click();
  await ana.page.evaluate(() => fetch('/up').then((answer) => answer.text()));
  assert.equal(asked, 1, 'the second waits');
  await release();
  await eventually(async () => assert.equal(await revoke.count(), 0));
  assert.equal(asked, 2);
});

story('what is chosen while a form is answered stays chosen', async ({ newUser }) => {
  const ana = await inSettings(newUser);
  const choices = form(ana, '/settings/tokens').locator('[name="expires_in"]');
  await field(ana, '/settings/tokens', 'current_password').fill('wrong');
  const release = await holdRequests(ana.page, '**/settings/tokens');
  await choices.nth(1).check({ force: true });
  await button(ana, '/settings/tokens').click();
  await choices.nth(2).check({ force: true });
  await release();
  await form(ana, '/settings/tokens').getByText('That is not your current password').waitFor();
  assert.ok(await choices.nth(2).isChecked());
});

story('a form whose answer is lost says so and can be sent again', async ({ newUser, tolerate }) => {
  tolerate(/net::ERR/);
  const ana = await inSettings(newUser);
  await ana.page.route('**/settings/name', (route) => route.abort('connectionreset'));
  await field(ana, '/settings/name', 'display_name').fill('Ana María');
  await button(ana, '/settings/name').click();
  await says(ana, /^That did not work\. Try again\.$/);
  assert.equal(await field(ana, '/settings/name', 'display_name').inputValue(), 'Ana María');
  await ana.page.unroute('**/settings/name');
  await button(ana, '/settings/name').click();
  await says(ana, /^Saved\.$/);
});

story('a form after a sign-out leads to the sign-in page and back', async ({ newUser }) => {
  const ana = await inSettings(newUser);
  await ana.context.clearCookies(); // the page has not noticed the sign-out yet
  await field(ana, '/settings/name', 'display_name').fill('Ana María');
  await button(ana, '/settings/name').click();
  await ana.page.waitForURL(/\/login\?next=/);
  await ana.signIn('ana');
  await ana.arrives('/settings');
});

story('a form is not carried out in the name of another user', async ({ patio, newUser, tolerate }) => {
  tolerate(/^409 /);
  await patio.apiClient('tom');
  const ana = await newUser('ana');
  // Asleep: it does not hear of the sign-out.
  await ana.page.routeWebSocket('**/api/v1/live?*', () => {});
  await ana.page.route('**/api/v1/poll*', () => {});
  await ana.go('/settings');
  await ana.markPage();
  await field(ana, '/settings/name', 'display_name').fill('Ana María');
  const tab = await ana.newTab();
  await tab.signOut();
  await tab.page.waitForURL('**/login');
  await tab.signIn('tom');
  await tab.arrives('/rooms/1');
  await button(ana, '/settings/name').click();
  await says(ana, /^Another account is signed in/);
  assert.equal(await field(ana, '/settings/name', 'display_name').inputValue(), 'Ana María');
  assert.ok(await ana.isSamePage());
  await tab.go('/settings');
  assert.equal(await field(tab, '/settings/name', 'display_name').inputValue(), 'tom');
  await field(tab, '/settings/name', 'display_name').fill('Tomás');
  await button(tab, '/settings/name').click();
  await says(tab, /^Saved\.$/);
});

story('a filter after a sign-out leads to the sign-in page and back', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.go('/search');
  await ana.context.clearCookies(); // the page has not noticed the sign-out yet
  await ana.page.getByRole('searchbox').fill('lima');
  await ana.page.waitForURL(/\/login\?next=/);
  await ana.signIn('ana');
  await ana.arrives('/search?q=lima');
});

story('what is not found or not allowed any more is said', async ({ newUser, tolerate }) => {
  tolerate(/^40[34] /);
  const ana = await inSettings(newUser);
  await field(ana, '/settings/tokens', 'current_password').fill(PASSWORD);
  await button(ana, '/settings/tokens').click();
  await ana.page.locator('#programs .copy-box').waitFor();
  const tab = await ana.newTab('/settings');
  await tab.page.getByRole('button', { name: 'Revoke' }).click();
  await says(tab, /^Saved\.$/);
  await ana.page.getByRole('button', { name: 'Revoke' }).click();
  await says(ana, /does not exist|not here|nothing/i);
  assert.ok(await ana.isSamePage());

  const eva = await newUser('eva');
  await ana.go('/admin');
  await ana.page.getByRole('button', { name: 'Make administrator: eva' }).click();
  await ana.page.getByRole('button', { name: 'Make member: eva' }).waitFor();
  await eva.go('/admin');
  await ana.page.getByRole('button', { name: 'Make member: eva' }).click();
  await ana.page.getByRole('button', { name: 'Make administrator: eva' }).waitFor();
  await button(eva, '/admin/sign-up').click();
  await says(eva, /administrator/i);
  await eva.arrives('/admin');
});

story('too many attempts are refused with the time to wait', { RATE_LIMIT: 'on' }, async ({ newUser, tolerate }) => {
  tolerate(/^429 |too many tries/);
  const ana = await inSettings(newUser);
  await eventually(async () => {
    await field(ana, '/settings/email', 'current_password').fill('wrong');
    const answer = ana.page.waitForResponse('**/settings/email');
    await button(ana, '/settings/email').click();
    assert.equal((await answer).status(), 429);
  });
  await says(ana, /^Try again in \d+ (seconds?|minutes?)\.$/);
  await form(ana, '/settings/email').getByText('Too many wrong passwords').waitFor();
});

story('an error of the server is said with its id', async ({ newUser, tolerate }) => {
  tolerate(/^500 /);
  const ana = await inSettings(newUser);
  const page = await (await fetch(`${ana.patio.origin}/nowhere`, { headers: { accept: 'text/html' } })).text();
  const body = page.replace('<p class="button-row">', '<p class="centered-page__id">Error <code>x7</code></p>$&');
  await ana.page.route('**/settings/name', (route) => route.fulfill({ status: 500, contentType: 'text/html', body }));
  await field(ana, '/settings/name', 'display_name').fill('Ana María');
  await button(ana, '/settings/name').click();
  await says(ana, /Error x7$/);
  assert.equal(await field(ana, '/settings/name', 'display_name').inputValue(), 'Ana María');
  assert.ok(await ana.isSamePage());
});

story('a picture that is too large is refused in the status', async ({ newUser, tolerate }) => {
  tolerate(/^413 /);
  const ana = await inSettings(newUser);
  const directory = await mkdtemp(path.join(tmpdir(), 'patio-picture-'));
  const picture = path.join(directory, 'large.png');
  await writeFile(picture, Buffer.alloc(13 * 1024 * 1024, 7));
  await field(ana, '/settings/picture', 'picture').setInputFiles(picture);
  await button(ana, '/settings/picture').click();
  await says(ana, /more than can be sent at once/);
  assert.ok(await ana.isSamePage());
  await rm(directory, { recursive: true });
});

story('a filter stops asking when its page is left', async ({ newUser, tolerate }) => {
  tolerate(/net::ERR/);
  const ana = await newUser('ana');
  await ana.page.clock.install();
  await ana.go('/search');
  let asked = 0;
  await ana.page.route('**/search?q=*', (route) => {
    asked += 1;
    return route.abort('connectionreset');
  });
  await ana.page.getByRole('searchbox').fill('lima');
  await ana.banner.filter({ hasText: 'No connection.' }).waitFor();
  await ana.open('lobby');
  assert.ok(await ana.banner.isHidden());
  await ana.page.clock.fastForward(3_000); // it may ask once more, and notices then
  const before = asked;
  await ana.page.clock.fastForward(3_000);
  await ana.page.evaluate(() => fetch('/up').then((answer) => answer.text()));
  assert.ok(asked <= before + 1, `${asked} times`);
  const last = asked;
  await ana.page.clock.fastForward(3_000);
  await ana.page.evaluate(() => fetch('/up').then((answer) => answer.text()));
  assert.equal(asked, last);
  assert.ok(await ana.banner.isHidden());
});

story('what answers with attributes of its own runs nothing', async ({ newUser, tolerate }) => {
  tolerate(/Content Security Policy|expressions are off/);
  const ana = await inSettings(newUser);
  await ana.page.route('**/settings/name', async (route) => {
    const answer = await route.fetch();
    const body = (await answer.text()).replace(
      '<section class="page__section">',
      `<script>ran = 1</script><p id="bad" hx-on:click="ran = 2" hx-get="/search" hx-vals="js:{q: ran = 3}"
        hx-trigger="click[ran = 4]">bad</p>$&`,
    );
    await route.fulfill({ response: answer, body });
  });
  await button(ana, '/settings/name').click();
  await says(ana, /^Saved\.$/);
  await ana.page.locator('#bad').click();
  assert.equal(await ana.page.evaluate(() => globalThis.ran), undefined);
  assert.equal(await ana.page.evaluate(() => globalThis.htmx), undefined, 'it is not within reach of other scripts');
});

story('attributes in a message stay text', async ({ newUser }) => {
  const ana = await newUser('ana');
  const text = '<a hx-get="/settings" hx-target="body">x</a> <hx-partial hx-target="body">y</hx-partial>';
  await ana.post(text);
  await ana.sees('hx-get');
  assert.deepEqual(await ana.texts(), [text]);
  assert.equal(await ana.page.locator('[hx-get], [hx-target], hx-partial').count(), 0);
  await ana.go('/search');
  await ana.page.getByRole('searchbox').fill('partial');
  await ana.page.locator('.result').waitFor();
  assert.equal(await ana.page.locator('#results :is([hx-get], [hx-target], hx-partial)').count(), 0);
});

story('a search waits until a composed word is written', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  await tom.post('日本語');
  const ana = await newUser('ana');
  await ana.page.clock.install();
  await ana.go('/search');
  const asked = [];
  ana.page.on('request', (request) => request.url().includes('/search?') && asked.push(request.url()));
  const keyboard = await ana.context.newCDPSession(ana.page);
  await ana.page.getByRole('searchbox').focus();
  for (const text of ['に', 'にほ', 'にほん'])
    await keyboard.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
  await ana.page.clock.fastForward(1_000);
  await ana.page.evaluate(() => fetch('/up').then((answer) => answer.text()));
  assert.deepEqual(asked, [], 'not yet');
  await keyboard.send('Input.insertText', { text: '日本語' });
  await ana.page.locator('.result', { hasText: '日本語' }).waitFor();
  assert.equal(asked.length, 1, asked.join(' '));
});

story('people are found while typing, and the address follows', async ({ patio, newUser }) => {
  for (const name of ['tom', 'eva']) await patio.apiClient(name);
  const ana = await newUser('ana');
  await ana.go('/people');
  await ana.markPage();
  const entries = await ana.page.evaluate(() => history.length);
  const names = () => ana.page.locator('.person__name bdi').allTextContents();
  await ana.page.getByRole('searchbox').pressSequentially('ev');
  await eventually(async () => assert.deepEqual(await names(), ['eva']));
  await ana.arrives('/people?q=ev');
  await eventually(async () => assert.equal(await ana.page.locator('#list-said').textContent(), '1 result'));
  assert.equal(await ana.page.evaluate(() => document.activeElement.id), 'q');
  await ana.page.getByRole('searchbox').fill('');
  await eventually(async () => assert.equal((await names()).length, 3));
  await ana.arrives('/people');
  assert.equal(await ana.page.evaluate(() => history.length), entries);
  assert.ok(await ana.isSamePage());
});

story('a list that was searched is still searched after a form', async ({ patio, newUser }) => {
  const ana = await newUser('ana');
  for (const name of ['tom', 'eva']) await patio.apiClient(name);
  await ana.go('/admin');
  const rows = ana.page.locator('#list .account');
  await ana.page.getByRole('searchbox').fill('eva');
  await eventually(async () => assert.equal(await rows.count(), 1));
  await ana.page.getByRole('button', { name: 'Make administrator: eva' }).click();
  await ana.page.getByRole('button', { name: 'Make member: eva' }).waitFor();
  await eventually(async () => assert.equal(await rows.count(), 1));
  await ana.arrives('/admin?q=eva');
  assert.equal(await ana.page.getByRole('searchbox').inputValue(), 'eva');
  await says(ana, /^Saved\.$/);
});

story('a verdict on a name waits while the pointer is down', async ({ patio, visitor }) => {
  await patio.apiClient('ana');
  const tom = await visitor();
  await tom.go('/register');
  const release = await holdRequests(tom.page, '**/register/available?*');
  const asked = tom.page.waitForRequest('**/register/available?*');
  await tom.field('name').fill('ana');
  await asked;
  await tom.page.locator('h1').hover();
  await tom.page.mouse.down();
  const answered = tom.page.waitForResponse('**/register/available?*');
  await release();
  await (await answered).finished();
  await tom.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  assert.doesNotMatch(await tom.descriptionOf('name'), /taken/);
  await tom.page.mouse.up();
  await eventually(async () => assert.match(await tom.descriptionOf('name'), /taken/));
});

story('room settings are saved in place, and a taken name is said beside the field', async ({ newUser, tolerate }) => {
  tolerate(/^409 /);
  const ana = await newUser('ana');
  await ana.makeRoom('Huerto');
  await ana.makeRoom('Taller');
  await ana.go('/rooms/3/settings');
  await ana.markPage();
  await ana.fill({ name: 'huerto' });
  await button(ana, '/rooms/3/settings').click();
  await form(ana, '/rooms/3/settings').locator('.field__note--error', { hasText: /\S/ }).waitFor();
  assert.equal(await ana.field('name').inputValue(), 'huerto');
  await ana.fill({ name: 'Taller de barro' });
  await button(ana, '/rooms/3/settings').click();
  await says(ana, /^Saved\.$/);
  assert.equal(await ana.page.locator('#page-h').textContent(), 'Taller de barro');
  await ana.arrives('/rooms/3/settings');
  assert.ok(await ana.isSamePage());
});

story('Back shows a page as it was left after a form, and its forms work again', async ({ newUser }) => {
  const ana = await inSettings(newUser);
  await field(ana, '/settings/name', 'display_name').fill('Ana María');
  await button(ana, '/settings/name').click();
  await says(ana, /^Saved\.$/);
  await field(ana, '/settings/tokens', 'label').fill('half a label');
  await ana.open('lobby');
  await says(ana, /^$/);
  await ana.page.goBack();
  await ana.arrives('/settings');
  assert.equal(await field(ana, '/settings/tokens', 'label').inputValue(), 'half a label');
  await field(ana, '/settings/name', 'display_name').fill('x'.repeat(65));
  await button(ana, '/settings/name').click();
  await form(ana, '/settings/name').locator('.field__note--error').waitFor();
  await field(ana, '/settings/name', 'display_name').fill('Ana');
  await button(ana, '/settings/name').click();
  await says(ana, /^Saved\.$/);
  assert.ok(await ana.isSamePage());
});

story('the back/forward cache keeps a page whose form was sent', async ({ ownBrowser, newUser }) => {
  await ownBrowser({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
  const ana = await inSettings(newUser);
  for (let trip = 1, isKept = false; trip <= 3 && !isKept; trip++) {
    await field(ana, '/settings/name', 'display_name').fill(`Ana ${trip}`);
    await button(ana, '/settings/name').click();
    await says(ana, /^Saved\.$/);
    await ana.go('/nowhere');
    await ana.page.goBack({ waitUntil: 'commit' });
    isKept = await ana.isSamePage(); // a browser may evict any page
  }
  await field(ana, '/settings/name', 'display_name').fill('Ana María');
  await button(ana, '/settings/name').click();
  await ana.page.locator('.current-user__name', { hasText: 'Ana María' }).waitFor();
  assert.equal(new URL(ana.page.url()).pathname, '/settings');
});
