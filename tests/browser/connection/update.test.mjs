// A server becomes a newer release, with other scripts, while pages of the older one are open.
import assert from 'node:assert/strict';
import { story } from '../support.mjs';

/** Executables for tests take this for another version of their assets. */
const NEWER = { TEST_ASSETS: 'newer' };
/** What an open page loads later is refused by the other release. Then the next link loads the page as a whole. */
const REFUSED = /^404 .*\/assets\//;

/** Counts how often the page is loaded as a whole. */
function countLoads({ page }) {
  const count = { loads: 0 };
  page.on('request', (request) => {
    if (request.isNavigationRequest() && request.frame() === page.mainFrame()) count.loads += 1;
  });
  return count;
}

const scripts = ({ page }) => page.locator('script[src]').first().getAttribute('src');

story(
  'an open page outlives an update, and loads the new scripts with the next page',
  async ({ patio, newUser, tolerate }) => {
    tolerate(REFUSED);
    const [ana, tom] = [await newUser('ana'), await newUser('tom')];
    const count = countLoads(tom);
    const older = await scripts(tom);
    await patio.kill();
    patio.environment = NEWER;
    await patio.start();
    await ana.post('after the update');
    await tom.sees('after the update');
    assert.equal(count.loads, 0);

    await tom.follow('/people');
    assert.equal(count.loads, 1);
    assert.notEqual(await scripts(tom), older);
    await tom.follow('/rooms/1');
    await tom.post('with the new scripts');
    await ana.sees('with the new scripts');
    assert.equal(count.loads, 1);
  },
);

story(
  'while two releases serve the pages, each link loads at most one',
  async ({ patio, openProxy, newUser, tolerate }) => {
    tolerate(REFUSED);
    // Broken by the switch.
    tolerate(/^WebSocket connection/);
    const newer = await patio.beside(NEWER);
    const ana = await newUser('ana');
    const proxy = await openProxy();
    await ana.go(`${proxy.origin}/rooms/1`);
    const count = countLoads(ana);
    for (const [turn, server] of [newer, patio, newer, newer, patio, patio].entries()) {
      const changes = server.port !== proxy.port;
      proxy.switchTo(server);
      const before = count.loads;
      await ana.follow(turn % 2 ? '/rooms/1' : '/people');
      assert.equal(count.loads - before, Number(changes), `link ${turn}`);
    }
    await ana.post('still here');
    await ana.sees('still here');
  },
);

story('a page whose scripts another release refuses works without them, once', async ({ patio, newUser, tolerate }) => {
  const newer = await patio.beside(NEWER);
  const ana = await newUser('ana');
  tolerate(REFUSED);
  let refused = 0;
  ana.page.on('response', (response) => {
    refused += Number(response.status() === 404);
  });
  // The page comes from the older release and its assets from the newer one.
  await ana.page.route('**/assets/**', (route) => {
    const url = new URL(route.request().url());
    route.continue({ url: `http://${url.hostname}:${newer.port}${url.pathname}` });
  });
  await ana.go('/rooms/1');
  assert.ok(refused > 0);
  await ana.composer.fill('without scripts');
  await ana.page.locator('#composer .send-button').click();
  await ana.sees('without scripts');
  // Nothing of it was kept.
  await ana.page.unrouteAll();
  await ana.page.reload();
  await ana.post('with scripts');
  await ana.sees('with scripts');
});
