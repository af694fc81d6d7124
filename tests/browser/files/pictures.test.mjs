// How files of a message are shown, and pictures one at a time.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { bytes, eventually, holdRequests, isSameTop, picture, story, topOf } from '../support.mjs';

const COLOURS = [
  [0, 90, 70],
  [200, 90, 40],
  [250, 210, 90],
  [40, 60, 120],
  [120, 40, 90],
  [20, 160, 90],
];
const FILMS = new URL('../../../fuzz/corpus/containers/', import.meta.url);
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const shots = ({ page }) => page.locator('.message .shot');
const dialog = ({ page }) => page.locator('dialog.lightbox');
const count = (visitor) => dialog(visitor).locator('.lightbox__words small').textContent();
const isClosed = (visitor) => dialog(visitor).waitFor({ state: 'hidden' });

/** Tom posts so many pictures; Ana sees them. */
async function gallery({ patio, newUser }, n, options) {
  const tom = await patio.apiClient('tom');
  const files = COLOURS.slice(0, n).map((colour, at) => [
    `p${at + 1}.png`,
    picture(120, 80, colour),
    `Colour ${at + 1}`,
  ]);
  await tom.postFiles('colours', files);
  const ana = await newUser('ana', options);
  await shots(ana).first().waitFor();
  return ana;
}

async function isAt(visitor, n, all) {
  await eventually(async () => assert.equal(await count(visitor), `Picture ${n} of ${all}`));
  const image = dialog(visitor).locator('.lightbox__view img');
  assert.equal(await image.getAttribute('alt'), `Colour ${n}`);
  await eventually(async () => assert.equal(await image.evaluate((it) => it.complete && it.naturalWidth > 0), true));
}

for (const n of [1, 2, 3, 4, 6]) {
  story(
    `${n} pictures are a gallery of ${Math.min(n, 4)}, and take their place before they are loaded`,
    async (test) => {
      const ana = await gallery(test, n);
      assert.equal(await shots(ana).locator('visible=true').count(), Math.min(n, 4));
      const box = await ana.page.locator('.shots').boundingBox();
      if (n === 1) assert.deepEqual([box.width, box.height], [120, 80]);
      assert.equal(await ana.page.locator('.shot__rest').count(), n > 4 ? 1 : 0);
      const release = await holdRequests(ana.page, '**/files/**');
      await Promise.all([ana.page.waitForRequest('**/files/**'), ana.page.reload()]);
      const before = await topOf(ana.page.locator('.shots'));
      assert.deepEqual(await ana.page.locator('.shots').boundingBox(), { ...box, y: before });
      await release();
      const images = ana.page.locator('.shots .shot img');
      await eventually(async () =>
        assert.ok(await images.evaluateAll((all) => all.every((it) => it.complete && it.naturalWidth > 0))),
      );
      isSameTop(await topOf(ana.page.locator('.shots')), before);
    },
  );
}

story('keys lead from picture to picture, and the focus goes back to the last one', async (test) => {
  const ana = await gallery(test, 3);
  await shots(ana).first().focus();
  await ana.page.keyboard.press('Enter');
  await isAt(ana, 1, 3);
  await ana.page.keyboard.press('ArrowRight');
  await isAt(ana, 2, 3);
  assert.match(ana.page.url(), /#m\d+-2$/);
  await ana.page.keyboard.press('End');
  await isAt(ana, 3, 3);
  await ana.page.keyboard.press('ArrowRight');
  await isAt(ana, 3, 3);
  await ana.page.keyboard.press('ArrowLeft');
  await isAt(ana, 2, 3);
  const image = dialog(ana).locator('.lightbox__view img');
  const width = async () => (await image.boundingBox()).width;
  const fits = await width();
  await ana.page.keyboard.press('+');
  assert.ok((await width()) > fits);
  await ana.page.keyboard.press('-');
  assert.equal(await width(), fits);
  await ana.page.keyboard.press('+');
  await ana.page.keyboard.press('+');
  await ana.page.keyboard.press('0');
  assert.equal(await width(), fits);
  await ana.page.keyboard.press('Escape');
  await isClosed(ana);
  assert.equal(
    await shots(ana)
      .nth(1)
      .evaluate((link) => link === document.activeElement),
    true,
  );
  await eventually(async () => assert.equal(new URL(ana.page.url()).hash, ''));
});

story('Back closes the picture, Forward opens it, and the room stays', async (test) => {
  const ana = await gallery(test, 2);
  await ana.markPage();
  await shots(ana).nth(1).click();
  await isAt(ana, 2, 2);
  await ana.page.goBack();
  await isClosed(ana);
  assert.equal(new URL(ana.page.url()).hash, '');
  await ana.page.goForward();
  await isAt(ana, 2, 2);
  await ana.page.getByRole('button', { name: 'Close' }).click();
  await isClosed(ana);
  await ana.post('still here');
  await ana.sees('still here');
  assert.equal(await ana.isSamePage(), true);
});

story('the last tile leads to the pictures that have none', async (test) => {
  const ana = await gallery(test, 6);
  assert.equal(await ana.page.locator('.shot__rest').textContent(), '+2');
  await shots(ana).nth(3).click();
  await isAt(ana, 4, 6);
  await ana.page.keyboard.press('ArrowRight');
  await isAt(ana, 5, 6);
  await dialog(ana).getByRole('link', { name: 'Picture 6' }).click();
  await isAt(ana, 6, 6);
  await ana.page.keyboard.press('Escape');
  await isClosed(ana);
  assert.equal(
    await shots(ana)
      .nth(3)
      .evaluate((link) => link === document.activeElement),
    true,
  );
});

story('a reload shows the picture that the address names', async (test) => {
  const ana = await gallery(test, 2);
  await shots(ana).nth(1).click();
  await isAt(ana, 2, 2);
  await ana.page.reload();
  await isAt(ana, 2, 2);
  await ana.page.keyboard.press('Escape');
  await isClosed(ana);
  assert.equal(new URL(ana.page.url()).pathname, '/rooms/1');
});

story('on a phone, fingers swipe from picture to picture and close the last one', async (test) => {
  const ana = await gallery(test, 3, PHONE);
  await shots(ana).first().tap();
  await isAt(ana, 1, 3);
  const cdp = await ana.context.newCDPSession(ana.page);
  const swipe = async (from, to) => {
    const point = ([x, y]) => ({ x, y });
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [point(from)] });
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [point(to)] });
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  };
  await swipe([300, 400], [80, 410]);
  await isAt(ana, 2, 3);
  await swipe([80, 400], [300, 410]);
  await isAt(ana, 1, 3);
  await swipe([200, 300], [205, 600]);
  await isClosed(ana);
});

story('without scripts, each picture has a page with the same ways', async (test) => {
  const ana = await gallery(test, 3, { javaScriptEnabled: false });
  await shots(ana).nth(1).click();
  await ana.page.waitForURL(/\/messages\/\d+\/files\/2$/);
  assert.equal(await ana.page.getByText('Picture 2 of 3').count(), 1);
  await ana.page.getByRole('link', { name: 'Next picture' }).click();
  await ana.page.waitForURL(/files\/3$/);
  assert.equal(await ana.page.getByRole('link', { name: 'Next picture' }).count(), 0);
  await ana.page.getByRole('img', { name: 'Colour 3' }).waitFor();
  await ana.page.getByRole('link', { name: 'Back to the room' }).click();
  await ana.page.waitForURL(/\/rooms\/1/);
});

story('other files are cards, whose long names keep their end', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const long = `${'cuentas-de-la-comunidad-'.repeat(8)}final.xlsx`;
  await tom.postFiles('', [
    [long, bytes(412_000)],
    ['حساب الحديقة.pdf', bytes(10)],
  ]);
  const ana = await newUser('ana', PHONE);
  const card = ana.page.locator('.file').first();
  await card.getByText('402 KB').waitFor();
  const end = card.locator('.file-name > :last-child');
  assert.equal(await end.textContent(), 'inal.xlsx');
  const [outer, inner] = [await card.boundingBox(), await end.boundingBox()];
  assert.ok(inner.x + inner.width <= outer.x + outer.width);
  const [download] = await Promise.all([
    ana.page.waitForEvent('download'),
    ana.page.getByRole('link', { name: `Download ${long}` }).click(),
  ]);
  assert.equal(download.suggestedFilename(), long);
});

story('a large picture is shown in its shape, on a phone as wide as its place', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  await tom.postFiles('wide', [['wide.png', picture(1_600, 800)]]);
  await tom.postFiles('tall', [['tall.png', picture(300, 1_200)]]);
  const ana = await newUser('ana');
  const size = async (text) => {
    const { width, height } = await ana.message(text).locator('.shots').boundingBox();
    return [Math.round(width), Math.round(height)];
  };
  assert.deepEqual(await size('wide'), [432, 216]);
  assert.deepEqual(await size('tall'), [88, 352]);
  await ana.page.setViewportSize({ width: 320, height: 800 });
  const [width, height] = await size('wide');
  assert.ok(width < 320 && Math.abs(width - 2 * height) <= 1, `${width} × ${height}`);
});

story('film and sound play where they stand, and nothing is loaded of a sound before', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const film = await readFile(new URL('film.webm', FILMS));
  const silence = Buffer.alloc(44 + 16_000);
  silence.write('RIFF', 0);
  silence.writeUInt32LE(36 + 16_000, 4);
  silence.write('WAVEfmt ', 8);
  silence.writeUInt32LE(16, 16);
  silence.set([1, 0, 1, 0], 20); // samples of one channel
  silence.writeUInt32LE(8_000, 24);
  silence.writeUInt32LE(16_000, 28);
  silence.set([2, 0, 16, 0], 32);
  silence.write('data', 36);
  silence.writeUInt32LE(16_000, 40);
  await tom.postFiles('look and listen', [
    ['film.webm', film],
    ['sound.wav', silence],
  ]);
  const ana = await newUser('ana');
  const requested = [];
  ana.page.on('request', (request) => requested.push(request.url()));
  const sound = ana.page.locator('.sound audio');
  await ana.page.reload();
  await sound.waitFor();
  assert.equal(await ana.page.locator('.film video').getAttribute('aria-label'), 'film.webm');
  assert.equal(requested.filter((url) => url.includes('sound.wav')).length, 0);
  await sound.evaluate((audio) => audio.play());
  await eventually(async () => assert.ok((await sound.evaluate((audio) => audio.currentTime)) > 0));
  // A change of its message does not stop it.
  await tom.react(await ana.page.locator('.message[data-seq]').getAttribute('data-id'), '👍');
  await ana.page.locator('.reaction').waitFor();
  assert.equal(await sound.evaluate((audio) => audio.paused && !audio.ended), false);
});

story('a message of others with files only is announced', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana');
  await ana.post('ready');
  await ana.sees('ready');
  await tom.postFiles('', [['plan.pdf', bytes(10)]]);
  await ana.page.locator('.file').waitFor();
  await eventually(async () => assert.equal(await ana.page.locator('#announcer').textContent(), 'tom: 1 file'));
});
