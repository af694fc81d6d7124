// Unsent text is kept for its author, whatever happens to page, tab, session and server. Only the author or a sign-in with
// another account deletes it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually, story } from '../support.mjs';

/** Posts get lost in every page of this user until `find` is called. */
async function losePosts({ context, page }) {
  const lose = () => {
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function sendAllButPosts(text) {
      if (localStorage.getItem('found') || !text.includes('"post"')) send.call(this, text);
    };
  };
  await context.addInitScript(lose);
  await page.evaluate(lose);
  return (now) => now.page.evaluate(() => localStorage.setItem('found', 'yes'));
}

const kept = ({ page }) =>
  page.evaluate(() =>
    [...Object.entries(sessionStorage), ...Object.entries(localStorage)]
      .filter(([key]) => key.startsWith('patio:'))
      .map(String)
      .join('\n'),
  );
const draftOf = (visitor, text) => eventually(async () => assert.equal(await visitor.composer.inputValue(), text));

/** A draft, a pending message and an open edit. */
async function beginAll(ana) {
  await ana.post('said before');
  await ana.sees('said before');
  const find = await losePosts(ana);
  await ana.composer.press('ArrowUp');
  const edit = ana.page.locator('.message--editing textarea');
  await edit.fill('said before, and better');
  await ana.post('waits');
  await ana.message('waits').waitFor();
  await ana.composer.fill('a long draft');
  return find;
}

async function hasAll(ana, find) {
  await draftOf(ana, 'a long draft');
  const edit = ana.page.locator('.message--editing textarea');
  await edit.waitFor();
  assert.equal(await edit.inputValue(), 'said before, and better');
  await ana.message('waits').waitFor();
  await find(ana);
  await ana.page.reload();
  await ana.sees('waits');
  await eventually(async () => assert.deepEqual((await ana.texts()).sort(), ['said before', 'waits']));
  await draftOf(ana, 'a long draft');
}

/** An administrator creates a reset link. Setting the password on another device revokes all sessions. */
async function resetPassword(patio, visitor, name, password) {
  const command = spawn(process.env.PATIO_BIN ?? 'target/debug/patio', ['user', 'reset-password', name], {
    env: { ...process.env, DATA_DIR: patio.directory },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  command.stdout.on('data', (text) => {
    output += text;
  });
  await once(command, 'close');
  await visitor.go(output.match(/\/reset\S+/)[0]);
  for (const field of await visitor.page.locator('input[type=password]').all()) await field.fill(password);
  await visitor.submit();
  await visitor.page.waitForURL((url) => !url.pathname.startsWith('/reset'));
}

/** Each open page holds a lock, and the browser takes a moment to release that of a crashed page. */
const livingPages = ({ page }) =>
  page.evaluate(
    async () => (await navigator.locks.query()).held.filter(({ name }) => name.startsWith('patio:tab:')).length,
  );

const LIVES_THROUGH = {
  'a reload': async (ana) => {
    await ana.page.reload();
    return ana;
  },
  'the end of its tab': async (ana) => {
    const tab = await ana.newTab();
    await ana.page.close();
    await tab.page.reload();
    return tab;
  },
  'the crash of its tab': async (ana) => {
    const tab = await ana.newTab();
    await ana.page.goto('chrome://crash').catch(() => {});
    await eventually(async () => assert.equal(await livingPages(tab), 1));
    await tab.page.reload();
    return tab;
  },
  'another page of Patio and the way back': async (ana) => {
    await ana.go('/settings');
    await ana.go('/rooms/1');
    return ana;
  },
  'a look at the page to sign in': async (ana) => {
    await ana.go('/register');
    await ana.go('/rooms/1');
    return ana;
  },
  'an ended session': async (ana) => {
    // This cookie expires after a month; the others are session cookies.
    await ana.context.clearCookies({ name: /session/ });
    await ana.page.reload();
    await ana.arrives('/login?next=%2Frooms%2F1');
    await ana.signIn('ana');
    await ana.arrives('/rooms/1');
    return ana;
  },
  'a server that forgot how to sign out': async (ana, { patio, tolerate }) => {
    tolerate(/net::ERR_|WebSocket/);
    await patio.kill();
    await ana.openMenu();
    await ana.page
      .locator('form[action="/logout"] button')
      .click()
      .catch(() => {});
    await patio.start();
    await ana.go('/rooms/1');
    return ana;
  },
};

for (const [what, happens] of Object.entries(LIVES_THROUGH)) {
  story(`unsent text survives ${what}`, async (tools) => {
    const ana = await tools.newUser('ana');
    const find = await beginAll(ana);
    await hasAll(await happens(ana, tools), find);
  });
}

story('unsent text survives a password reset', async ({ patio, newUser, visitor }) => {
  const ana = await newUser('ana');
  const find = await beginAll(ana);
  await resetPassword(patio, await visitor(), 'ana', 'another tomato garden');
  await ana.page.waitForURL((url) => url.pathname === '/login');
  await ana.signIn('ana', 'another tomato garden');
  await ana.page.waitForURL((url) => url.pathname === '/rooms/1');
  await hasAll(ana, find);
});

story('unsent text survives a replaced history and is stored once', async ({ newUser }) => {
  const ana = await newUser('ana');
  let epoch = null;
  await ana.page.routeWebSocket('**/api/v1/live?*', (socket) => {
    const server = socket.connectToServer();
    server.onMessage((text) => {
      const frame = JSON.parse(text);
      socket.send(frame.type === 'ready' && epoch ? JSON.stringify({ ...frame, epoch }) : text);
      if (frame.type === 'ready') epoch = null;
    });
    ana.cut = () => socket.close({ code: 1012 });
  });
  await ana.page.reload();
  const find = await beginAll(ana);
  await ana.markPage();
  epoch = 'another';
  await ana.cut();
  await eventually(async () => assert.equal(await ana.isSamePage(), false));
  await hasAll(ana, find);
});

story('signing out deletes unsent text', async ({ newUser }) => {
  const ana = await newUser('ana');
  await beginAll(ana);
  await ana.signOut();
  await ana.arrives('/login');
  assert.equal(await kept(ana), '');
});

story('signing out by command deletes unsent text', async ({ newUser }) => {
  const ana = await newUser('ana');
  await beginAll(ana);
  await ana.post('/exit');
  await ana.arrives('/login');
  assert.equal(await kept(ana), '');
});

story('another account in the same browser neither sees nor keeps it', async ({ patio, newUser }) => {
  await patio.apiClient('tom');
  const ana = await newUser('ana');
  await beginAll(ana);
  await ana.context.clearCookies();
  await ana.go('/login');
  assert.match(await kept(ana), /a long draft/);
  await ana.signIn('tom');
  await ana.arrives('/rooms/1');
  assert.equal(await ana.composer.inputValue(), '');
  assert.deepEqual(await ana.texts(), ['said before']);
  assert.equal(await kept(ana), '');
});

story(
  'another account that signs in next to an open page neither gets nor sends it',
  async ({ patio, newUser, tolerate }) => {
    tolerate(/net::ERR_|WebSocket/);
    await patio.apiClient('tom');
    const ana = await newUser('ana');
    const find = await beginAll(ana);
    const other = await ana.newTab();
    await ana.context.clearCookies({ name: /session/ });
    await other.go('/login?next=%2Fsettings');
    await other.signIn('tom');
    await other.arrives('/settings');
    assert.doesNotMatch(await kept(other), /draft:|outbox:|edit:/);
    // Her page still has the pending message; its live connection returns with his session.
    await find(ana);
    await ana.context.setOffline(true);
    await ana.markPage();
    await ana.context.setOffline(false);
    await eventually(async () => assert.equal(await ana.isSamePage(), false));
    assert.deepEqual(await ana.texts(), ['said before']);
    await ana.post('by Tom');
    await ana.sees('by Tom');
    assert.deepEqual(await ana.texts(), ['said before', 'by Tom']);
  },
);

story('its author discards one text and no other', async ({ newUser }) => {
  const ana = await newUser('ana');
  await beginAll(ana);
  await ana.page.locator('.message--editing textarea').press('Escape');
  assert.doesNotMatch(await kept(ana), /better/);
  assert.match(await kept(ana), /waits/);
  await ana.composer.fill('');
  assert.doesNotMatch(await kept(ana), /draft:/);
  assert.match(await kept(ana), /waits/);
});

story(
  'a pending message is sent once when Patio is opened again, even by two tabs',
  async ({ patio, newUser, tolerate }) => {
    tolerate(/net::ERR_|WebSocket/);
    const ana = await newUser('ana');
    const tom = await newUser('tom');
    const other = await ana.newTab();
    await patio.kill();
    await ana.post('one');
    await ana.post('two');
    await ana.message('two').waitFor();
    await ana.page.close();
    await patio.start();
    const again = await other.newTab();
    await tom.sees('two');
    for (const reader of [tom, other, again])
      await eventually(async () => assert.deepEqual(await reader.texts(), ['one', 'two']));
    await eventually(async () => assert.equal(await kept(other), ''));
  },
);

story('two tabs keep separate drafts of the same room', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.composer.fill('in the first');
  const other = await ana.newTab();
  assert.equal(await other.composer.inputValue(), '');
  await other.composer.fill('in the second');
  await ana.page.reload();
  await draftOf(ana, 'in the first');
  await other.page.reload();
  await draftOf(other, 'in the second');
  await ana.page.close();
  await other.post('sent');
  await other.sees('sent');
  await other.page.reload();
  await draftOf(other, 'in the first');
});

story('text stored by the previous release is still there', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.page.evaluate(() => {
    const { epoch, me } = document.getElementById('app').dataset;
    localStorage.setItem(`patio:draft:${epoch}:${me}:1`, 'begun long ago');
    sessionStorage.setItem(
      `patio:outbox:${epoch}:${me}:1`,
      JSON.stringify([{ nonce: 'old-1', body: 'waits for long' }]),
    );
  });
  await ana.page.reload();
  await ana.sees('waits for long');
  await draftOf(ana, 'begun long ago');
  assert.doesNotMatch(await kept(ana), /waits/);
});

story('two empty direct messages have separate drafts', async ({ patio, newUser }) => {
  for (const name of ['tom', 'lucia']) await patio.apiClient(name);
  const ana = await newUser('ana');
  await ana.go('/direct/tom');
  await ana.composer.fill('for Tom');
  await ana.go('/direct/lucia');
  assert.equal(await ana.composer.inputValue(), '');
  await ana.go('/direct/tom');
  await draftOf(ana, 'for Tom');
  await ana.composer.press('Enter');
  await ana.sees('for Tom');
  assert.equal(await kept(ana), '');
});

story('a browser without storage still sends everything once', async ({ patio, newUser, tolerate }) => {
  tolerate(/net::ERR_|WebSocket/);
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.context.addInitScript(() => {
    Storage.prototype.setItem = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
  });
  await ana.page.reload();
  await ana.post('one');
  await tom.sees('one');
  await patio.kill();
  await ana.post('two');
  await ana.post('three');
  await ana.composer.fill('a draft');
  await patio.start();
  for (const reader of [ana, tom])
    await eventually(async () => assert.deepEqual(await reader.texts(), ['one', 'two', 'three']));
  assert.equal(await ana.composer.inputValue(), 'a draft');
});
