// Screenshots of every view of the demo in three widths, both color schemes and both languages, for review:
// node tests/browser/screenshots/demo.mjs OUTDIR
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { launch } from '../support/test-context.mjs';
import { Visitor } from '../support/visitor.mjs';

const [directory] = process.argv.slice(2);
if (!directory) {
  console.error('usage: node tests/browser/screenshots/demo.mjs OUTDIR');
  process.exit(2);
}
const PASSWORD = 'limonero-en-el-patio';
const SCREENS = [
  [390, 'dark', 'es-ES'],
  [390, 'light', 'en-GB'],
  [768, 'light', 'es-ES'],
  [1280, 'dark', 'en-GB'],
  [1280, 'light', 'es-ES'],
  [1600, 'light', 'en-GB'],
];

await mkdir(directory, { recursive: true });
const demo = spawn(path.resolve(process.env.PATIO_BIN ?? 'target/debug/patio'), ['demo'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const address = await origin();
const browser = await launch();
try {
  for (const screen of SCREENS) await everything(...screen);
} finally {
  await browser.close();
  demo.kill('SIGTERM');
  await once(demo, 'exit');
}

async function everything(width, colorScheme, locale) {
  const phone = width < 600;
  const context = await browser.newContext({
    viewport: { width, height: phone ? 844 : 860 },
    isMobile: phone,
    hasTouch: phone,
    colorScheme,
    locale,
    timezoneId: 'Europe/Madrid',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const carlos = new Visitor({ origin: address }, context, page);
  const shoot = async (name) => {
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: path.join(directory, `${name}-${width}-${colorScheme}.png`) });
  };
  const view = async (name, where) => {
    await carlos.go(where);
    await shoot(name);
  };
  await view('register', '/register');
  await view('login', '/login');
  await carlos.signIn('carlos', PASSWORD);
  await page.locator('.message').first().waitFor();
  await view('lobby', '/rooms/1');
  await page.locator('.message').last().hover();
  await shoot('lobby-bar');
  const message = await page.locator('.message').last().getAttribute('data-id');
  await page.keyboard.press('Control+k');
  await page.locator('dialog[open] [role=option]').first().waitFor();
  await shoot('switcher');
  await page.keyboard.press('Escape');
  const users = page.locator('.people-button').first();
  if (await users.isVisible()) {
    await users.click();
    await shoot('people-panel');
  } // a wide screen shows them beside the log
  await view('message', `/messages/${message}`);
  await view('everybody', '/people');
  await view('everybody-none', '/people?q=zzzz');
  await view('rooms', '/rooms');
  await view('room-settings', '/rooms/2/settings');
  await view('settings', '/settings');
  await view('admin', '/admin');
  await view('not-found', '/rooms/99999');
  await carlos.go('/');
  const direct = page.locator('#direct .room').first();
  if (!phone) {
    await direct.click();
    await page.locator('.message').first().waitFor();
    await shoot('direct');
  }
  await context.close();
}

async function origin() {
  for await (const line of createInterface(demo.stdout)) {
    const [found] = line.match(/http:\S+/) ?? [];
    if (found) return found;
  }
  throw new Error('the demo did not say where it is');
}
