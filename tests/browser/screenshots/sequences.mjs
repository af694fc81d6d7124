// Screenshots of what happens one after the other, for review: node tests/browser/screenshots/sequences.mjs OUTDIR
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { eventually } from '../support/eventually.mjs';
import { Patio } from '../support/patio.mjs';
import { launch, TestContext } from '../support/test-context.mjs';

const [directory] = process.argv.slice(2);
if (!directory) {
  console.error('usage: node tests/browser/screenshots/sequences.mjs OUTDIR');
  process.exit(2);
}
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const PAGES = ['/settings', '/search', '/people', '/rooms', '/admin', '/rooms/1/settings'];

await mkdir(directory, { recursive: true });
const browser = await launch();

/** Each sequence has its own Patio with two users. `shot` takes the next picture of a visitor. */
async function sequence(name, options, act) {
  const patio = await Patio.open();
  const context = new TestContext(browser, patio);
  let count = 0;
  const shot = async ({ page }, what) => {
    count += 1;
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: path.join(directory, `${name}-${count}-${what}.png`) });
  };
  try {
    const ana = await context.newUser('ana', options);
    const tom = await context.newUser('tom');
    await act({ ana, tom, shot });
  } finally {
    await context.clear();
    await patio.close();
  }
}

const follow = async ({ page }, href) => {
  await page.evaluate((to) => {
    const link = Object.assign(document.createElement('a'), { href: to });
    document.querySelector('.main').append(link);
    link.click();
    link.remove();
  }, href);
  await page.waitForURL((url) => url.pathname === href);
  await page.locator('#app:not([aria-busy])').waitFor();
};

for (const [size, options] of [
  ['wide', { viewport: { width: 1280, height: 860 } }],
  ['phone', { ...PHONE, colorScheme: 'dark', locale: 'es-ES' }],
]) {
  await sequence(`rejected-form-${size}`, options, async ({ ana, shot }) => {
    await follow(ana, '/settings');
    await ana.field('email').fill('ana@new.example');
    await ana.page.locator('form[action="/settings/email"] [name=current_password]').fill('wrong password');
    await shot(ana, 'before');
    await ana.button('/settings/email').click();
    await ana.page.locator('form[action="/settings/email"] [aria-invalid=true]').first().waitFor();
    await shot(ana, 'rejected');
  });

  await sequence(`search-${size}`, options, async ({ ana, tom, shot }) => {
    await tom.post('ripe tomatoes');
    await tom.sees('ripe tomatoes');
    await follow(ana, '/search');
    await ana.page.locator('#q').pressSequentially('tomato');
    await ana.page.locator('.result').first().waitFor();
    await shot(ana, 'results');
    await tom.post('and a message meanwhile');
    await eventually(async () => {
      if (!(await ana.page.title()).startsWith('(')) throw new Error('not there yet');
    });
    await shot(ana, 'message-arrived');
  });

  await sequence(`signed-out-${size}`, options, async ({ ana, shot }) => {
    await follow(ana, '/settings');
    const tab = await ana.newTab('/rooms/1');
    await shot(ana, 'before');
    await tab.page.locator('form[action="/logout"]').evaluate((form) => form.requestSubmit());
    await ana.page.waitForURL('**/login*');
    await shot(ana, 'after');
  });

  await sequence(`pages-${size}`, options, async ({ ana, shot }) => {
    for (const href of PAGES) {
      await follow(ana, href);
      await shot(ana, `forward${href.replaceAll('/', '-')}`);
    }
    for (const href of PAGES.toReversed().slice(1)) {
      await ana.page.goBack();
      await ana.arrives(href);
      await shot(ana, `back${href.replaceAll('/', '-')}`);
    }
    for (const href of PAGES.slice(1)) {
      await ana.page.goForward();
      await ana.arrives(href);
      await shot(ana, `again${href.replaceAll('/', '-')}`);
    }
  });
}
await browser.close();
