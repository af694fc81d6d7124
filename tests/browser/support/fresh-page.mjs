// Compares the message log of a page with that of a freshly loaded page.
import assert from 'node:assert/strict';
import { eventually } from './eventually.mjs';

/** The last `n` messages with their day dividers. The look of the first depends on its predecessor, so it is ignored. */
function tail(outline, n) {
  const messages = outline.filter((row) => row.id);
  const from = outline.indexOf(messages.at(-n));
  const rows = outline.slice(Math.max(from, 0));
  return rows.map((row, at) =>
    at === 0 && row.look ? { ...row, look: row.look.filter((name) => name !== 'message--continued') } : row,
  );
}

const count = (outline) => outline.filter((row) => row.id).length;

/** The current rows, followed by earlier rows that the page has removed since. */
function merge(current, earlier) {
  const last = earlier.findIndex(({ id }) => id && id === current.at(-1)?.id);
  return last < 0 ? current : [...current, ...earlier.slice(last + 1)];
}

/** Asserts that no message is missing, duplicated, out of order or out of date, for all messages in the log. */
export async function matchesFreshPage(visitor) {
  const fresh = await visitor.newTab(new URL(visitor.page.url()).pathname);
  let seen = await fresh.outline();
  const look = async () => merge(await fresh.outline(), seen);
  while (count(seen) < count(await visitor.outline())) {
    const earlier = count(seen);
    await fresh.log.evaluate((log) => {
      log.scrollTop = -log.scrollHeight;
    });
    await eventually(async () => {
      seen = await look();
      assert.ok(count(seen) > earlier, `no more than ${earlier} messages are there`);
    });
  }
  await eventually(async () => {
    const outline = await visitor.outline();
    const n = count(outline);
    assert.equal(await visitor.page.locator('.message:not([data-seq])').count(), 0);
    assert.deepEqual(tail(outline, n), tail(await look(), n));
  });
  await fresh.page.close();
}
