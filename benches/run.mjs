// Runs the measurements: all peers in turn, round after round (A B C, A B C), on the same cores, and
// records medians. See README.md.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import { bare, bun, ejabberd, ngircd } from './peers/index.mjs';
import { HISTORY, Patio } from './peers/patio.mjs';
import { launch } from './peers/process.mjs';
import { markdown } from './table.mjs';

const HERE = import.meta.dirname;
const WSLOAD = path.join(HERE, 'target/release/wsload');
const RESULTS = path.join(HERE, 'RESULTS.md');
const MISSED = 20;

const { values: options } = parseArgs({
  options: {
    patio: { type: 'string', default: path.join(HERE, '../target/release/patio') },
    rounds: { type: 'string' },
    only: { type: 'string' },
    alone: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const USAGE = `node run.mjs [--patio EXECUTABLE] [--rounds N] [--only NAME,…] [--alone] [--quick] [--write]

  --patio   the server to measure; without it target/release/patio
  --rounds  how often everything is run (3)
  --only    some measurements: NAMES
  --alone   without the other servers
  --quick   small rooms and short runs, to see that all of it works; the figures mean nothing
  --write   puts the table into RESULTS.md`;

const quick = options.quick;
const rounds = Number(options.rounds ?? (quick ? 1 : 3));
const [big, small] = quick ? [1_000, 200] : [10_000, 1_000];
const seconds = quick ? 2 : 10;
const scratch = mkdtempSync(path.join(tmpdir(), 'patio-bench-'));
const patio = new Patio(path.resolve(options.patio), scratch);

/** Layouts: rooms, connections in each, and users of all connections. */
const ONE = { rooms: 1, members: small, users: small };
const MANY = quick ? { rooms: 20, members: 25, users: 100 } : { rooms: 200, members: 25, users: 1_000 };
const TEN = { rooms: 10, members: big / 10, users: small };
const LARGE_ROOM = { rooms: 1, members: big, users: small };
const CHAT = { rooms: 1, members: small / 2, users: small / 2 };

const layoutArgs = ({ rooms, members, users }) => ['--rooms', rooms, '--members', members, '--users', users];
const during = (time = seconds) => ['--seconds', time, '--warm', quick ? 1 : 2];

/** The body length with which a peer's frame is as long as Patio's frame with a body of 100 bytes. */
let sameFrame = 560;
const body = (peer) => ['--body', peer === patio ? 100 : sameFrame];

/** A fan-out measurement: the rooms, and the load on them. */
const fanout = (layout, how) => async (peer) => {
  const server = await peer.start(layout);
  try {
    return await load(peer, server, ['fanout', ...layoutArgs(layout), ...how(peer), ...(server.load ?? [])]);
  } finally {
    await server.stop();
  }
};

/** Measurements by name, in the order of the table: the peers, and one run of a peer. */
const measurements = {
  room: {
    peers: [patio, bun, bare],
    run: fanout(ONE, (peer) => [...body(peer), '--rate', 15, ...during()]),
  },
  'room-same-body': {
    peers: [patio, bun, bare],
    run: fanout(ONE, () => ['--body', 300, '--rate', 15, ...during()]),
  },
  rooms: {
    peers: [patio, bun, bare],
    run: fanout(MANY, (peer) => [...body(peer), '--rate', MANY.rooms, ...during()]),
  },
  // The same posts with only their sender as reader: the cost of storing, reading and encoding.
  'rooms-alone': {
    peers: [patio, bun, bare],
    run: fanout({ ...MANY, members: 1 }, (peer) => [...body(peer), '--rate', MANY.rooms, ...during()]),
  },
  saturated: {
    peers: [patio, bun, bare],
    run: fanout(ONE, (peer) => [...body(peer), '--window', 32, ...during()]),
  },
  chat: {
    peers: [patio, bun, ngircd, ejabberd],
    run: fanout(CHAT, () => ['--body', 300, '--rate', 15, ...during()]),
  },
  slow: {
    peers: [patio, bun],
    run: async (peer) => {
      const how = (slow) => () => [
        '--body',
        peer === patio ? 12_000 : 24_400,
        '--rate',
        12,
        '--slow',
        slow,
        ...during(quick ? 5 : 20),
      ];
      return { without: await fanout(ONE, how(0))(peer), with: await fanout(ONE, how(small / 100))(peer) };
    },
  },
  idle: {
    peers: [patio, bun],
    run: async (peer) => {
      const server = await peer.start(TEN);
      try {
        return await load(peer, server, ['idle', ...layoutArgs(TEN), '--stay', quick ? 2 : 10, ...(server.load ?? [])]);
      } finally {
        await server.stop();
      }
    },
  },
  reconnect: { peers: [patio], run: reconnect },
  post: {
    peers: [patio],
    run: async (peer) => {
      const layout = { rooms: 8, members: 8, users: 64 };
      const server = await peer.start(layout);
      try {
        return await load(peer, server, ['post', ...layoutArgs(layout), '--seconds', seconds, ...server.load]);
      } finally {
        await server.stop();
      }
    },
  },
  start: {
    peers: [patio],
    run: async (peer) => {
      const server = await peer.start(TEN);
      const warm = await server.again();
      const rss = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${warm.child.pid}/status`, 'utf8'))[1]);
      await warm.stop();
      const once = await peer.run(server.data);
      await once.stop();
      return { start_ms: once.startMs, start_after_kill_ms: warm.startMs, rss_kib: rss };
    },
  },
  page: { peers: [patio], run: (peer) => visit(peer, 'warn') },
  // The same with a line in the log for each request.
  logged: { peers: [patio], run: (peer) => visit(peer, 'info') },
  flood: { peers: [patio], run: flood },
  // A few posts a second to one room, beside few and many other rooms.
  'many-rooms': {
    peers: [patio],
    run: async (peer) => {
      const post = (empty) =>
        fanout({ rooms: 1, members: 8, users: 8, empty }, () => ['--body', 100, '--rate', 20, ...during(30)])(peer);
      return { few: await post(100), many: await post(quick ? 2_000 : 200_000) };
    },
  },
};

async function visit(peer, log) {
  const server = await peer.start(TEN, log);
  try {
    return await load(peer, server, [...pages(server), '--seconds', seconds]);
  } finally {
    await server.stop();
  }
}

/** The page of a room, with its newest 50 messages. */
const pages = (server) => [
  'page',
  '--path',
  `/rooms/${server.room}`,
  '--cookie',
  server.cookie,
  '--holds',
  'quick brown fox',
  '--times',
  50,
];

/** All clients join, the server is killed and restarted, and all clients reconnect. */
async function reconnect(peer) {
  const first = await peer.start(TEN);
  let second;
  const how = [
    '--at',
    new Date().toISOString(),
    '--rev',
    first.rev,
    '--missed',
    Math.min(MISSED, HISTORY),
    ...first.load,
  ];
  const run = wsload(peer, first, ['reconnect', ...layoutArgs(TEN), ...how]);
  try {
    for await (const line of run.lines) {
      const report = JSON.parse(line);
      if (report.event !== 'inside') return { ...report, start_ms: second.startMs };
      second = await first.again();
    }
    throw new Error(`wsload reconnect: ${await run.errorOutput()}`);
  } finally {
    run.child.kill();
    await (second ?? first).stop();
  }
}

/** Page loads with and without a continuous fan-out to a large room. */
async function flood(peer) {
  const server = await peer.start(LARGE_ROOM);
  const visits = () => load(peer, server, [...pages(server), '--rate', 20, '--connections', 4, '--seconds', seconds]);
  try {
    const quiet = await visits();
    const how = ['--body', 100, '--window', 1, '--warm', 1, '--seconds', seconds + 60, ...server.load];
    const run = wsload(peer, server, ['fanout', ...layoutArgs(LARGE_ROOM), ...how]);
    try {
      await run.inside;
      await new Promise((done) => setTimeout(done, 3_000));
      return { quiet, flooded: await visits() };
    } finally {
      run.child.kill();
    }
  } finally {
    await server.stop();
  }
}

/** Runs the load generator against a server. */
function wsload(peer, server, load) {
  const where = ['--to', `127.0.0.1:${server.port}`, '--speak', peer.speak, '--pid', server.pids().join()];
  const child = launch([WSLOAD, ...where, ...load.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, RUST_BACKTRACE: '0' },
  });
  let log = '';
  const inside = new Promise((done, failed) => {
    child.stderr.on('data', (text) => {
      log = (log + text).slice(-2_000);
      if (log.includes(' came in within ')) done();
    });
    child.once('exit', () => failed(new Error(`wsload ended: ${log}`)));
  });
  inside.catch(() => {});
  // The last lines on stderr may arrive after the end of stdout.
  const over = new Promise((done) => child.once('close', (code, signal) => done(signal ?? `exit code ${code}`)));
  const errorOutput = async () => {
    const end = await over;
    return /^Error: [\s\S]*/m.exec(log)?.[0].trim() ?? `${end} after: ${log.trim()}`;
  };
  return { child, inside, lines: createInterface({ input: child.stdout }), errorOutput };
}

async function load(peer, server, args) {
  const run = wsload(peer, server, args);
  for await (const line of run.lines) return JSON.parse(line);
  throw new Error(`wsload ${args[0]}: ${await run.errorOutput()}`);
}

async function main() {
  const names = options.only?.split(',') ?? Object.keys(measurements);
  const unknown = names.find((name) => !measurements[name]);
  if (options.help || unknown) {
    console.error(USAGE.replace('NAMES', Object.keys(measurements).join(', ')));
    process.exit(options.help ? 0 : 2);
  }
  execFileSync('cargo', ['build', '--release', '--locked'], { cwd: HERE, stdio: 'inherit' });
  const missing = new Map();
  for (const peer of [patio, bun, bare, ngircd, ejabberd]) {
    const why = peer.missing() ?? (options.alone && peer !== patio ? 'not asked for' : null);
    if (why) missing.set(peer.name, why);
  }
  if (names.some((name) => name !== 'room') || quick) await probe(missing);
  const results = {};
  for (const name of names) {
    const { peers, run } = measurements[name];
    results[name] = {};
    for (let round = 1; round <= rounds; round++) {
      for (const peer of peers.filter((peer) => !missing.has(peer.name))) {
        const started = performance.now();
        let outcome;
        try {
          outcome = await run(peer);
        } catch (error) {
          outcome = { failed: error.message.trim() };
        }
        results[name][peer.name] ??= [];
        results[name][peer.name].push(outcome);
        const took = ((performance.now() - started) / 1000).toFixed(0);
        console.error(`${name} ${round}/${rounds} ${peer.name}: ${outcome.failed ?? 'done'} (${took} s)`);
      }
    }
  }
  report({ results, missing, names });
}

/** Measures the length of Patio's frame, so that the frames of other peers can be as long. */
async function probe(missing) {
  if (missing.has(patio.name)) return;
  const layout = { rooms: 1, members: 2, users: 2 };
  const found = await fanout(layout, () => ['--body', 100, '--rate', 20, '--seconds', 0.5, '--warm', 0.1])(patio);
  sameFrame = found.frame_bytes;
}

function report({ results, missing }) {
  const peers = [patio, bun, bare, ngircd, ejabberd].filter((peer) => !missing.has(peer.name));
  const versions = peers.map((peer) => peer.version()).filter(Boolean);
  const facts = { quick, rounds, versions, missing, sameFrame, big, small, many: MANY, date: new Date() };
  mkdirSync(path.join(HERE, 'out'), { recursive: true });
  const { missing: _, ...kept } = { ...facts, results };
  writeFileSync(path.join(HERE, 'out/results.json'), JSON.stringify(kept, null, 1));
  const table = markdown(results, facts);
  console.log(table);
  if (!options.write) return;
  const [before, after] = readFileSync(RESULTS, 'utf8').split(/<!-- table -->[\s\S]*<!-- end of table -->/);
  writeFileSync(RESULTS, `${before}<!-- table -->\n\n${table}\n\n<!-- end of table -->${after}`);
}

process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
await main();
