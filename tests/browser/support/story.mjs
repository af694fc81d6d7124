// The frame of every test: a fresh Patio, people with a browser each, and in the end not one complaint from any page.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { FlakyProxy } from './flaky-proxy.mjs';
import { Patio } from './patio.mjs';
import { launch, TestContext } from './test-context.mjs';

let browser;
after(() => browser?.close());

/**
 * `tell` gets the `patio`, people (`visitor`, or `person(name)` who has just registered), what complaints to `tolerate`,
 * `openLine()` to the Patio that can go bad, and `ownBrowser` for a browser with other flags. Before it may stand the server's environment.
 */
export function story(name, ...rest) {
  const run = rest.pop();
  const [environment] = rest;
  test(name, async () => {
    browser ??= await launch();
    const patio = await Patio.open(environment);
    const context = new TestContext(browser, patio);
    const proxies = [];
    const openProxy = async () => {
      proxies.push(await FlakyProxy.open(patio));
      return proxies.at(-1);
    };
    try {
      await run({
        patio,
        openProxy,
        visitor: (options) => context.visitor(options),
        newUser: (name, options) => context.newUser(name, options),
        tolerate: (pattern) => context.tolerated.push(pattern),
        ownBrowser: (options) => context.launchOwn(options),
      });
      assert.deepEqual(context.errors(), []);
    } finally {
      await context.clear();
      for (const proxy of proxies) proxy.close();
      await patio.close();
    }
  });
}
