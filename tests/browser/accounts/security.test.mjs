// Other sites and injected code can do nothing, and our own pages still work.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { story } from '../support.mjs';

const EVIL = 'https://evil.example';

const sessionOf = async (visitor) =>
  (await visitor.context.cookies()).find((cookie) => /^patio_session_\d+$/.test(cookie.name));

story('pages come with a strict policy', async ({ newUser, visitor }) => {
  const ana = await newUser('ana');
  const guest = await visitor();
  for (const [reader, where] of [
    [ana, '/rooms/1'],
    [ana, '/nowhere'],
    [guest, '/login'],
    [guest, '/register'],
  ]) {
    const headers = (await reader.go(where)).headers();
    const policy = headers['content-security-policy'];
    for (const directive of [
      "default-src 'none'",
      "object-src 'none'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ])
      assert.ok(policy.includes(directive), `${where}: ${directive}`);
    assert.doesNotMatch(policy, /unsafe|\*|data:/, where);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.ok(headers['referrer-policy']);
    assert.match(headers['cache-control'], /private|no-store/);
  }
});

story('a string cannot become HTML or script', async ({ newUser, tolerate }) => {
  tolerate(/Trusted|Content Security Policy/i);
  const ana = await newUser('ana');
  // The page's own scripts use their Trusted Types policy. The code of this test has none.
  const attempts = await ana.page.evaluate(() => {
    const attempt = (act) => {
      try {
        act();
        return 'done';
      } catch (error) {
        return error.name;
      }
    };
    const script = document.createElement('script');
    return [
      attempt(() => {
        document.body.innerHTML = '<b>hi</b>';
      }),
      attempt(() => {
        script.text = 'window.ran = true';
      }),
      attempt(() => trustedTypes.createPolicy('other', { createHTML: (html) => html })),
      attempt(() => trustedTypes.createPolicy('patio', { createHTML: (html) => html })), // the existing policy name, used a second time
      attempt(() => {
        document.body.append('<b>hi</b>');
      }),
    ];
  });
  assert.deepEqual(attempts, ['TypeError', 'TypeError', 'TypeError', 'TypeError', 'done']);
});

story('the session cookie is hidden from scripts and other sites', async ({ newUser }) => {
  const ana = await newUser('ana');
  const { httpOnly, sameSite } = await sessionOf(ana);
  assert.deepEqual({ httpOnly, sameSite }, { httpOnly: true, sameSite: 'Lax' });
  assert.ok(!(await ana.page.evaluate(() => document.cookie)).includes('session'));
});

story('each sign-in has its own session, and a signed-out one is invalid', async ({ newUser }) => {
  const ana = await newUser('ana');
  const first = await sessionOf(ana);
  await ana.signOut();
  await ana.arrives('/login');
  assert.equal(await sessionOf(ana), undefined);
  await ana.signIn('ana');
  await ana.arrives('/rooms/1');
  assert.notEqual((await sessionOf(ana)).value, first.value);

  await ana.context.addCookies([first]);
  await ana.go('/rooms/1');
  await ana.arrives('/login?next=%2Frooms%2F1');
});

story('a cross-site change is refused, a same-site one accepted', async ({ patio, newUser }) => {
  const ana = await newUser('ana');
  const post = (headers) =>
    ana.context.request.post(`${patio.origin}/rooms/1/messages`, {
      headers,
      form: { body: 'by form' },
      maxRedirects: 0,
    });
  for (const headers of [
    { origin: EVIL },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { origin: `http://localhost:${patio.port}` },
  ]) {
    assert.equal((await post(headers)).status(), 403, JSON.stringify(headers));
  }
  for (const headers of [{ origin: patio.origin }, { 'sec-fetch-site': 'same-origin' }]) {
    assert.equal((await post(headers)).status(), 303, JSON.stringify(headers));
  }
  await ana.go('/rooms/1');
  assert.deepEqual(await ana.texts(), ['by form', 'by form']);
});

story('a form on another site cannot sign users in or out', async ({ patio, newUser }) => {
  const ana = await newUser('ana');
  const evil = createServer((_, answer) => {
    answer.setHeader('content-type', 'text/html');
    answer.end(
      `<!doctype html><link rel="icon" href="data:,"><form method="post" action="${patio.origin}/logout"><button>Win a prize</button></form>`,
    );
  }).listen(0, '127.0.0.1');
  await once(evil, 'listening');
  await ana.page.goto(`http://localhost:${evil.address().port}/`);
  const [refusal] = await Promise.all([
    ana.page.waitForResponse(`${patio.origin}/logout`),
    ana.page.getByRole('button').click(),
  ]);
  assert.equal(refusal.status(), 403);
  await ana.page.getByRole('heading', { name: 'Not allowed' }).waitFor();
  evil.close();
  await ana.go('/rooms/1');
  await ana.arrives('/rooms/1');
});

/** The server's response to a WebSocket handshake. */
function knock(patio, headers) {
  const wanted = request(`${patio.origin}/api/v1/live`, {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': 13,
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
      'sec-websocket-protocol': 'patio-html.v1',
      ...headers,
    },
  });
  wanted.end();
  return new Promise((answered, failed) => {
    wanted.on('error', failed);
    wanted.on('response', (answer) => {
      answer.resume();
      answered(answer.statusCode);
    });
    wanted.on('upgrade', (answer, socket) => {
      socket.destroy();
      answered(answer.statusCode);
    });
  });
}

story('a WebSocket with our cookie opens only for our own pages', async ({ patio, newUser }) => {
  const ana = await newUser('ana');
  const { name, value } = await sessionOf(ana);
  const cookie = `${name}=${value}`;
  assert.equal(await knock(patio, { cookie, origin: EVIL }), 403);
  assert.equal(await knock(patio, { cookie }), 403);
  assert.equal(await knock(patio, { cookie, origin: patio.origin }), 101);

  const { token } = await patio.apiClient('tom');
  assert.equal(await knock(patio, { authorization: `Bearer ${token}`, 'sec-websocket-protocol': 'patio.v1' }), 101);
  assert.equal(await knock(patio, { 'sec-websocket-protocol': 'patio.v1' }), 401);
});
