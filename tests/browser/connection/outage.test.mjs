// The server is killed and restarted, connections break and return. No message is lost or duplicated.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

// Shorter delays than in production.
const QUICK = { banner: 50, retry: 50 };

async function pace({ context, page }, timing) {
  await context.addInitScript((data) => {
    document.addEventListener('readystatechange', () =>
      Object.assign(document.getElementById('app')?.dataset ?? {}, data),
    );
  }, timing);
  await page.reload();
}

async function two({ newUser }) {
  const users = [await newUser('ana'), await newUser('tom')];
  for (const visitor of users) await pace(visitor, QUICK);
  return users;
}

story('messages written while the server is down arrive once and in order everywhere', async ({ patio, newUser }) => {
  const [ana, tom] = await two({ newUser });
  await ana.post('before');
  await tom.sees('before');

  await patio.kill();
  for (const text of ['one', 'two', 'three']) await ana.post(text);
  await tom.banner.waitFor();
  await eventually(async () =>
    assert.equal(await ana.message('three').locator('.note__text').textContent(), 'Waiting for connection'),
  );
  assert.equal(await ana.page.locator('.message--pending').count(), 3);

  await patio.start();
  const all = ['before', 'one', 'two', 'three'];
  await tom.sees('three');
  await ana.sees('three');
  for (const reader of [ana, tom]) {
    await eventually(async () => assert.deepEqual(await reader.texts(), all));
    assert.deepEqual(await reader.outline(), await (await reader.newTab()).outline());
  }
});

story('two users who write while the server is down see the same messages', async ({ patio, newUser }) => {
  const [ana, tom] = await two({ newUser });
  await ana.post('before');
  await tom.sees('before');
  await patio.kill();
  await ana.post('from Ana');
  await tom.post('from Tom');
  await patio.start();
  await ana.sees('from Tom');
  await tom.sees('from Ana');
  for (const reader of [ana, tom])
    await eventually(async () => assert.equal(await reader.page.locator('.message--pending').count(), 0));
  const outline = await ana.outline();
  assert.equal(outline.filter((row) => row.id).length, 3);
  for (const reader of [tom, await ana.newTab(), await tom.newTab()]) assert.deepEqual(await reader.outline(), outline);
});

story('a banner reports the lost connection; its button reconnects immediately', async ({ patio, newUser }) => {
  const ana = await newUser('ana');
  await pace(ana, { banner: 50, retry: 60_000 }); // without the button it would take many seconds
  await ana.post('hello');
  await ana.sees('hello');
  assert.equal(await ana.banner.isVisible(), false);
  await patio.kill();
  await ana.banner.waitFor();
  assert.match(await ana.banner.textContent(), /Reconnecting\. You can keep writing/);
  await patio.start();
  await ana.banner.getByRole('button', { name: 'Try now' }).click();
  await ana.banner.waitFor({ state: 'hidden', timeout: 5_000 });
});

story('messages and sessions survive a restart', async ({ patio, newUser }) => {
  const ana = await newUser('ana');
  await ana.post('keep this');
  await ana.sees('keep this');
  const before = await ana.outline();
  await patio.kill();
  await patio.start();
  await ana.page.reload();
  assert.deepEqual(await ana.outline(), before);
});

story('pending messages survive a reload of the tab', async ({ patio, newUser }) => {
  const [ana, tom] = await two({ newUser });
  await ana.post('before');
  await tom.sees('before');
  patio.freeze();
  await ana.post('written into the void');
  await ana.message('written into the void').waitFor();
  await patio.kill();
  await patio.start();
  await ana.page.reload();
  await ana.sees('written into the void');
  await tom.sees('written into the void');
  for (const reader of [ana, tom])
    await eventually(async () => assert.deepEqual(await reader.texts(), ['before', 'written into the void']));
});

story('an offline tab catches up when the network returns', async ({ patio, newUser }) => {
  const [ana, tom] = await two({ newUser });
  await tom.post('before');
  await ana.sees('before');
  patio.wasDown = true; // as seen from her page
  await ana.context.setOffline(true);
  await ana.banner.waitFor();
  await ana.post('from the tunnel');
  for (let n = 1; n <= 3; n++) await tom.post(`meanwhile ${n}`);
  await tom.sees('meanwhile 3');
  await ana.context.setOffline(false);
  await ana.sees('meanwhile 3');
  await tom.sees('from the tunnel');
  await ana.sees('from the tunnel');
  for (const reader of [ana, tom])
    await eventually(async () =>
      assert.deepEqual(await reader.texts(), [
        'before',
        'meanwhile 1',
        'meanwhile 2',
        'meanwhile 3',
        'from the tunnel',
      ]),
    );
});
