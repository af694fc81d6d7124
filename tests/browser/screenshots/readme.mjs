// The screenshots of the demo in the README: node tests/browser/screenshots/readme.mjs [OUTDIR]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { launch } from '../support/test-context.mjs';
import { Visitor } from '../support/visitor.mjs';

const [directory = 'docs'] = process.argv.slice(2);
const PASSWORD = 'limonero-en-el-patio';
// The clock in the screenshots is always about 19:00.
const ahead = 19 - new Date().getUTCHours();
const timezoneId = `Etc/GMT${ahead > 12 ? `+${24 - ahead}` : `-${ahead}`.replace('--', '+')}`;
const SCREEN = { viewport: { width: 1280, height: 860 }, locale: 'en-GB', timezoneId, reducedMotion: 'reduce' };

const demo = spawn(path.resolve(process.env.PATIO_BIN ?? 'target/debug/patio'), ['demo'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const browser = await launch();
try {
  const page = await (await browser.newContext(SCREEN)).newPage();
  const luis = new Visitor({ origin: await origin() }, page.context(), page);
  await luis.go('/login');
  await luis.signIn('luis', PASSWORD);
  await luis.arrives('/rooms/1');
  // Wait until the demo users have written something.
  await luis.sees('Just checked');
  for (const [colorScheme, name] of [
    ['light', 'room'],
    ['dark', 'room-dark'],
  ]) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: path.join(directory, `${name}.png`) });
  }
} finally {
  await browser.close();
  demo.kill('SIGTERM');
  await once(demo, 'exit');
}

async function origin() {
  for await (const line of createInterface(demo.stdout)) {
    const [found] = line.match(/http:\S+/) ?? [];
    if (found) return found;
  }
  throw new Error('the demo did not open');
}
