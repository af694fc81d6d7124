// Uploads over bad connections, reloads and changes of room: nothing is lost, nothing is sent twice.
import assert from 'node:assert/strict';
import { bytes, eventually, holdRequests, picture, story, withFiles } from '../support.mjs';

const ONE_UPLOAD = /\/uploads\/[^/]+$/;
const parcels = ({ page }) => page.locator('.parcel');
const input = ({ page }) => page.locator('.composer input[type=file]');
const attached = ({ page }) => page.locator('.message[data-seq] .attachments');
const isIn = (visitor, state, n = 1) =>
  eventually(async () => assert.equal(await visitor.page.locator(`.parcel[data-state=${state}]`).count(), n));
const ofMemory = (name, buffer) => ({ name, buffer, mimeType: 'application/octet-stream' });
const refusal = { status: 400, contentType: 'application/problem+json', body: '{"detail":"It cannot be read."}' };

/** The trays of this browser. */
const stored = ({ page }) =>
  page.evaluate(() =>
    Object.keys(localStorage)
      .filter((key) => key.startsWith('patio:tray'))
      .map((key) => localStorage[key])
      .join(),
  );

/** The requests that begin an upload. */
function countNew({ page }) {
  const found = [];
  page.on('request', (request) => request.method() === 'POST' && request.url().endsWith('/uploads') && found.push(1));
  return () => found.length;
}

/** What readers of the message download. */
async function download(visitor, name) {
  const link = attached(visitor).getByRole('link', { name: `Download ${name}` });
  const address = await link.first().getAttribute('href');
  const answer = await visitor.context.request.get(new URL(address, visitor.page.url()).href);
  assert.equal(answer.status(), 200);
  return answer.body();
}

story('an upload continues where its connection was cut', async ({ newUser, openProxy, tolerate }) => {
  // 429: the connections that were cut count as uploads until the server notices.
  tolerate(/net::ERR_|WebSocket|^4(09|23|29)/);
  const proxy = await openProxy();
  const ana = await newUser('ana');
  await ana.go(`${proxy.origin}/rooms/1`);
  const offsets = [];
  ana.page.on('request', (request) => {
    if (request.method() === 'PATCH') offsets.push(Number(request.headers()['upload-offset']));
  });
  const content = bytes(6_000_000);
  proxy.cutAfter(2_500_000);
  await input(ana).setInputFiles([ofMemory('film.bin', content)]);
  await isIn(ana, 'done');
  assert.equal(proxy.disconnects > 0, true);
  assert.equal(offsets[0], 0);
  assert.ok(offsets.at(-1) > 0, `continued at ${offsets}`);
  await ana.post('whole');
  await attached(ana).waitFor();
  assert.equal(content.equals(await download(ana, 'film.bin')), true);
});

story('one refused file blocks neither the others nor the text, and is tried again', async ({ newUser, tolerate }) => {
  tolerate(/400/);
  const ana = await newUser('ana');
  await ana.page.route(ONE_UPLOAD, (route) => route.fulfill(refusal), { times: 1 });
  await input(ana).setInputFiles([ofMemory('bad.txt', bytes(10)), ofMemory('good.txt', bytes(20))]);
  await isIn(ana, 'done');
  await isIn(ana, 'failed');
  await parcels(ana).getByText('It cannot be read.').waitFor();
  await ana.composer.fill('two files');
  await ana.composer.press('Enter');
  await ana.page.getByText('Not sent yet: bad.txt has not arrived. Try again or remove it.').waitFor();
  assert.equal(await ana.composer.inputValue(), 'two files');
  await ana.page.getByRole('button', { name: 'Try again' }).click();
  await isIn(ana, 'done', 2);
  await ana.composer.press('Enter');
  await ana.sees('two files');
  assert.deepEqual(await attached(ana).locator('.file-name').allTextContents(), ['bad.txt', 'good.txt']);
});

story('a file that is not accepted can only be removed', async ({ newUser, tolerate }) => {
  tolerate(/422/);
  const ana = await newUser('ana');
  const whole = picture(20, 20);
  const cut = { name: 'cut.png', buffer: whole.subarray(0, whole.length - 20), mimeType: 'image/png' };
  await input(ana).setInputFiles([cut]);
  await isIn(ana, 'failed');
  await parcels(ana).getByText('This file may contain a place').waitFor();
  assert.equal(await ana.page.getByRole('button', { name: 'Try again' }).count(), 0);
  await ana.composer.fill('without it');
  await ana.composer.press('Enter');
  await ana.page.getByText('Not sent yet: cut.png is not accepted. Remove it.').waitFor();
  await ana.page.getByRole('button', { name: 'Remove cut.png' }).click();
  await ana.composer.press('Enter');
  await ana.sees('without it');
  assert.equal(await attached(ana).count(), 0);
});

story('a text waits for its files, and the wait can be cancelled', async ({ newUser }) => {
  const ana = await newUser('ana');
  const release = await holdRequests(ana.page, ONE_UPLOAD);
  await input(ana).setInputFiles([ofMemory('slow.txt', bytes(10))]);
  await isIn(ana, 'uploading');
  await ana.post('with a file');
  const note = ana.page.locator('.tray__sending');
  await note.waitFor();
  assert.match(await note.textContent(), /Sending… 0%/);
  await note.getByRole('button', { name: 'Cancel' }).click();
  await note.waitFor({ state: 'hidden' });
  assert.equal(await ana.composer.inputValue(), 'with a file');
  assert.equal(await ana.composer.isEditable(), true);
  await ana.composer.press('Enter');
  await note.waitFor();
  await release();
  await ana.sees('with a file');
  await attached(ana).waitFor();
  assert.equal(await ana.composer.inputValue(), '');
  assert.equal(await ana.composer.isEditable(), true);
});

story('a cancelled upload is gone, from the server too', async ({ newUser, tolerate }) => {
  tolerate(/^423/); // until the server has seen the end of the request
  const ana = await newUser('ana');
  const release = await holdRequests(ana.page, ONE_UPLOAD);
  await input(ana).setInputFiles([ofMemory('slow.txt', bytes(10))]);
  await eventually(async () => assert.match(await stored(ana), /"url":"[^"]+","isDone":false/));
  await Promise.all([
    ana.page.waitForResponse((response) => response.request().method() === 'DELETE' && response.status() === 204),
    ana.page.getByRole('button', { name: 'Cancel the upload of slow.txt' }).click(),
    release(),
  ]);
  assert.equal(await parcels(ana).count(), 0);
  await ana.post('alone');
  await ana.sees('alone');
  assert.equal(await attached(ana).count(), 0);
});

story('after a reload, finished files are there, and others continue with the same file', async ({ newUser }) => {
  const ana = await newUser('ana');
  const started = countNew(ana);
  await withFiles({ 'a.txt': bytes(10), 'b.txt': bytes(20) }, async ([a, b]) => {
    await input(ana).setInputFiles([a]);
    await isIn(ana, 'done');
    await ana.page.route(ONE_UPLOAD, () => {}); // it never arrives
    await input(ana).setInputFiles([b]);
    await isIn(ana, 'uploading');
    await ana.composer.fill('both');
    await eventually(async () => assert.match(await stored(ana), /"url":"[^"]+","isDone":false/));
    await ana.page.reload();
    await ana.page.unroute(ONE_UPLOAD);
    await isIn(ana, 'done');
    await isIn(ana, 'lost');
    assert.equal(await ana.composer.inputValue(), 'both');
    assert.equal(started(), 2);
    await input(ana).setInputFiles([b]);
    await isIn(ana, 'done', 2);
    assert.equal(started(), 2);
  });
  await ana.composer.press('Enter');
  await ana.sees('both');
  assert.deepEqual(await attached(ana).locator('.file-name').allTextContents(), ['a.txt', 'b.txt']);
});

story('a file that is gone before it was sent has to be chosen again', async ({ newUser, tolerate }) => {
  tolerate(/net::ERR_/);
  const ana = await newUser('ana');
  const release = await holdRequests(ana.page, '**/uploads');
  await withFiles({ 'gone.txt': bytes(100_000) }, async (paths) => {
    await input(ana).setInputFiles(paths);
    await isIn(ana, 'uploading');
  });
  await release();
  await isIn(ana, 'lost');
  await ana.page.getByRole('button', { name: 'Choose again' }).waitFor();
});

story('uploads stay with their room while another one is on screen', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.makeRoom('garden');
  await ana.open('lobby');
  const release = await holdRequests(ana.page, ONE_UPLOAD);
  await input(ana).setInputFiles([ofMemory('lobby.txt', bytes(10))]);
  await isIn(ana, 'uploading');
  await ana.open('garden');
  assert.equal(await parcels(ana).count(), 0);
  await release();
  await ana.open('lobby');
  await isIn(ana, 'done');
  await ana.post('here');
  await ana.sees('here');
  await attached(ana).getByText('lobby.txt').waitFor();
});

story('a text that waits for its files is sent although its room has left the screen', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.makeRoom('garden');
  await ana.open('lobby');
  const release = await holdRequests(ana.page, ONE_UPLOAD);
  await input(ana).setInputFiles([ofMemory('lobby.txt', bytes(10))]);
  await isIn(ana, 'uploading');
  await ana.post('for the lobby');
  await ana.page.locator('.tray__sending').waitFor();
  await ana.open('garden');
  await release();
  await eventually(async () => assert.doesNotMatch(await stored(ana), /lobby.txt/));
  await ana.open('lobby');
  await ana.sees('for the lobby');
  assert.equal(await ana.message('for the lobby').count(), 1);
  await attached(ana).getByText('lobby.txt').waitFor();
  assert.equal(await ana.composer.inputValue(), '');
});

story('back in its room, a text goes on waiting for its files', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.makeRoom('garden');
  await ana.open('lobby');
  const release = await holdRequests(ana.page, ONE_UPLOAD);
  await input(ana).setInputFiles([ofMemory('lobby.txt', bytes(10))]);
  await isIn(ana, 'uploading');
  await ana.post('for the lobby');
  await ana.page.locator('.tray__sending').waitFor();
  await ana.open('garden');
  await ana.open('lobby');
  await ana.page.locator('.tray__sending').waitFor();
  assert.equal(await ana.composer.inputValue(), 'for the lobby');
  await release();
  await ana.sees('for the lobby');
  assert.equal(await ana.message('for the lobby').count(), 1);
});

story('two tabs have trays of their own; that of a closed tab is taken over', async ({ newUser }) => {
  const ana = await newUser('ana');
  await input(ana).setInputFiles([ofMemory('one.txt', bytes(10))]);
  await isIn(ana, 'done');
  const other = await ana.newTab();
  await input(other).setInputFiles([ofMemory('two.txt', bytes(20))]);
  await isIn(other, 'done');
  assert.equal(await parcels(ana).count(), 1);
  await other.post('second');
  await other.sees('second');
  assert.deepEqual(await attached(other).locator('.file-name').allTextContents(), ['two.txt']);
  await ana.page.close();
  await other.page.reload();
  await isIn(other, 'done');
  await other.post('first');
  await other.sees('first');
  assert.deepEqual(await attached(other).locator('.file-name').allTextContents(), ['two.txt', 'one.txt']);
});

story('a message with files that was sent offline arrives once, after a reload too', async ({ newUser, patio }) => {
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana');
  await input(ana).setInputFiles([ofMemory('one.txt', bytes(10))]);
  await isIn(ana, 'done');
  await patio.kill();
  await ana.banner.waitFor();
  await ana.post('when you are back');
  const pending = ana.page.locator('.message--pending');
  await pending.getByText('one.txt').waitFor();
  await patio.start();
  await ana.page.reload();
  await ana.sees('when you are back');
  await attached(ana).getByText('one.txt').waitFor();
  const { items } = await patio.api('rooms/1/messages', undefined, tom.token, 'GET');
  assert.deepEqual(
    items.map(({ attachments }) => attachments.map(({ name }) => name)),
    [['one.txt']],
  );
});

story('a thread beside its room has a tray of its own', async ({ newUser, patio }) => {
  const tom = await patio.apiClient('tom');
  const { id } = await tom.post('the shed');
  await patio.api(`messages/${id}/thread`, { body: 'which one?' }, tom.token);
  const ana = await newUser('ana', { viewport: { width: 1_600, height: 900 } });
  await ana.page.locator('a.thread-line').click();
  const thread = ana.page.locator('.main--beside');
  await thread.locator('.composer input[type=file]').setInputFiles([ofMemory('plan.txt', bytes(10))]);
  await isIn(ana, 'done');
  assert.equal(await ana.page.locator('.main:not(.main--beside) .parcel').count(), 0);
  await thread.locator('.composer textarea[name=body]').fill('with a plan');
  await thread.locator('.composer textarea[name=body]').press('Enter');
  await thread.locator('.message .file-name', { hasText: 'plan.txt' }).waitFor();
  assert.equal(await parcels(ana).count(), 0);
});
