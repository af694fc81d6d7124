// Attacks a server that has little memory and few file descriptors, and measures its resources and the latency of others.
// See README.md. Loopback only; every attack is bounded in count and time.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { bombs, honest } from './attacks/bombs.mjs';
import { FILES, MEMORY_KB, Server, tracked } from './attacks/server.mjs';
import { live, pipelined, unfinished } from './attacks/sockets.mjs';
import { ask, percentile, pool, User } from './attacks/users.mjs';

const HERE = import.meta.dirname;
const RESULTS = path.join(HERE, 'ATTACKS.md');
const { values: options } = parseArgs({
  options: {
    patio: { type: 'string', default: path.join(HERE, '../target/release/patio') },
    only: { type: 'string' },
    seconds: { type: 'string', default: '30' },
    write: { type: 'boolean', default: false },
  },
});
const program = path.resolve(options.patio);
const seconds = Number(options.seconds);
const rows = [];
const notes = [];

/** A row of the table: the attack, the requirement, the measurement, and whether it meets the requirement. */
function row(attack, must, seen, holds) {
  rows.push([attack, must, seen, holds ? 'yes' : '**no**']);
  console.error(`${holds ? 'holds' : 'MISSED'}: ${attack}: ${seen}`);
}

const ms = (value) =>
  value >= 1_000 ? `${(value / 1_000).toFixed(1)} s` : `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
const mib = (value) => `${value.toFixed(0)} MiB`;
const counts = (answers) =>
  Object.entries(answers)
    .map(([what, n]) => `${n} × ${what}`)
    .join(', ') || 'none';

/** Counts equal values of a list. */
function tally(values) {
  const found = {};
  for (const value of values) found[value] = (found[value] ?? 0) + 1;
  return found;
}

/** Runs a function on a new server, which is always stopped afterwards. */
async function on(rates, work) {
  const server = await Server.start(program, rates);
  try {
    await work(server);
  } catch (error) {
    row(
      '–',
      'the bench itself runs',
      `${error.message} ${server.ended ?? ''} ${server.log}`.replaceAll('\n', ' '),
      false,
    );
  } finally {
    await server.stop();
  }
}

async function pictures() {
  await on('off', async (server) => {
    const ana = await User.register(server, 'ana', '203.0.113.7');
    const all = bombs();
    for (const [name, bytes] of Object.entries(honest())) {
      const answer = await ana.upload(bytes);
      row(
        `honest: ${name}, ${(bytes.length / 1e6).toFixed(1)} MB`,
        'taken',
        `${answer.status} in ${ms(answer.ms)}`,
        answer.status === 303,
      );
    }
    await bombsInTurn(server, ana, all);
    await bombsAtOnce(server, all);
  });
}

async function bombsInTurn(server, ana, all) {
  server.resetPeak();
  const before = server.memory('VmRSS');
  const watched = server.watchChildren();
  const slow = [];
  const statuses = [];
  let slowest = 0;
  for (const [name, { bytes, byHeader }] of Object.entries(all)) {
    const { status, ms: took } = await ana.upload(bytes);
    statuses.push(status);
    slowest = Math.max(slowest, took);
    const allowed = byHeader ? status === 422 && took <= 1_000 : [303, 413, 422].includes(status) && took <= 3_000;
    if (!allowed) slow.push(`${name}: ${status} in ${ms(took)}`);
    console.error(`  ${name} (${bytes.length} bytes): ${status} in ${ms(took)}`);
  }
  const children = watched();
  const more = server.memory('VmHWM') - before;
  const number = Object.keys(all).length;
  row(
    `${number} picture bombs, one after another`,
    '≤ 3 s each, 422 within 1 s where the header decides',
    `slowest ${ms(slowest)}; ${counts(tally(statuses))}${slow.length ? `; ${slow.join('; ')}` : ''}`,
    slow.length === 0,
  );
  row(
    "– the server's process",
    'survives, + ≤ 32 MB',
    `${server.alive ? 'survives' : 'ended'}, + ${mib(more)}`,
    server.alive && more <= 32,
  );
  row(
    `– the child that decodes (${children.count} started)`,
    '≤ 320 MB',
    mib(children.peakMib),
    children.peakMib * 1.048576 <= 320,
  );
}

async function bombsAtOnce(server, all) {
  const names = Array.from({ length: 30 }, (_, n) => `person${n}`);
  const users = await pool(names, 4, (name, n) => User.register(server, name, `203.0.113.${n + 20}`));
  const bystander = await User.register(server, 'luis', '203.0.113.8');
  const photo = honest()['JPEG of 12 megapixels'];
  const hard = Object.values(all)
    .filter((bomb) => !bomb.byHeader && bomb.bytes.length < 12_000_000)
    .map((bomb) => bomb.bytes);
  for (const [who, sender] of [
    ['one member', () => users[0]],
    ['30 members', (n) => users[n]],
  ]) {
    server.resetPeak();
    const before = server.memory('VmRSS');
    const sent = users.map((_, n) => sender(n).upload(hard[n % hard.length]));
    await sleep(200);
    const other = await bystander.upload(photo);
    const answers = await Promise.all(sent);
    const slowest = Math.max(...answers.map((answer) => answer.ms));
    const statuses = tally(answers.map((answer) => answer.status));
    const known = answers.every(({ status }) => [303, 422, 429].includes(status));
    const more = server.memory('VmHWM') - before;
    row(
      `30 bombs at once by ${who}`,
      '429 or done, nobody waits; server + ≤ 32 MB',
      `${counts(statuses)}; slowest ${ms(slowest)}; + ${mib(more)}`,
      known && server.alive && more <= 32 && slowest <= 5_000,
    );
    const fair = other.status === 303 || (who === '30 members' && other.status === 429);
    row(
      "– another user's photo meanwhile",
      who === 'one member' ? 'taken' : 'taken or 429',
      `${other.status} in ${ms(other.ms)}`,
      fair && other.ms <= 5_000,
    );
  }
  server.resetPeak();
  const before = server.memory('VmRSS');
  const large = await Promise.all(users.map(() => users[0].upload(Buffer.alloc(11_900_000))));
  const more = server.memory('VmHWM') - before;
  row(
    '30 files of 12 MB at once by one member',
    'server + ≤ 32 MB',
    `${counts(tally(large.map(({ status }) => status)))}; + ${mib(more)}`,
    more <= 32,
  );
}

/** Requests /up repeatedly, over a new connection each time, until it is stopped. */
function watchUp(server) {
  const seen = [];
  let on = true;
  const over = (async () => {
    while (on) {
      const { status, ms: took } = await ask(server.port, 'GET', '/up', {
        within: 5_000,
        headers: { connection: 'close' },
      });
      seen.push(status === 200 ? took : Infinity);
      await sleep(250);
    }
  })();
  return async () => {
    on = false;
    await over;
    return { worst: Math.max(...seen), missed: seen.filter((took) => took === Infinity).length, asked: seen.length };
  };
}

/** Keeps connections open that never read. */
function pongAll(sockets) {
  for (const socket of sockets) socket.pong();
}

/** Opens connections, keeps them for this long, closes them, and waits until the server has closed them too. */
async function hold(server, title, make, { number, most, keep, tend = () => {} }) {
  server.resetPeak();
  const before = server.memory('VmRSS');
  const filesBefore = server.files();
  const stop = watchUp(server);
  const started = Date.now();
  const silent = [];
  for (let n = 0; n < number; n++) {
    silent.push(make(n));
    if (n % 20 === 19) await sleep(20);
  }
  let together = 0;
  let files = 0;
  while (Date.now() - started < keep * 1_000) {
    await sleep(1_000);
    tend(silent);
    together = Math.max(together, silent.filter((one) => one.seen.includes('101 ') && !one.closed).length);
    files = Math.max(files, server.files());
  }
  // Node does not notice the end of a connection that it does not read from, so the server's sockets are counted.
  const cut = Math.max(0, number - Math.max(0, server.files() - filesBefore));
  const health = await stop();
  for (const one of silent) one.end();
  const released = Date.now();
  while (server.files() > filesBefore + 4 && Date.now() - released < 40_000) await sleep(200);
  const left = server.files() - filesBefore;
  const peak = server.memory('VmHWM');
  const there = most ? `${together} live at once; ` : '';
  row(
    title,
    `memory ≤ 256 MB${most ? `, all ${most} exist` : ''}`,
    `${there}${mib(before)} before, ${mib(peak)} at most, ${mib(server.memory('VmRSS'))} afterwards; ${files} files open; ${cut} of ${number} cut within ${keep} s`,
    server.alive && peak <= 256 && (!most || together >= most),
  );
  row(
    '– /up meanwhile',
    'within 1 s, always',
    `${health.asked} asked, slowest ${health.missed ? 'no answer' : ms(health.worst)}${health.missed ? `, ${health.missed} without an answer` : ''}`,
    health.missed === 0 && health.worst <= 1_000,
  );
  row('– after they are gone', 'everything is released', `${Math.max(left, 0)} files more than before`, left <= 4);
}

async function memory() {
  await on('off', async (server) => {
    const names = Array.from({ length: 20 }, (_, n) => `reader${n}`);
    const users = await pool(names, 4, async (name, n) =>
      (await User.register(server, name, `203.0.113.${n + 20}`)).sign(),
    );
    // The most expensive messages to read: 142 KB of HTML each.
    const body = Array(1_600).fill('http://a/').join('"').slice(0, 16_000);
    const posted = await pool(Array.from({ length: 220 }), 8, (_, n) =>
      users[n % 20].api('POST', '/rooms/1/messages', { body }),
    );
    if (!posted.every(({ status }) => status === 201))
      throw new Error(`posts: ${counts(tally(posted.map(({ status }) => status)))}`);
    const { asset } = /href="(?<asset>\/assets\/[^"]+\.css)"/.exec((await users[0].page('/login')).text)?.groups ?? {
      asset: '/login',
    };
    const port = server.port;
    await hold(
      server,
      '400 live connections (20 accounts, 4 addresses) that catch up and never read',
      (n) =>
        live(port, {
          token: users[n % 20].token,
          room: 1,
          from: `127.0.0.${2 + (n % 4)}`,
          forwarded: `198.51.100.${n % 4}`,
        }),
      { number: 400, most: 400, keep: 40, tend: pongAll },
    );
    await hold(server, '2,000 unfinished request heads of 390 KB', (n) => unfinished(port, `127.0.0.${2 + (n % 4)}`), {
      number: 2_000,
      keep: 40,
    });
    await hold(
      server,
      '1,000 connections with 120 requests each whose answers are not read',
      (n) => pipelined(port, `127.0.0.${2 + (n % 4)}`, asset),
      { number: 1_000, keep: 45 },
    );
  });
}

/** Starts an attacker. Returns a function that waits for its end and returns the responses. */
function flood(what) {
  const child = tracked(
    spawn(process.execPath, [path.join(HERE, 'attacks/flood.mjs'), JSON.stringify(what)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  let text = '';
  child.stdout.on('data', (part) => (text += part));
  const ended = new Promise((done) => child.once('close', done));
  return async () => {
    await ended;
    return JSON.parse(text || '{"sent":0,"answers":{}}');
  };
}

/** Five users sign in again in turn, each from a known address. */
async function signIns(users) {
  const answers = [];
  const started = Date.now();
  for (let n = 0; Date.now() - started < seconds * 1_000; n++) {
    answers.push(await users[n % users.length].login());
    await sleep(Math.max(0, started + (n + 1) * 1_000 - Date.now()));
  }
  return {
    p99: percentile(
      answers.map((answer) => answer.ms),
      99,
    ),
    statuses: tally(answers.map((answer) => answer.status)),
  };
}

async function passwords() {
  const attacks = [
    ['password flood against one account, 1,000 /64s, 40 at once', 'guess', 40],
    ['password flood against all names, 1,000 /64s, 90 at once', 'guess-any', 90],
    ['sign-up flood from one address, 40 at once', 'sign-up', 40],
    ['sign-up flood from 1,000 /64s, 90 at once', 'sign-up-everywhere', 90],
  ];
  await on('on', async (server) => {
    const names = ['ana', 'luis', 'eva', 'omar', 'nina'];
    const users = await pool(names, 1, (name, n) => User.register(server, name, `203.0.113.${n + 7}`));
    for (const user of users) await user.login();
    const quiet = await signIns(users);
    row(
      `sign-ins of 5 people from where they were, quiet, ${seconds} s`,
      '–',
      `p99 ${ms(quiet.p99)}; ${counts(quiet.statuses)}`,
      true,
    );
    for (const [title, kind, width] of attacks) {
      const attack = flood({ kind, port: server.port, width, most: 20_000, seconds: seconds + 2 });
      await sleep(2_000);
      const seen = await signIns(users);
      const { sent, answers } = await attack();
      const other = Object.keys(seen.statuses).some((status) => status !== '303');
      row(
        title,
        "others' sign-in p99 ≤ 3 s, no 503",
        `p99 ${ms(seen.p99)} (${(seen.p99 / quiet.p99).toFixed(1)} × quiet); ${counts(seen.statuses)}`,
        seen.p99 <= 3_000 && !other,
      );
      notes.push(`${title}: ${sent} sent, answered ${counts(answers)}; ${mib(server.memory('VmHWM'))} at most.`);
    }
  });
}

/** A user posts and loads a page, ten times per second. */
async function ordinaryUse(user) {
  const posts = [];
  const pages = [];
  const wrong = [];
  const started = Date.now();
  for (let n = 0; Date.now() - started < seconds * 1_000; n++) {
    const post = await user.api('POST', '/rooms/1/messages', { body: `Message ${n} of an ordinary conversation.` });
    const page = await user.page('/rooms/1');
    posts.push(post.ms);
    pages.push(page.ms);
    wrong.push(...[post.status, page.status].filter((status) => status !== 201 && status !== 200));
    await sleep(Math.max(0, started + (n + 1) * 100 - Date.now()));
  }
  return {
    post: percentile(posts, 99),
    page: percentile(pages, 99),
    postMedian: percentile(posts, 50),
    pageMedian: percentile(pages, 50),
    wrong: tally(wrong),
  };
}

async function floods() {
  await on('on', async (server) => {
    const names = Array.from({ length: 20 }, (_, n) => `member${n}`);
    const users = await pool(names, 2, async (name, n) =>
      (await User.register(server, name, `203.0.113.${n + 20}`)).sign(),
    );
    const luis = await (await User.register(server, 'luis', '203.0.113.8')).sign();
    const body = Array(900).fill('alpha beta gamma').join(' ').slice(0, 15_900);
    const posted = await pool(Array.from({ length: 2_000 }), 8, (_, n) =>
      users[n % 20].api('POST', '/rooms/1/messages', { body }),
    );
    if (posted.some(({ status }) => status !== 201))
      throw new Error(`posts: ${counts(tally(posted.map(({ status }) => status)))}`);
    // Messages are indexed after the posts.
    await sleep(5_000);
    await attackOthers(
      server,
      users.map((user) => user.token),
      luis,
    );
  });
}

async function attackOthers(server, tokens, luis) {
  const attacks = [
    ['8 users with the worst search, 2 at once each', { kind: 'search', width: 16, tokens: tokens.slice(0, 8) }],
    ['post flood by one member over 12 connections', { kind: 'posts', width: 12, tokens: [tokens[10]] }],
    ['room flood by one member over 12 connections', { kind: 'rooms', width: 12, tokens: [tokens[11]] }],
    ['frame flood by one member', { kind: 'frames', width: 1, tokens: [tokens[12]] }],
  ];
  const quiet = await ordinaryUse(luis);
  const said = (use) =>
    `post ${ms(use.post)}, page ${ms(use.page)} (medians ${ms(use.postMedian)}, ${ms(use.pageMedian)})${Object.keys(use.wrong).length ? `; ${counts(use.wrong)}` : ''}`;
  row(
    `another user posts and looks at a page, quiet, ${seconds} s`,
    '–',
    `p99 ${said(quiet)}`,
    Object.keys(quiet.wrong).length === 0,
  );
  for (const [title, what] of attacks) {
    const attack = flood({ ...what, port: server.port, most: 600_000, seconds: seconds + 2 });
    await sleep(2_000);
    const use = await ordinaryUse(luis);
    const { sent, answers } = await attack();
    const [post, page] = [use.post / quiet.post, use.page / quiet.page];
    row(
      title,
      "another user's p99 ≤ 3 × quiet",
      `${post.toFixed(1)} × for a post, ${page.toFixed(1)} × for a page: ${said(use)}`,
      post <= 3 && page <= 3 && Object.keys(use.wrong).length === 0,
    );
    notes.push(`${title}: ${sent} sent, answered ${counts(answers)}; ${mib(server.memory('VmHWM'))} at most.`);
    await sleep(3_000);
  }
}

function table() {
  const git = (...args) => execFileSync('git', args, { encoding: 'utf8', cwd: HERE }).trim();
  const head = [
    ['Attack', 'must', 'seen', 'holds'],
    ['---', '---', '---', '---'],
  ];
  const lines = [...head, ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const where = `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, Linux ${os.release()}, ${os.cpus().length} × ${os.cpus()[0]?.model.trim()}, load average at the end ${os.loadavg()[0].toFixed(1)}; sources at ${git('rev-parse', '--short', 'HEAD')}.`;
  const matrix =
    'Who may do what: every route and live frame, asked by each role, is a test (`tests/it/authorization`); a route that is not in its table fails it.';
  return [
    where,
    `The server has ${MEMORY_KB} KB of address space and ${FILES} files.`,
    '',
    ...lines,
    '',
    ...notes.map((note) => `- ${note}`),
    `- ${matrix}`,
  ].join('\n');
}

const scenes = { pictures, memory, passwords, floods };
const names = options.only?.split(',') ?? Object.keys(scenes);
for (const name of names) {
  if (!scenes[name]) throw new Error(`there is no ${name}: ${Object.keys(scenes).join(', ')}`);
  await scenes[name]();
}
console.log(table());
if (options.write) {
  const [before, after] = readFileSync(RESULTS, 'utf8').split(/<!-- table -->[\s\S]*<!-- end of table -->/);
  writeFileSync(RESULTS, `${before}<!-- table -->\n\n${table()}\n\n<!-- end of table -->${after}`);
}
process.exit(0);
