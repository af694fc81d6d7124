// Measures the database on SQLite and PostgreSQL: the cost of writes compared with one commit per message, and the cost of
// reads with ten million messages. See README.md.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { children, used } from './cpu-time.mjs';
import { psql } from './installation.mjs';
import { CORES, freePort, launch, start, up } from './peers/process.mjs';
import { markdown } from './store-table.mjs';

const HERE = import.meta.dirname;
const STORE = path.join(HERE, '../target/release/store');
const WSLOAD = path.join(HERE, 'target/release/wsload');
const RESULTS = path.join(HERE, 'STORE.md');
const POSTGRES = path.join(HERE, '../script/postgres');
const PARTS = ['bytes', 'ask', 'ack', 'post', 'ingest'];

const { values: options } = parseArgs({
  options: {
    patio: { type: 'string', default: path.join(HERE, '../target/release/patio') },
    messages: { type: 'string', default: '10000000' },
    at: { type: 'string', default: path.join(HERE, 'out/store') },
    engine: { type: 'string', default: 'both' },
    rounds: { type: 'string', default: '7' },
    only: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const USAGE = `node store.mjs [--messages N] [--at FOLDER] [--engine sqlite|postgres|both] [--rounds N] [--only NAME,…] [--write]

  --messages  how large the database is (10000000); 300000 to try
  --at        where databases are kept, each made once (out/store)
  --rounds    of what is stored at full speed (7)
  --only      ${PARTS.join(', ')}, or none: only make the databases
  --write     puts the table into STORE.md`;

const messages = Number(options.messages);
const rounds = Number(options.rounds);
const parts = options.only?.split(',') ?? PARTS;
const at = path.resolve(options.at);
const resultsOf = (engine) => path.join(at, `${engine}-${messages}.json`);

/** Runs `store` and returns its output. */
function store(...args) {
  const command = ['-c', CORES, STORE, ...args.map(String)];
  return JSON.parse(execFileSync('taskset', command, { stdio: ['ignore', 'pipe', 'inherit'] }));
}

/** How to create, copy and remove databases of each engine. A place is the directory or URL that Patio gets. */
const engines = {
  sqlite: {
    at: (name) => path.join(at, `sqlite-${name}`),
    exists: (place) => existsSync(path.join(place, 'filled.json')),
    create: (place) => mkdirSync(place, { recursive: true }),
    drop: (place) => rmSync(place, { recursive: true, force: true }),
    copy: (from, to) => cpSync(from, to, { recursive: true }),
    env: (place) => ({ DATA_DIR: place }),
    filled: (place) => path.join(place, 'filled.json'),
    bytes: (place) => statSync(path.join(place, 'patio.db')).size,
    pids: () => [],
  },
  postgres: {
    at: (name) => process.env.DATABASE_URL.replace('///postgres?', `///patio_${name}?`),
    exists: (place) =>
      psql('postgres', `select 1 from pg_database where datname = '${named(place)}'`) === '1' &&
      existsSync(engines.postgres.filled(place)),
    create: (place) => psql('postgres', `create database ${named(place)} encoding 'UTF8'`),
    drop: (place) => psql('postgres', `drop database if exists ${named(place)}`),
    copy: (from, to) => psql('postgres', `create database ${named(to)} template ${named(from)}`),
    env: (place) => ({ DATABASE_URL: place, DATA_DIR: path.join(at, 'postgres-data') }),
    filled: (place) => path.join(at, `${named(place)}.json`),
    bytes: (place) =>
      Number(
        psql(
          named(place),
          "select pg_total_relation_size('messages') + pg_total_relation_size('search') + pg_total_relation_size('mentions')",
        ),
      ),
    pids: () => children(process.env.POSTGRES_PID),
  },
};
const named = (url) => /\/\/\/(\w+)\?/.exec(url)[1];

/** A database with this many messages, created if it does not exist. */
function database(engine, count) {
  const place = engine.at(count);
  if (engine.exists(place)) return { place, filled: JSON.parse(readFileSync(engine.filled(place), 'utf8')) };
  console.error(`making ${place}`);
  engine.drop(place);
  engine.create(place);
  const filled = { ...store('fill', '--to', place, '--messages', count), bytes: engine.bytes(place) };
  writeFileSync(engine.filled(place), JSON.stringify(filled));
  return { place, filled };
}

const percentile = (values, share) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
};

/** A Patio on a database, with the processor time of it and of the database server. */
async function serve(engine, place) {
  const port = await freePort();
  const env = { PATH: process.env.PATH, RATE_LIMIT: 'off', LOG: 'warn', LISTEN: '127.0.0.1', PORT: String(port) };
  const server = await start([path.resolve(options.patio)], port, {
    answers: up('/ready'),
    env: { ...env, ...engine.env(place) },
  });
  return { ...server, pids: () => [server.child.pid, ...engine.pids()] };
}

/** One request at a time: the run time of the server's threads from before it until they are idle. */
async function ask(server, paths, count = paths.length) {
  const base = `http://127.0.0.1:${server.port}/api/v1`;
  const headers = { authorization: 'Bearer bench-token-0', 'accept-encoding': 'identity' };
  const get = async (path) => {
    const answer = await fetch(base + path, { headers });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  };
  // Warm-up: prepares the statements on every connection and reads the data from disk.
  for (let n = 0; n < 40; n++) await get(paths[n % paths.length]);
  const [cpu, wall, items] = [[], [], []];
  const pids = server.pids();
  await sleep(50);
  for (let n = 0; n < count; n++) {
    const before = used(pids);
    const started = performance.now();
    const found = await get(paths[n % paths.length]);
    wall.push(performance.now() - started);
    await sleep(2);
    cpu.push((used(pids) - before) / 1_000);
    items.push(found.items?.length ?? 0);
  }
  const slowest = cpu
    .map((ms, n) => [ms, paths[n % paths.length]])
    .sort(([a], [b]) => b - a)
    .slice(0, 5);
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    count,
    cpu_p50: percentile(cpu, 0.5),
    cpu_p99: percentile(cpu, 0.99),
    cpu_mean: mean(cpu),
    wall_p50: percentile(wall, 0.5),
    wall_p99: percentile(wall, 0.99),
    items: mean(items),
    slowest,
  };
}

/** Rooms by popularity: the largest one most often. */
async function visits(server, count) {
  const headers = { authorization: 'Bearer bench-token-0' };
  const answer = await fetch(`http://127.0.0.1:${server.port}/api/v1/rooms`, { headers });
  const rooms = (await answer.json()).items
    .filter((room) => room.last_seq > 100)
    .sort((a, b) => b.last_seq - a.last_seq);
  const ends = rooms.map(
    (
      (sum) => (_, n) =>
        (sum += 1 / (n + 1))
    )(0),
  );
  return Array.from(
    { length: count },
    () => rooms[ends.findIndex((end) => end >= Math.random() * ends.at(-1))] ?? rooms[0],
  );
}

const questions = {
  me: async () => ['/me'],
  open: async (server) => (await visits(server, 500)).map((room) => `/rooms/${room.id}/messages?limit=50`),
  page: async (server) =>
    (await visits(server, 500)).map(
      (room) => `/rooms/${room.id}/messages?limit=50&before=${60 + Math.floor(Math.random() * (room.last_seq - 60))}`,
    ),
};

async function load(server, args) {
  const child = launch(
    [
      WSLOAD,
      '--to',
      `127.0.0.1:${server.port}`,
      '--speak',
      'patio',
      '--pid',
      server.pids().join(),
      ...args.map(String),
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let text = '';
  for await (const piece of child.stdout) text += piece;
  return JSON.parse(text);
}

const SEATS = ['--rooms', 8, '--members', 8, '--users', 64, '--body', 114, '--first-room', 1];

async function measure(engine) {
  const { place, filled } = database(engine, messages);
  const results = { filled, load: os.loadavg()[0] };
  const note = (name, value) => {
    results[name] = value;
    console.error(`${name}: ${JSON.stringify(value)}`);
  };
  if (parts.includes('bytes')) note('bytes', filled.bytes / filled.messages);
  if (['ask', 'ack', 'post'].some((part) => parts.includes(part))) {
    const server = await serve(engine, place);
    try {
      if (parts.includes('ask')) {
        for (const [name, paths] of Object.entries(questions)) note(name, await ask(server, await paths(server), 500));
        for (const [name, list] of Object.entries(store('queries', '--messages', messages))) {
          note(
            name,
            await ask(
              server,
              list.map((text) => `/search?limit=20&q=${encodeURIComponent(text)}`),
            ),
          );
        }
      }
      for (const [part, how] of [
        ['ack', ['--seconds', 15, '--rate', 1000]],
        ['post', ['--seconds', 6]],
      ]) {
        if (!parts.includes(part)) continue;
        const runs = [];
        for (let round = 0; round < 3; round++) runs.push(await load(server, ['post', ...SEATS, ...how]));
        note(part, runs);
      }
    } finally {
      await server.stop();
    }
  }
  if (parts.includes('ingest')) note('ingest', ingest(engine));
  results.loadEnd = os.loadavg()[0];
  return results;
}

/** The writers in turn, each on a new database. */
function ingest(engine) {
  const { place } = database(engine, 1_000);
  const fresh = engine.at('now');
  const run = (...args) => {
    engine.drop(fresh);
    engine.copy(place, fresh);
    const outcome = store(...args, '--to', fresh);
    engine.drop(fresh);
    return outcome;
  };
  const found = [];
  for (let round = 0; round < rounds; round++) {
    found.push({
      baseline: run('baseline', '--concurrency', 64),
      single: run('baseline', '--concurrency', 64, '--connections', 1),
      patio: run('ingest'),
    });
    console.error(JSON.stringify(found.at(-1)));
  }
  return found;
}

async function main() {
  const names = options.engine === 'both' ? Object.keys(engines) : [options.engine];
  if (options.help || names.some((name) => !engines[name])) {
    console.error(USAGE);
    process.exit(options.help ? 0 : 2);
  }
  mkdirSync(at, { recursive: true });
  for (const name of names) {
    if (name === 'postgres' && !process.env.POSTGRES_PID) {
      // Run this script again with a PostgreSQL server that keeps its databases.
      const again = [
        '--keep',
        path.join(at, 'postgres'),
        process.execPath,
        import.meta.filename,
        ...process.argv.slice(2),
      ];
      const { status } = spawnSync(POSTGRES, [...again, '--engine', 'postgres'], { stdio: 'inherit' });
      if (status) process.exit(status);
      continue;
    }
    const known = existsSync(resultsOf(name)) ? JSON.parse(readFileSync(resultsOf(name), 'utf8')) : {};
    writeFileSync(resultsOf(name), JSON.stringify({ ...known, ...(await measure(engines[name])) }, null, 1));
  }
  if (process.env.POSTGRES_PID) return;
  const results = {};
  for (const name of Object.keys(engines)) {
    if (existsSync(resultsOf(name))) results[name] = JSON.parse(readFileSync(resultsOf(name), 'utf8'));
  }
  const table = markdown(results, { messages, date: new Date(), patio: options.patio });
  console.log(table);
  if (!options.write) return;
  const [before, after] = readFileSync(RESULTS, 'utf8').split(/<!-- table -->[\s\S]*<!-- end of table -->/);
  writeFileSync(RESULTS, `${before}<!-- table -->\n\n${table}\n\n<!-- end of table -->${after}`);
}

await main();
