// The frame of every test: a fresh Patio, people with a browser each, and in the end not one complaint from any page.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Line } from './flaky-proxy.mjs';
import { Patio } from './patio.mjs';
import { launch, Stage } from './test-context.mjs';

let browser;
after(() => browser?.close());

/**
 * `tell` gets the `patio`, people (`visitor`, or `person(name)` who has just registered), what complaints to `tolerate`,
 * `openLine()` to the Patio that can go bad, and `ownBrowser` for a browser with other flags. Before it may stand the server's environment.
 */
export function story(name, ...rest) {
  const tell = rest.pop();
  const [environment] = rest;
  test(name, async () => {
    browser ??= await launch();
    const patio = await Patio.open(environment);
    const stage = new Stage(browser, patio);
    const lines = [];
    const openLine = async () => {
      lines.push(await Line.open(patio));
      return lines.at(-1);
    };
    try {
      await tell({
        patio,
        openLine,
        visitor: (options) => stage.visitor(options),
        person: (who, options) => stage.person(who, options),
        tolerate: (pattern) => stage.tolerated.push(pattern),
        ownBrowser: (options) => stage.launchOwn(options),
      });
      assert.deepEqual(stage.complaints(), []);
    } finally {
      await stage.clear();
      for (const open of lines) open.close();
      await patio.close();
    }
  });
}
