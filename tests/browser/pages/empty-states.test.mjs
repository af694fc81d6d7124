// Empty states and errors: each one explains itself and offers a next step that works, with and without scripts.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const WAYS = { 'with scripts': {}, 'without scripts': { javaScriptEnabled: false } };

const link = ({ page }, name) => page.getByRole('main').getByRole('link', { name, exact: true });
const steps = async ({ page }) => page.locator('#start .button-row a').allTextContents();

/** The target of the link is in view. */
async function isOnScreen({ page }, selector) {
  await eventually(async () => {
    const { y, height } = await page.locator(selector).boundingBox();
    assert.ok(y >= 0 && y + height <= page.viewportSize().height, `${selector} at ${y}`);
  });
}

/** Submits a form as one of our pages at this address would. */
async function submit({ page }, action, fields = {}) {
  await page.evaluate(
    ([to, values]) => {
      const form = Object.assign(document.createElement('form'), { method: 'post', action: to });
      for (const [name, value] of Object.entries(values))
        form.append(Object.assign(document.createElement('input'), { name, value }));
      document.body.append(form);
      form.requestSubmit();
    },
    [action, fields],
  );
}

async function begin(visitor, name, options = {}) {
  await visitor.go('/rooms');
  await visitor.page.locator('form[action="/rooms"] [name=name]').fill(name);
  if (options.topic) await visitor.page.locator('form[action="/rooms"] [name=topic]').fill(options.topic);
  await visitor.page.locator('form[method="post"][action="/rooms"] button[type=submit]').click();
  await visitor.isIn(name);
}

for (const [how, options] of Object.entries(WAYS)) {
  story(`the first user is asked to invite others and finds the address for it, ${how}`, async ({ patio, newUser }) => {
    const ana = await newUser('ana', options);
    assert.match(await ana.page.locator('#start').textContent(), /You are the first one here\./);
    assert.deepEqual(await steps(ana), ['Invite people', 'Write the first message']);
    await link(ana, 'Invite people').click();
    await ana.arrives('/admin');
    await ana.page.getByRole('link', { name: `${patio.origin}/register` }).waitFor();
    await isOnScreen(ana, '#sign-up h2');

    await ana.go('/people');
    await ana.page.getByText('Nobody else has an account here yet.').waitFor();
    await link(ana, 'Invite people').click();
    await ana.arrives('/admin');
  });

  story(`a later user in an empty lobby can write or create a room, ${how}`, async ({ patio, newUser }) => {
    await patio.apiClient('ana');
    const tom = await newUser('tom', options);
    assert.deepEqual(await steps(tom), ['Write the first message', 'Create a room']);
    await link(tom, 'Write the first message').click();
    await tom.page.keyboard.type('hello');
    assert.equal(await tom.composer.inputValue(), 'hello');
    await link(tom, 'Create a room').click();
    await tom.arrives('/rooms');
    await isOnScreen(tom, '#make h2');
  });

  story(
    `an empty room suggests inviting to members, a topic to its owner, writing to others, ${how}`,
    async ({ patio, newUser }) => {
      const tom = await patio.apiClient('tom');
      const ana = await newUser('ana', options);
      await begin(ana, 'Huerto');
      assert.deepEqual(await steps(ana), ['Invite people', 'Add a topic']);
      await link(ana, 'Invite people').click();
      await ana.arrives('/rooms/2/settings');
      await isOnScreen(ana, '#invite h2');
      await ana.go('/rooms/2');
      await link(ana, 'Add a topic').click();
      await ana.arrives('/rooms/2/settings');
      await isOnScreen(ana, '#about [name=topic]');

      await begin(ana, 'Fotos', { topic: 'Only photos' });
      assert.deepEqual(await steps(ana), ['Invite people', 'Write the first message']);
      await patio.api('rooms', { name: 'Taller', topic: '', visibility: 'public' }, tom.token);
      await ana.go('/rooms/4');
      assert.deepEqual(await steps(ana), ['Write the first message']);
      await tom.post('said', 4);
      await ana.go('/rooms/4');
      assert.deepEqual(await steps(ana), []);
    },
  );

  story(`an empty direct message leads to the composer, ${how}`, async ({ patio, newUser }) => {
    await patio.apiClient('tom');
    const ana = await newUser('ana', options);
    await ana.go('/direct/tom');
    await link(ana, 'Write the first message').click();
    await ana.page.keyboard.type('hello');
    assert.equal(await ana.composer.inputValue(), 'hello');
  });

  story(`a search and a user list without results link back to everything, ${how}`, async ({ newUser }) => {
    const ana = await newUser('ana', options);
    await ana.go('/search?q=mangera');
    await link(ana, 'What you can search for').click();
    await ana.arrives('/search');
    await ana.go('/people?q=zzzz');
    await link(ana, 'Show everyone').click();
    await ana.arrives('/people');
  });
}

story('a failed page offers a link to retry, a refused form a way back', async ({ newUser }) => {
  const ana = await newUser('ana');
  const says = (words) => ana.page.getByRole('heading', { name: words }).waitFor();
  await ana.go('/rooms/1/join');
  await says('That cannot be done here');
  await link(ana, 'Back to the chat').click();
  await ana.arrives('/rooms/1');

  await ana.go('/rooms/1/settings');
  await submit(ana, '/rooms/1/leave');
  await says('There is a conflict');
  await link(ana, 'Back to the previous page').click();
  await ana.arrives('/rooms/1/settings');

  await submit(ana, '/rooms/1/settings', { name: 'x'.repeat(300_000) });
  // A link would lead to an empty field. The browser's back button restores the text.
  await says('Too large');
  assert.equal(await link(ana, 'Back to the previous page').count(), 0);
});

story('a rate-limited reader can try again', { RATE_LIMIT: 'on' }, async ({ newUser, tolerate }) => {
  tolerate(/^429 /);
  const ana = await newUser('ana');
  const refused = await ana.page.evaluate(async () => {
    const ask = async (n) => {
      const answer = await fetch(`/search?q=${n}`);
      const [, link] = (await answer.text()).match(/btn--primary btn--small" (href="[^"]*">[^<]*)/) ?? [];
      return answer.status === 429 && link === `href="/search?q=${n}">Try again`;
    };
    return Promise.all(Array.from({ length: 100 }, (_, n) => ask(n)));
  });
  assert.ok(refused.includes(true)); // which one depends on the timing
});
