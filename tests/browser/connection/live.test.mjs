// Two users at the same time: each receives the messages of the other.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

story('a message appears in the other browser, with name and time', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.post('The long hose is in the shed.');
  await tom.sees('The long hose is in the shed.');

  const [row] = (await tom.outline()).filter((row) => row.id);
  assert.equal(row.by, 'ana');
  assert.match(row.at, /^\d\d:\d\d$/);
  assert.equal(await ana.composer.inputValue(), '');

  await tom.post('Gracias, Ana.');
  for (const reader of [ana, tom]) await reader.sees('Gracias, Ana.');
  assert.deepEqual(await ana.outline(), await tom.outline());
});

story(
  'an own message is shown immediately, pending while the server is busy, and stored once',
  async ({ patio, newUser }) => {
    const ana = await newUser('ana');
    await ana.post('first');
    await ana.sees('first');

    patio.freeze();
    await ana.post('second');
    const row = ana.message('second');
    await row.waitFor();
    assert.match(await row.getAttribute('class'), /message--pending/);
    assert.equal(await row.locator('.note__text').textContent(), 'Sending…');

    patio.thaw();
    await ana.sees('second');
    await eventually(async () => assert.deepEqual(await ana.texts(), ['first', 'second']));
    assert.equal(await ana.page.locator('.message--pending').count(), 0);
  },
);

story('consecutive messages of an author are grouped under one name', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  for (const text of ['one', 'two']) await ana.post(text);
  await tom.sees('two');
  await tom.post('three');
  for (const reader of [ana, tom]) {
    await reader.sees('three');
    const continued = (await reader.outline())
      .filter((row) => row.id)
      .map((row) => row.look.includes('message--continued'));
    assert.deepEqual(continued, [false, true, false]);
  }
});

story('a third tab gets everything, including own messages from another tab', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  const tab = await ana.newTab();
  await ana.post('from the first tab');
  await tab.sees('from the first tab');
  await tom.post('from Tom');
  await tab.sees('from Tom');
  await tab.post('from the second tab');
  for (const reader of [ana, tab, tom]) {
    await reader.sees('from the second tab');
    assert.deepEqual(await reader.texts(), ['from the first tab', 'from Tom', 'from the second tab']);
  }
});

story("signing out in one tab signs out the user's other tabs only", async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  const tab = await ana.newTab();
  await tab.post('hello'); // its live connection is open
  await tom.sees('hello');
  await ana.signOut();
  await tab.arrives('/login');
  await tom.post('still here');
  await tom.sees('still here');
});

story('markup in messages is shown as text', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  const text = '<b>bold</b> <img src=x onerror="document.title=1"> &amp; <script>document.title=2</script>';
  await ana.post(text);
  await tom.sees('bold');
  for (const reader of [ana, tom, await tom.newTab()]) {
    assert.deepEqual(await reader.texts(), [text]);
    assert.equal(await reader.page.locator('.message__body :is(b, img, script)').count(), 0);
    assert.match(await reader.page.title(), /Patio/);
  }
});

story('only web addresses become links', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.post('See https://example.org/seeds?a=1&b=2, not javascript:alert(1).');
  await ana.sees('See');
  const links = await ana.page
    .locator('.message__body a')
    .evaluateAll((all) => all.map(({ href, rel, target, textContent }) => ({ href, rel, target, textContent })));
  const href = 'https://example.org/seeds?a=1&b=2';
  assert.deepEqual(links, [{ href, textContent: href, target: '_blank', rel: 'noopener noreferrer nofollow ugc' }]);
});

story('line breaks and paragraphs are kept', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.composer.fill('one');
  await ana.composer.press('Shift+Enter');
  await ana.composer.pressSequentially('two');
  await ana.composer.press('Shift+Enter');
  await ana.composer.press('Shift+Enter');
  await ana.composer.pressSequentially('three');
  await ana.composer.press('Enter');
  await ana.sees('three');
  assert.equal(await ana.page.locator('.message__body').innerHTML(), '<p>one<br>two</p><p>three</p>');
});

story('an empty message is not sent', async ({ newUser }) => {
  const ana = await newUser('ana');
  for (const nothing of ['', '   ']) {
    await ana.post(nothing);
    await ana.page.getByRole('button', { name: 'Send' }).click();
  }
  await ana.post('something');
  await ana.sees('something');
  assert.deepEqual(await ana.texts(), ['something']);
});

story(
  'a too long message stays in the field, which states the excess; the maximum length is sent',
  async ({ newUser }) => {
    const ana = await newUser('ana');
    const note = ana.page.locator('#composer-error');
    await ana.post(`${'x'.repeat(16_001)}  \n`);
    assert.equal(await note.textContent(), '1 character too long.');
    await ana.composer.press('Enter');
    assert.equal((await ana.composer.inputValue()).trim(), 'x'.repeat(16_001));
    await ana.composer.fill('\u{1f345}'.repeat(16_002)); // each is one character and two UTF-16 code units
    assert.equal(await note.textContent(), '2 characters too long.');
    await ana.composer.fill('short again');
    assert.equal(await note.textContent(), '');
    assert.deepEqual(await ana.texts(), []);

    await ana.post('y'.repeat(16_000));
    await ana.sees('yyy');
  },
);
