// The position of elements on the screen.
import assert from 'node:assert/strict';
import { eventually } from './eventually.mjs';

/**
 * The tolerance in CSS pixels for an unchanged position. A browser scrolls by whole pixels while line heights have
 * fractions, so each scroll correction may leave half a pixel. A real jump is a line, ten times as much.
 */
const SAME = 2;

/** The distance from the top of the screen in CSS pixels, once the layout is stable. */
export async function topOf(message) {
  let last;
  return eventually(async () => {
    const before = last;
    last = await message.evaluate(
      (element) => new Promise((found) => requestAnimationFrame(() => found(element.getBoundingClientRect().top))),
    );
    assert.equal(last, before);
    return last;
  });
}

export function isSameTop(now, before) {
  assert.ok(Math.abs(now - before) < SAME, `at ${now}, and was at ${before}`);
}

/** The first fully visible message. */
export async function firstInView(visitor) {
  const id = await visitor.log.evaluate((log) => {
    const { top } = log.getBoundingClientRect();
    return [...log.querySelectorAll('.message')].find((message) => message.getBoundingClientRect().top >= top).id;
  });
  return visitor.page.locator(`#${id}`);
}
