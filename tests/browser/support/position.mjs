// Where something stands on the screen, and whether it stayed there.
import assert from 'node:assert/strict';
import { eventually } from './eventually.mjs';

/**
 * How far apart, in CSS pixels, is the same place: a browser scrolls by whole pixels while lines have fractions, so each
 * correction of a place may leave half a pixel. Whatever really moves moves by a line, which is ten times as much.
 */
const SAME = 2;

/** The distance from the top of the screen, in CSS pixels, once the page has come to rest. */
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

/** The first message that is wholly on the screen. */
export async function firstInView(visitor) {
  const id = await visitor.log.evaluate((log) => {
    const { top } = log.getBoundingClientRect();
    return [...log.querySelectorAll('.message')].find((message) => message.getBoundingClientRect().top >= top).id;
  });
  return visitor.page.locator(`#${id}`);
}
