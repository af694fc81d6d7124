// Links to messages: a quote below the message for those who may read what the link leads to, live and after a reload.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const quotes = ({ page }) => page.locator('#messages .message:not(.message--pending) .quote--linked .quote__text');

async function quotesAre(visitor, expected) {
  await eventually(async () => assert.deepEqual(await quotes(visitor).allInnerTexts(), expected));
}

story('a link to a message shows what that says, to those who may read it', async ({ newUser, tolerate }) => {
  tolerate(/404/); // what may not be read
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.post('Who brings the hose?');
  await tom.sees('Who brings the hose?');
  const id = await ana.message('Who brings').getAttribute('data-id');
  const { origin } = new URL(ana.page.url());
  await ana.post(`see ${origin}/messages/${id}/context`);
  await tom.sees('see http');
  for (const reader of [ana, tom]) await quotesAre(reader, ['Who brings the hose?']);
  await tom.page.reload();
  await quotesAre(tom, ['Who brings the hose?']);
  // An unknown message is as one that may not be read.
  await ana.post(`and ${origin}/messages/${Number(id) + 1_000}/context`);
  await tom.sees('and http');
  await quotesAre(tom, ['Who brings the hose?']);
});
