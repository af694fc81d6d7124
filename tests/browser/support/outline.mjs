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

/** Nothing is missing, doubled, out of order or out of date: compares as many messages as the log has. */
export async function isAsFresh(visitor) {
  const fresh = await visitor.newTab(new URL(visitor.page.url()).pathname);
  await eventually(async () => {
    const outline = await visitor.outline();
    const n = outline.filter((line) => line.id).length;
    const whole = await fresh.outline();
    const has = whole.filter((line) => line.id).length;
    if (has < n) await fresh.log.evaluate((log) => { log.scrollTop = -log.scrollHeight; });
    assert.ok(has >= n, `${has} of ${n} messages are loaded`);
    assert.equal(await visitor.page.locator('.msg:not([data-seq])').count(), 0);
    assert.deepEqual(ending(outline, n), ending(whole, n));
  });
  await fresh.page.close();
}
