// Whether a log that has been through something shows what a page loaded anew shows.
import assert from 'node:assert/strict';
import { eventually } from './eventually.mjs';

/** The last `n` messages with the days between them. What comes before a page decides how its first message looks. */
function ending(outline, n) {
  const messages = outline.filter((line) => line.id);
  const from = outline.indexOf(messages.at(-n));
  const lines = outline.slice(Math.max(from, 0));
  return lines.map((line, at) => (at === 0 && line.look ? { ...line, look: line.look.filter((name) => name !== 'msg--cont') } : line));
}

const count = ({ page }) => page.locator('.msg[data-seq]').count();

/** Nothing is missing, doubled, out of order or out of date: compares as many messages as the log has. */
export async function isAsFresh(visitor) {
  const fresh = await visitor.newTab(new URL(visitor.page.url()).pathname);
  for (let has = await count(fresh); has < await count(visitor);) {
    const before = has;
    await fresh.log.evaluate((log) => { log.scrollTop = -log.scrollHeight; }); // once: more would bring more than is kept
    await eventually(async () => {
      has = await count(fresh);
      assert.ok(has > before, `no more than ${has} messages are there`);
    });
  }
  await eventually(async () => {
    const outline = await visitor.outline();
    const n = outline.filter((line) => line.id).length;
    assert.equal(await visitor.page.locator('.msg:not([data-seq])').count(), 0);
    assert.deepEqual(ending(outline, n), ending(await fresh.outline(), n));
  });
  await fresh.page.close();
}
