// A page restored by the back button is stale: text written in it must still arrive, once.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

async function wentAway(visitor, where) {
  await visitor.post('before');
  await visitor.sees('before');
  await visitor.go(where);
  await visitor.page.goBack();
  await visitor.arrives('/rooms/1');
}

for (const where of ['/nowhere', '/login?next=%2Frooms%2F1', '/rooms/1?before=1']) {
  story(`text written after coming back from ${where} arrives`, async ({ newUser }) => {
    const ana = await newUser('ana');
    const tom = await newUser('tom');
    await wentAway(ana, where);
    await ana.sees('before');
    await ana.post('after');
    await ana.post('before'); // the same text again is a new message
    await tom.sees('after');
    for (const reader of [ana, tom])
      await eventually(async () => assert.deepEqual(await reader.texts(), ['before', 'after', 'before']));
    assert.equal(await ana.page.locator('.message--failed').count(), 0);
  });
}

story('messages of others are there after coming back', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.go('/nowhere');
  await tom.post('meanwhile');
  await tom.sees('meanwhile');
  await ana.page.goBack();
  await ana.sees('meanwhile');
  assert.deepEqual(await ana.texts(), ['meanwhile']);
});

story('without scripts, text written after coming back arrives as well', async ({ newUser }) => {
  const ana = await newUser('ana', { javaScriptEnabled: false });
  const send = async (text) => {
    await ana.composer.fill(text);
    await ana.page.getByRole('button', { name: 'Send' }).click();
  };
  await send('one');
  await eventually(async () => assert.deepEqual(await ana.texts(), ['one']));
  await ana.go('/nowhere');
  await ana.page.goBack();
  await ana.page.goBack();
  await ana.composer.waitFor();
  await send('two');
  await eventually(async () => assert.deepEqual(await ana.texts(), ['one', 'two']));
});

/** Whether the browser restored the page from its back/forward cache. */
async function isKept(visitor, whileAway = () => {}) {
  await visitor.page.evaluate(() =>
    addEventListener('pageshow', ({ persisted }) => {
      globalThis.isKept = persisted;
    }),
  );
  await visitor.go('/nowhere');
  await whileAway();
  await visitor.page.goBack({ waitUntil: 'commit' });
  return visitor.page.evaluate(() => globalThis.isKept === true);
}

// A browser may evict any page, for example for lack of memory. So the test counts only if the browser keeps a page that
// gives it no reason to evict.
async function assertKeepsNone(visitor) {
  await visitor.go('/up');
  assert.equal(await isKept(visitor), false, 'this browser keeps other pages');
}

story('a page from the back/forward cache reconnects', async ({ ownBrowser, newUser, visitor }) => {
  await ownBrowser({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  const posted = ['before'];
  await ana.post('before');
  await ana.sees('before');
  for (let trip = 1, kept = false; trip <= 3 && !kept; trip++) {
    posted.push(`trip ${trip}`);
    kept = await isKept(ana, () => tom.post(`trip ${trip}`));
    await ana.sees(`trip ${trip}`);
    if (!kept && trip === 3) await assertKeepsNone(await visitor());
  }
  await ana.post('after');
  await tom.sees('after');
  for (const reader of [ana, tom])
    await eventually(async () => assert.deepEqual(await reader.texts(), [...posted, 'after']));
});
