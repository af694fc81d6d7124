// Files come into the tray by button, key, drop and paste, and go with the text in the order shown.
import assert from 'node:assert/strict';
import { bytes, eventually, holdRequests, picture, story, withFiles } from '../support.mjs';

const parcels = ({ page }) => page.locator('.parcel');
const names = (visitor) => parcels(visitor).locator('.file-name').allTextContents();
const attached = ({ page }) => page.locator('.message[data-seq] .attachments');
const state = (visitor, n = 0) => parcels(visitor).nth(n).getAttribute('data-state');
const areReady = (visitor, n) =>
  eventually(async () => assert.equal(await visitor.page.locator('.parcel[data-state=done]').count(), n));
const ofMemory = (name, buffer, mimeType = 'application/octet-stream') => ({ name, buffer, mimeType });

/** Chooses files in the dialog that an action opens. */
async function choose(visitor, act, files) {
  const [dialog] = await Promise.all([visitor.page.waitForEvent('filechooser'), act()]);
  await dialog.setFiles(files);
}

/** Dispatches an event with files, as a browser does for a drop and a paste. */
const give = (visitor, selector, type, files) =>
  visitor.page.locator(selector).evaluate(
    (element, { type, files }) => {
      const data = new DataTransfer();
      for (const { name, base64, mimeType } of files) {
        const content = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        data.items.add(new File([content], name, { type: mimeType }));
      }
      const init = { bubbles: true, cancelable: true };
      const event = type === 'paste' ? new ClipboardEvent(type, { ...init, clipboardData: data }) : null;
      element.dispatchEvent(event ?? new DragEvent(type, { ...init, dataTransfer: data }));
    },
    { type, files: files.map(({ buffer, ...file }) => ({ ...file, base64: buffer.toString('base64') })) },
  );

/** Drags files of the disk. */
async function dragging({ context, page }, files) {
  const cdp = await context.newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  return (type, x, y) => cdp.send('Input.dispatchDragEvent', { type, x, y, data });
}

story('files chosen with the button go with the text, in their order', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana');
  const open = ana.page.getByRole('button', { name: 'Attach files' });
  await withFiles({ 'one.txt': 'first', 'two.txt': 'second' }, async (paths) => {
    await choose(ana, () => open.click(), paths);
    await areReady(ana, 2);
  });
  await ana.post('both of them');
  await ana.sees('both of them');
  await attached(ana).waitFor();
  assert.equal(await parcels(ana).count(), 0);
  const { items } = await patio.api('rooms/1/messages', undefined, tom.token, 'GET');
  assert.deepEqual(
    items.map(({ body, attachments }) => [body, attachments.map(({ name }) => name)]),
    [['both of them', ['one.txt', 'two.txt']]],
  );
});

story('a key opens the same dialog, and a file needs no text', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.composer.focus();
  await choose(ana, () => ana.composer.press('Control+u'), ofMemory('plan.pdf', bytes(2_000)));
  await areReady(ana, 1);
  await ana.composer.press('Enter');
  await attached(ana).getByText('plan.pdf').waitFor();
  assert.deepEqual(await ana.texts(), ['']);
});

story('files dragged over the room show one wash and are dropped anywhere on it', async ({ newUser }) => {
  const ana = await newUser('ana');
  const wash = ana.page.locator('#drop');
  await withFiles({ 'patio.png': picture(40, 30) }, async (files) => {
    const drag = await dragging(ana, files);
    await drag('dragEnter', 700, 300);
    await drag('dragOver', 700, 300);
    await wash.waitFor();
    await drag('dragOver', 60, 300); // the sidebar
    await wash.waitFor({ state: 'hidden' });
    await drag('drop', 60, 300);
    await drag('dragEnter', 700, 300);
    await drag('dragOver', 700, 300);
    await drag('drop', 700, 300);
    await areReady(ana, 1);
  });
  assert.equal(await wash.isVisible(), false);
  assert.deepEqual(await names(ana), ['patio.png']);
  assert.equal(await parcels(ana).locator('canvas').isVisible(), true);
});

story('a text that is dragged over the room is none of its business', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.log.evaluate((log) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.setData('text/plain', 'words');
    log.dispatchEvent(new DragEvent('dragover', { bubbles: true, cancelable: true, dataTransfer }));
  });
  assert.equal(await ana.page.locator('#drop').isVisible(), false);
});

story('a pasted picture asks for its words, which readers get', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana');
  await ana.composer.fill('look');
  await give(ana, '#body', 'paste', [ofMemory('image.png', picture(40, 30), 'image/png')]);
  const field = ana.page.getByLabel('Describe the picture');
  await field.fill('A green square.');
  await field.press('Enter');
  await areReady(ana, 1);
  assert.equal(await ana.composer.evaluate((body) => body === document.activeElement), true);
  await ana.composer.press('Enter');
  await ana.page.getByRole('img', { name: 'A green square.' }).waitFor();
  const { items } = await patio.api('rooms/1/messages', undefined, tom.token, 'GET');
  assert.equal(items[0].attachments[0].alt, 'A green square.');
});

story('a text of an office program is pasted as text', async ({ newUser }) => {
  const ana = await newUser('ana');
  const isPrevented = await ana.composer.evaluate((field) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', 'words');
    clipboardData.setData('text/html', '<b>words</b>');
    clipboardData.items.add(new File(['x'], 'words.png', { type: 'image/png' }));
    return !field.dispatchEvent(new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData }));
  });
  assert.equal(isPrevented, false);
  assert.equal(await parcels(ana).count(), 0);
});

story(
  'what is too large or too many is refused before it is sent, with what is allowed',
  { MAX_UPLOAD: '1K' },
  async ({ newUser }) => {
    const ana = await newUser('ana');
    const uploads = [];
    ana.page.on('request', (request) => request.url().endsWith('/uploads') && uploads.push(request));
    const input = ana.page.locator('.composer input[type=file]');
    await input.setInputFiles([ofMemory('large.bin', bytes(1_025))]);
    await ana.page.getByText('large.bin is too large: a file can have at most 1 KB.').waitFor();
    assert.equal(uploads.length, 0);
    await input.setInputFiles(Array.from({ length: 11 }, (_, n) => ofMemory(`${n}.txt`, bytes(n + 1))));
    await ana.page.getByText('10.txt was left out: a message can have at most 10 files.').waitFor();
    await areReady(ana, 10);
    assert.equal(uploads.length, 10);
  },
);

story('removing files moves the focus on, and at the end back to the text', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.page
    .locator('.composer input[type=file]')
    .setInputFiles([ofMemory('one.txt', bytes(10)), ofMemory('two.txt', bytes(20))]);
  await areReady(ana, 2);
  const remove = (name) => ana.page.getByRole('button', { name: `Remove ${name}` });
  await remove('one.txt').press('Enter');
  assert.equal(await remove('two.txt').evaluate((button) => button === document.activeElement), true);
  await remove('two.txt').press('Enter');
  assert.equal(await ana.composer.evaluate((field) => field === document.activeElement), true);
  assert.equal(await ana.page.locator('.tray').isVisible(), false);
});

story('a name with markup is a name', async ({ newUser }) => {
  const ana = await newUser('ana');
  const name = '<script>alert(1)<x>"&.txt';
  await ana.page.locator('.composer input[type=file]').setInputFiles([ofMemory(name, bytes(10))]);
  await areReady(ana, 1);
  assert.deepEqual(await names(ana), [name]);
  await ana.post('harmless');
  await ana.sees('harmless');
  await attached(ana).getByText('<script>alert(1)').waitFor();
  assert.equal(await ana.page.locator('.message script').count(), 0);
});

story('screen readers are informed of start, end and failure', async ({ newUser, tolerate }) => {
  const ana = await newUser('ana');
  tolerate(/422/);
  const said = await ana.page.locator('#announcer').evaluateHandle((region) => {
    const texts = [];
    new MutationObserver(() => region.textContent && texts.push(region.textContent)).observe(region, {
      childList: true,
    });
    return texts;
  });
  const release = await holdRequests(ana.page, /\/uploads\/[^/]+$/);
  await ana.page.locator('.composer input[type=file]').setInputFiles([ofMemory('one.txt', bytes(10))]);
  await eventually(async () => assert.deepEqual(await said.jsonValue(), ['1 file is on its way.']));
  await release();
  await eventually(async () => assert.equal((await said.jsonValue()).at(-1), '1 file is ready.'));
  const refusal = { status: 422, contentType: 'application/problem+json', body: '{"detail":"Refused."}' };
  await ana.page.route('**/uploads', (route) => route.fulfill(refusal));
  await ana.page.locator('.composer input[type=file]').setInputFiles([ofMemory('two.txt', bytes(10))]);
  await eventually(async () => assert.equal((await said.jsonValue()).at(-1), 'two.txt: Refused.'));
  assert.equal(await state(ana, 1), 'failed');
});

story('a command takes no files, which stay for the next message', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.page.locator('.composer input[type=file]').setInputFiles([ofMemory('one.txt', bytes(10))]);
  await areReady(ana, 1);
  await ana.post('/topic Watering');
  await ana.page.getByText('The topic is set.').waitFor();
  assert.deepEqual(await names(ana), ['one.txt']);
});

story('the first message of a direct message has its files', async ({ patio, newUser }) => {
  await patio.apiClient('tom');
  const ana = await newUser('ana');
  await ana.go('/direct/tom');
  await ana.page.locator('.composer input[type=file]').setInputFiles([ofMemory('one.txt', bytes(10))]);
  await areReady(ana, 1);
  await ana.post('for you');
  await ana.sees('for you');
  await attached(ana).getByText('one.txt').waitFor();
  assert.equal(await parcels(ana).count(), 0);
});

story('the tray and what it says are Spanish for Spanish readers', async ({ newUser }) => {
  const ana = await newUser('ana', { locale: 'es-ES' });
  await ana.page.locator('.composer input[type=file]').setInputFiles([ofMemory('plano.pdf', bytes(2_000))]);
  await ana.page.getByText('1,9 KB · listo').waitFor();
  await ana.page.getByRole('button', { name: 'Quitar plano.pdf' }).waitFor();
});

/** A film of a canvas that changes its colour, as this browser records it. */
const record = ({ page }) =>
  page.evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 120 });
    const context = canvas.getContext('2d');
    const recorder = new MediaRecorder(canvas.captureStream(), { mimeType: 'video/webm' });
    const parts = [];
    recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
    const stopped = new Promise((resolve) => recorder.addEventListener('stop', resolve));
    recorder.start();
    for (let frame = 0; frame < 30; frame++) {
      context.fillStyle = `hsl(${frame * 12} 80% 50%)`;
      context.fillRect(0, 0, 160, 120);
      await new Promise(requestAnimationFrame);
    }
    recorder.stop();
    await stopped;
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  });

story('a film that is dropped has a picture of its own', async ({ newUser }) => {
  const ana = await newUser('ana');
  await withFiles({ 'film.webm': Buffer.from(await record(ana), 'base64') }, async (files) => {
    const drag = await dragging(ana, files);
    for (const type of ['dragEnter', 'dragOver', 'drop']) await drag(type, 700, 300);
    await areReady(ana, 1);
  });
  await ana.post('a film');
  await ana.sees('a film');
  const poster = await attached(ana).locator('video').getAttribute('poster');
  const answer = await ana.context.request.get(new URL(poster, ana.page.url()).href);
  assert.equal(answer.status(), 200);
  assert.match(answer.headers()['content-type'], /^image\//);
  assert.deepEqual(
    await ana.page.evaluate(async (address) => {
      const image = Object.assign(new Image(), { src: address });
      await image.decode();
      return [image.naturalWidth, image.naturalHeight];
    }, poster),
    [160, 120],
  );
});
