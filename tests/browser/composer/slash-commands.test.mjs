// Slash commands in the message field: autocomplete and effects, with and without scripts.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const MODES = [
  ['with scripts', {}],
  ['without scripts', { javaScriptEnabled: false }],
];
// The documented names, and those of the chat programs that Patio replaced.
const SPELLINGS = [
  {
    create: '/create',
    join: '/join',
    lobby: '/lobby',
    rooms: '/rooms',
    users: '/users',
    private: '/private',
    exit: '/exit',
  },
  { create: '#cR', join: '#gR', lobby: '#eR', rooms: '#lR', users: '#show users', private: '#/private', exit: '#exit' },
];

const menu = ({ page }) => page.locator('#command-menu');
const options = ({ page }) => page.locator('#command-menu [role=option]:visible');
const chosen = ({ page }) => page.locator('#command-menu [aria-selected=true]').getAttribute('data-command');
const answers = (visitor, pattern) => eventually(async () => assert.match(await visitor.answer.textContent(), pattern));

async function say(visitor, text) {
  await visitor.composer.fill(text);
  await visitor.page.getByRole('button', { name: 'Send' }).click();
}

story('a slash opens the list of commands, and typing narrows it', async ({ newUser }) => {
  const ana = await newUser('ana');
  const listed = () => options(ana).evaluateAll((all) => all.map((option) => option.dataset.command));
  await ana.composer.pressSequentially('/');
  assert.ok((await listed()).length > 10);
  assert.equal(await ana.composer.getAttribute('aria-controls'), 'command-menu');
  await ana.composer.pressSequentially('l');
  assert.deepEqual(await listed(), ['/lobby', '/leave']);
  await ana.composer.pressSequentially('e');
  assert.deepEqual(await listed(), ['/leave']);
  await ana.composer.pressSequentially('x');
  assert.equal(await menu(ana).isVisible(), false);
  await ana.composer.fill('and/or');
  assert.equal(await menu(ana).isVisible(), false);
  await ana.composer.fill('//');
  assert.equal(await menu(ana).isVisible(), false);
});

story('arrows choose a command, Tab and Enter complete it', async ({ newUser }) => {
  const ana = await newUser('ana');
  const { keyboard } = ana.page;
  await ana.composer.pressSequentially('/l');
  assert.equal(await chosen(ana), '/lobby');
  await keyboard.press('ArrowDown');
  assert.equal(await chosen(ana), '/leave');
  assert.equal(
    await ana.page.evaluate(
      () => document.getElementById(document.activeElement.getAttribute('aria-activedescendant')).dataset.command,
    ),
    '/leave',
  );
  await keyboard.press('ArrowDown');
  assert.equal(await chosen(ana), '/lobby');
  await keyboard.press('ArrowUp');
  await keyboard.press('Tab');
  assert.equal(await ana.composer.inputValue(), '/leave');
  await ana.composer.fill('/cr');
  await keyboard.press('Enter');
  assert.equal(await ana.composer.inputValue(), '/create ');
  assert.equal(await menu(ana).isVisible(), false);
  await keyboard.type('Huerto');
  await keyboard.press('Enter');
  await ana.isIn('Huerto');
});

story('Escape closes the list, and a click selects from it', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.composer.pressSequentially('/');
  await ana.page.keyboard.press('Escape');
  await ana.composer.pressSequentially('ro');
  assert.equal(await menu(ana).isVisible(), false);
  await ana.composer.fill('');
  await ana.composer.pressSequentially('/');
  await menu(ana).locator('[data-command="/join"]').click();
  assert.equal(await ana.composer.inputValue(), '/join ');
  assert.equal(await ana.page.evaluate(() => document.activeElement.id), 'body');
});

story('a reply is announced, shown only to its user until they write, and posts nothing', async ({ newUser }) => {
  const [ana, tom] = [await newUser('ana'), await newUser('tom')];
  await ana.markPage();
  await ana.post('/users');
  await answers(ana, /ana[\s\S]*tom/);
  await eventually(async () => assert.match(await ana.page.locator('#announcer').textContent(), /tom/));
  assert.equal(await ana.composer.inputValue(), '');
  assert.equal(await ana.isSamePage(), true);
  await ana.post('said aloud');
  await tom.sees('said aloud');
  assert.equal(await ana.answer.count(), 0);
  assert.deepEqual(await tom.texts(), ['said aloud']);
  assert.equal(await tom.answer.count(), 0);
});

for (const [mode, how] of MODES) {
  story(`an unknown command is not sent; similar ones are suggested, ${mode}`, async ({ newUser }) => {
    const ana = await newUser('ana', how);
    await say(ana, '/craete Huerto');
    await answers(ana, /no command \/craete; nothing was sent.*\/create/s);
    assert.equal(await ana.composer.inputValue(), '/craete Huerto');
    assert.deepEqual(await ana.texts(), []);
    await say(ana, '//craete');
    await ana.sees('/craete');
    assert.deepEqual(await ana.texts(), ['/craete']);
    await say(ana, '/me waters the beans');
    await ana.sees('waters the beans');
  });

  for (const spelling of SPELLINGS) {
    story(`${Object.values(spelling).join(', ')} work, ${mode}`, async ({ newUser }) => {
      const [ana, tom] = [await newUser('ana', how), await newUser('tom', how)];
      await say(ana, `${spelling.create} Huerto`);
      await ana.isIn('Huerto');
      await say(ana, 'hello, garden');
      await ana.sees('hello, garden');
      await say(ana, spelling.lobby);
      await ana.isIn('lobby');
      await say(ana, spelling.rooms);
      await answers(ana, /lobby[\s\S]*Huerto/);
      await say(ana, spelling.users);
      await answers(ana, /ana[\s\S]*tom/);

      await say(tom, `${spelling.join} Huerto`);
      await tom.isIn('Huerto');
      await tom.sees('hello, garden');
      await say(ana, `${spelling.private} tom between us`);
      await ana.isIn('tom');
      await ana.sees('between us');
      await tom.go('/direct/ana');
      await tom.sees('between us');
      await say(ana, spelling.exit);
      await ana.arrives('/login');
      await ana.go('/rooms/1');
      await ana.arrives('/login?next=%2Frooms%2F1');
    });
  }
}

story('signing out by command deletes drafts', async ({ newUser }) => {
  const ana = await newUser('ana');
  const kept = () => ana.page.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)]);
  await ana.makeRoom('Huerto');
  await ana.composer.fill('not done yet');
  await ana.open('lobby');
  assert.equal((await kept()).length, 1);
  await ana.post('/exit');
  await ana.arrives('/login');
  assert.deepEqual(await kept(), []);
});

for (const [mode, options] of MODES) {
  story(
    `a sentence that starts like a command stays in the field, and a button posts it, ${mode}`,
    async ({ newUser }) => {
      const ana = await newUser('ana', options);
      for (const text of ['/leave me alone, please', '/etc/hosts is the file', '#exit now']) {
        await say(ana, text);
        await answers(ana, /nothing was/);
        assert.equal(await ana.composer.inputValue(), text);
        await ana.page.getByRole('button', { name: 'Post it as text' }).click();
        await eventually(async () =>
          assert.deepEqual(
            (await ana.page.locator('article.message[data-seq] .message__body').allTextContents())
              .map((body) => body.trim())
              .slice(-1),
            [text],
          ),
        );
        await eventually(async () => assert.equal(await ana.composer.inputValue(), ''));
      }
    },
  );
}
