// Screenshots of every page, for review: node tests/browser/screenshots/all.mjs OUTDIR
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Patio } from '../support/patio.mjs';
import { launch, TestContext } from '../support/test-context.mjs';

const [directory] = process.argv.slice(2);
if (!directory) {
  console.error('usage: node tests/browser/screenshots/all.mjs OUTDIR');
  process.exit(2);
}

const TALK = [
  [
    'lucia',
    '¡Buenos días! Ya están abiertas las compuertas del riego.\nEl bancal norte va primero, que ayer se quedó seco.',
  ],
  ['tom', 'Morning! I mended the shed door, so it closes without a kick now.'],
  ['tom', 'The spare key hangs behind the blue watering can.'],
  ['mei', "Thank you, Tom. I'll bring the tomato seedlings around ten: twelve cherry, eight oxheart."],
  ['amina', 'Does anybody have jute twine left? The beans have found the fence and are not stopping.'],
  [
    'diego',
    'Tengo un rollo entero. Lo dejo en el banco a las once.\n\nTambién sobran tres sacos de compost; quien quiera, que se sirva.',
  ],
  ['amina', 'You are a hero, Diego.'],
  ['lucia', 'Calendario de siembra para el otoño, por si alguien lo busca: https://huerto.example/calendario/otono'],
  ['mei', 'Found it last year in three different languages. This is the only one that agrees with my courgettes.'],
  ['ana', 'I can take the Saturday watering, both rounds.'],
  [
    'tom',
    'Then I\'ll take Sunday. Forecast says 31 °C and a dry wind, so the lettuces need their little roof again. The cloth is in the second drawer, the pegs are in the jar that says "sugar".',
  ],
  ['lucia', 'Perfecto. Luego, a la sombra: hay agua de jamaica para todo el mundo.'],
  ['diego', '¿A qué hora?'],
  ['lucia', 'Cuando se acabe el trabajo. O sea, a las doce, haya acabado o no.'],
];
const USERS = ['ana', 'lucia', 'tom', 'mei', 'amina', 'diego', 'noor'];
const WIDTHS = [390, 768, 1280, 1600];
const screen = (width) => ({
  viewport: { width, height: width < 600 ? 844 : 860 },
  isMobile: width < 600,
  hasTouch: width < 600,
});

await mkdir(directory, { recursive: true });
const browser = await launch();
const patio = await Patio.open();
const context = new TestContext(browser, patio);

async function shoot({ page }, name) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate(() =>
      Promise.all([document.fonts.ready, ...document.getAnimations().map(({ finished }) => finished)]),
    );
    await page.screenshot({ path: path.join(directory, `${name}-${colorScheme}.png`) });
  }
}

/** Ana in a browser with a screen of this width. */
async function ana(width, options) {
  const visitor = await context.visitor({ ...screen(width), ...options });
  await visitor.go('/login');
  await visitor.signIn('ana');
  await visitor.arrives('/rooms/1');
  return visitor;
}

async function theEmptyHouse() {
  const first = await context.visitor(screen(1280));
  await first.go('/register');
  await shoot(first, 'register-first-1280');
}

async function theWayIn() {
  for (const width of [390, 1280]) {
    const guest = await context.visitor(screen(width));
    await guest.go('/login');
    await shoot(guest, `login-${width}`);
    await guest.go('/login?lang=es');
    await shoot(guest, `login-${width}-es`);
    await guest.go('/register?lang=en');
    await guest.register('Tom', { password: 'password1', password_confirmation: 'password2' });
    await guest.page.locator('[aria-invalid]').first().waitFor();
    await shoot(guest, `register-errors-${width}`);
    await guest.go('/nowhere');
    await shoot(guest, `nowhere-${width}`);
  }
}

async function theRoom() {
  for (const width of WIDTHS) await shoot(await ana(width), `room-${width}`);
  for (const width of [390, 1280]) await shoot(await ana(width, { locale: 'es-ES' }), `room-${width}-es`);
  await shoot(await ana(1280, { javaScriptEnabled: false }), 'room-1280-plain');
  for (const width of [390, 1280]) {
    const reader = await ana(width);
    await reader.page.locator('#start').scrollIntoViewIfNeeded();
    await shoot(reader, `room-${width}-start`);
  }
}

async function whatOpens() {
  const phone = await ana(390);
  await phone.page.getByRole('button', { name: 'Open the list of rooms' }).click();
  await shoot(phone, 'rooms-390');
  await phone.openMenu();
  await shoot(phone, 'menu-390');
  await phone.page.reload();
  await phone.page.locator('.people-button').click();
  await shoot(phone, 'people-390');

  const desktop = await ana(1280);
  await desktop.openMenu();
  await shoot(desktop, 'menu-1280');
  await desktop.page.reload();
  await desktop.page.locator('.people-button').click();
  await shoot(desktop, 'people-1280');
}

async function whatWaits() {
  const [phone, desktop] = [await ana(390), await ana(1280)];
  for (const { page } of [phone, desktop])
    await page.evaluate(() => document.getElementById('body').removeAttribute('maxlength'));
  await desktop.post('x '.repeat(9_000));
  await desktop.page.locator('.message--failed').waitFor();
  await desktop.page.locator('.message--failed .message__body').evaluate((body) => {
    body.textContent = 'The whole seed catalogue, from A to Z';
  });
  await patio.kill();
  for (const visitor of [phone, desktop]) {
    await visitor.composer.fill('Claro, la llevo. ¿A qué hora quedamos?');
    await visitor.page.getByRole('button', { name: 'Send' }).click();
    await visitor.banner.waitFor();
  }
  await shoot(phone, 'waiting-390');
  await shoot(desktop, 'waiting-1280');
}

try {
  await theEmptyHouse();
  const users = {};
  for (const name of USERS) users[name] = await patio.apiClient(name);
  for (const width of [390, 1280]) await shoot(await ana(width), `empty-${width}`);
  await theWayIn();
  for (const [who, text] of TALK) await users[who].post(text);
  await theRoom();
  await whatOpens();
  await whatWaits();
} finally {
  await context.clear();
  await patio.close();
  await browser.close();
}
