// The frame of every test: a new Patio, visitors with a browser each, and no error on any page at the end.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { FlakyProxy } from './flaky-proxy.mjs';
import { Patio } from './patio.mjs';
import { launch, TestContext } from './test-context.mjs';

let browser;
after(() => browser?.close());

/**
 * Runs a test in its own Patio. The function gets `patio`, `visitor()` for a signed-out browser, `newUser(name)` for a
 * browser of a new user, `tolerate(pattern)` for expected errors, `openProxy()` for a flaky connection, and
 * `ownBrowser(options)` to start another browser. The server's environment may be passed before the function.
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
