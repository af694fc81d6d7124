// English and Spanish: which language a page uses, and that it uses no other.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { eventually, story } from '../support.mjs';

const LOCALES = path.resolve(import.meta.dirname, '../../../locales');
const catalogue = (language) =>
  readdirSync(path.join(LOCALES, language))
    .map((file) => readFileSync(path.join(LOCALES, language, file), 'utf8'))
    .join('\n');
const KEYS = [...catalogue('en').matchAll(/^([a-z]+(?:-[a-z0-9]+)+) =/gm)].map(([, key]) => key);

const SPANISH = { locale: 'es-ES' };
// Texts that are the same in both languages: names and symbols.
const COMMANDS = readFileSync(path.resolve(LOCALES, '../src/chat/commands.rs'), 'utf8').matchAll(
  /^ {4}\("(\/[a-z]+)",/gm,
);
const SHARED = [
  ...Array.from(COMMANDS, ([, name]) => name),
  'Patio',
  'lobby',
  'lobby · Patio',
  'tom · Patio',
  'AN',
  'TO',
  'English',
  'Español',
  'ana',
  'tom',
  '@ana',
  '@tom',
  'Enter',
  'Ctrl K',
  'ALT',
];

/** Every text of a page, including accessible labels and placeholders. */
const sentences = (visitor) =>
  visitor.page.evaluate(() => {
    const found = [document.title];
    for (const element of document.querySelectorAll('body, body *, template')) {
      for (const name of ['aria-label', 'placeholder', 'title', 'data-one', 'data-other', 'data-many', 'data-offline'])
        found.push(element.getAttribute(name) ?? '');
      for (const node of (element.content ?? element).childNodes)
        if (node.nodeType === Node.TEXT_NODE) found.push(node.data);
    }
    for (const element of document.querySelectorAll('template'))
      for (const part of element.content.querySelectorAll('*'))
        found.push(...[...part.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data));
    return [
      ...new Set(
        found.map((text) => text.trim()).filter((text) => text !== navigator.userAgent && /\p{L}{2}/u.test(text)),
      ),
    ];
  });

const lang = (visitor) => visitor.page.locator('html').getAttribute('lang');

story("the page uses the browser's language", async ({ visitor }) => {
  for (const [locale, language, heading] of [
    ['es-MX', 'es', 'Pasa, adelante'],
    ['en-GB', 'en', 'Come on in'],
    ['de-DE', 'en', 'Come on in'],
  ]) {
    const reader = await visitor({ locale });
    await reader.go('/register');
    assert.equal(await lang(reader), language, locale);
    assert.equal(await reader.page.locator('h1').textContent(), heading, locale);
  }
});

story('a chosen language stays, and can be changed back', async ({ visitor }) => {
  const ana = await visitor();
  await ana.go('/register?lang=es');
  assert.equal(await lang(ana), 'es');
  await ana.register('ana');
  await ana.arrives('/rooms/1');
  assert.equal(await lang(ana), 'es');

  await ana.openMenu();
  await ana.page.getByRole('link', { name: 'English' }).click();
  await ana.page.locator('html[lang=en]').waitFor();
  await ana.go('/rooms/1');
  assert.equal(await lang(ana), 'en');
  await ana.go('/rooms/1?lang=tlh'); // an unsupported language changes nothing
  assert.equal(await lang(ana), 'en');
});

story("field errors, times, days and counts are in the reader's language", async ({ newUser, visitor }) => {
  const tom = await newUser('tom');
  await tom.post('hello');
  await tom.sees('hello');
  const ana = await visitor(SPANISH);
  await ana.go('/register');
  const answered = ana.page.waitForEvent('load');
  await ana.register('TOM');
  await answered; // the field may have shown its error before the form was sent
  await eventually(async () =>
    assert.equal(await ana.descriptionOf('name'), 'Este nombre, o uno que se le parece, ya está en uso.'),
  );
  await ana.register('ana');
  await ana.arrives('/rooms/1');
  assert.equal(await ana.page.locator('.day-divider').textContent(), 'Hoy');
  assert.equal(await tom.page.locator('.day-divider').textContent(), 'Today');
  assert.equal(await ana.page.locator('.people-button').getAttribute('aria-label'), '2 personas');
  await tom.post('live, too');
  await ana.sees('live, too');
  assert.deepEqual(await ana.texts(), ['hello', 'live, too']);
});

story('no page shows a text key or a text of the other language', async ({ patio, newUser, visitor }) => {
  await patio.apiClient('tom');
  const pages = [
    '/rooms/1',
    '/rooms/1?before=1',
    '/rooms',
    '/rooms/1/settings',
    '/settings',
    '/direct/tom',
    '/people',
    '/people?q=x',
    '/nowhere',
    '/login',
    '/register',
  ];
  const collected = {};
  for (const locale of ['en-GB', 'es-ES']) {
    const ana = locale === 'en-GB' ? await newUser('ana', { locale }) : await visitor({ locale });
    if (locale !== 'en-GB') {
      await ana.go('/login');
      await ana.signIn('ana');
      await ana.arrives('/rooms/1');
    }
    collected[locale] = [];
    for (const where of pages) {
      if (where === '/login') await ana.context.clearCookies({ name: /session/ });
      await ana.go(where);
      collected[locale].push(...(await sentences(ana)));
    }
    for (const text of collected[locale]) {
      assert.doesNotMatch(text, /Unknown localization/);
      assert.ok(!KEYS.includes(text), text);
    }
  }
  const both = new Set(collected['en-GB'].filter((text) => collected['es-ES'].includes(text)));
  assert.deepEqual(
    [...both].filter((text) => !SHARED.includes(text)),
    [],
  );
});
