// Whether a log that has been through something shows what a page loaded anew shows.
import assert from 'node:assert/strict';
import { eventually } from './eventually.mjs';

/** The last `n` messages with the days between them. What comes before a page decides how its first message looks. */
function ending(outline, n) {
  const messages = outline.filter((line) => line.id);
  const from = outline.indexOf(messages.at(-n));
  const lines = outline.slice(Math.max(from, 0));
  return lines.map((line, at) =>
    at === 0 && line.look ? { ...line, look: line.look.filter((name) => name !== 'message--continued') } : line,
  );
}

const count = (outline) => outline.filter((line) => line.id).length;

/** What is here, and below it what the page had let go of. */
function joined(here, before) {
  const last = before.findIndex(({ id }) => id && id === here.at(-1)?.id);
  return last < 0 ? here : [...here, ...before.slice(last + 1)];
}

/** Nothing is missing, doubled, out of order or out of date: compares as many messages as the log has. */
export async function isAsFresh(visitor) {
  const fresh = await visitor.newTab(new URL(visitor.page.url()).pathname);
  let seen = await fresh.outline();
  const look = async () => joined(await fresh.outline(), seen);
  while (count(seen) < count(await visitor.outline())) {
    const before = count(seen);
    await fresh.log.evaluate((log) => {
      log.scrollTop = -log.scrollHeight;
    });
    await eventually(async () => {
      seen = await look();
      assert.ok(count(seen) > before, `no more than ${before} messages are there`);
    });
  }
  await eventually(async () => {
    const outline = await visitor.outline();
    const n = count(outline);
    assert.equal(await visitor.page.locator('.message:not([data-seq])').count(), 0);
    assert.deepEqual(ending(outline, n), ending(await look(), n));
  });
  await fresh.page.close();
}
