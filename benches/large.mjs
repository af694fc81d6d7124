// Pages of a large installation, for one or more executables in turn: 3,000 users, all in the lobby, 1,000 rooms, and a
// user with 10 rooms beside one with 300. Bytes, time and CPU of a request, one request after the other. See README.md.
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { PASSWORD, Server } from './server.mjs';

const { values: options, positionals: programs } = parseArgs({
  allowPositionals: true,
  options: {
    requests: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
    serve: { type: 'boolean', default: false },
  },
});
if (programs.length === 0) {
  console.error('node large.mjs [--requests N] [--rounds N] EXECUTABLE…\nnode large.mjs --serve EXECUTABLE');
  process.exit(2);
}

const USERS = 3_000;
const ROOMS = 1_000;
const CREATED = '2026-01-01T00:00:00.000Z';
const FEW = 10;
const MANY = 300;

/** What is measured: whose session, which pages in turn, and the headers of the script that asks. */
const LIVE = { 'patio-sidebar': 'live' };
const CASES = {
  'room with 3,000 members': { who: 'few', paths: ['/rooms/1'] },
  'switching rooms, 10 rooms': { who: 'few', paths: ['/rooms/1001', '/rooms/1002'], headers: LIVE },
  'switching rooms, 300 rooms': { who: 'many', paths: ['/rooms/1001', '/rooms/1002'], headers: LIVE },
  'room as a whole page, 10 rooms': { who: 'few', paths: ['/rooms/1001', '/rooms/1002'] },
  'room as a whole page, 300 rooms': { who: 'many', paths: ['/rooms/1001', '/rooms/1002'] },
  'switching to the room with 3,000 members': { who: 'few', paths: ['/rooms/1'], headers: LIVE },
  'members, a search': { who: 'few', paths: ['/rooms/1/members?q=persona+29'], headers: { 'patio-part': 'rows' } },
  '/people': { who: 'few', paths: ['/people'] },
  '/people, a search': { who: 'few', paths: ['/people?q=persona+29'] },
  '/admin': { who: 'few', paths: ['/admin'] },
  '/rooms': { who: 'few', paths: ['/rooms'] },
};

/** Two accounts by registration, the others by an export and an import. Returns the cookies of sessions. */
async function fill(server) {
  await server.start();
  for (const name of ['few', 'many']) await server.register(name);
  const folder = path.join(server.data, 'export');
  execFileSync(server.program, ['export', '--full', folder], { env: server.env });
  await server.stop();
  addToExport(folder);
  const filled = mkdtempSync(path.join(tmpdir(), 'patio-large-'));
  execFileSync(server.program, ['import', 'patio', folder], { env: { ...server.env, DATA_DIR: filled } });
  server.remove();
  server.data = filled;
  await server.start();
  return { few: await server.signIn('few'), many: await server.signIn('many') };
}

function addToExport(folder) {
  const summary = JSON.parse(readFileSync(path.join(folder, 'export.json'), 'utf8'));
  const lines = (file) =>
    readFileSync(path.join(folder, file), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  const [few, many] = ['few', 'many'].map((name) => lines('people.jsonl').find((user) => user.name === name).id);
  const numbered = (count, make) => Array.from({ length: count }, (_, n) => make(1001 + n));
  const join = (user_id, room_id) => ({ user_id, room_id, last_read_seq: 0, joined_at: CREATED });
  const added = {
    'people.jsonl': numbered(USERS - 2, (id) => ({
      ...lines('people.jsonl')[1],
      id,
      name: `persona${id}`,
      display_name: `Persona ${id} de la Fuente`,
      email: `persona${id}@example.test`,
    })),
    'rooms.jsonl': numbered(ROOMS, (id) => ({
      ...lines('rooms.jsonl')[0],
      id,
      name: `Sala ${id}`,
      topic: 'De qué se habla aquí',
      lobby: false,
      owner_id: few,
    })),
    'memberships.jsonl': [
      ...numbered(USERS - 2, (id) => join(id, 1)),
      ...numbered(FEW - 1, (id) => join(few, id)),
      ...numbered(MANY - 1, (id) => join(many, id)),
    ],
  };
  for (const [file, records] of Object.entries(added)) {
    appendFileSync(path.join(folder, file), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    summary.lines[file] += records.length;
  }
  writeFileSync(path.join(folder, 'export.json'), JSON.stringify(summary));
}

const at = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];

/** Milliseconds and bytes of many requests. */
async function measure({ server, sessions }, { who, paths, headers }, requests) {
  const times = [];
  let bytes = 0;
  const before = server.cpu();
  for (let n = 0; n < requests; n++) {
    const started = performance.now();
    const answer = await server.ask(paths[n % paths.length], { headers: { ...headers, cookie: sessions[who] } });
    times.push(performance.now() - started);
    if (answer.status !== 200) return null;
    bytes = answer.bytes;
  }
  return { times, bytes, cpu: (server.cpu() - before) / requests };
}

const servers = [];
for (const program of programs) {
  const server = new Server(program);
  servers.push({ server, sessions: await fill(server) });
}
if (options.serve) {
  console.log(`http://127.0.0.1:${servers[0].server.port} as few or many with ${PASSWORD}; Ctrl+C ends it`);
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
  await servers[0].server.stop();
  servers[0].server.remove();
  process.exit();
}
const all = new Map();
for (let round = 0; round < Number(options.rounds); round++) {
  for (const [name, one] of Object.entries(CASES)) {
    for (const [index, server] of servers.entries()) {
      await measure(server, one, 10); // to warm up
      const result = await measure(server, one, Number(options.requests));
      if (!result) continue; // an older executable without this page
      const key = `${name}|${index}`;
      const sum = all.get(key) ?? { times: [], cpu: [], bytes: 0 };
      all.set(key, { times: sum.times.concat(result.times), cpu: [...sum.cpu, result.cpu], bytes: result.bytes });
    }
  }
}
console.log('| page | executable | bytes | p50 ms | p99 ms | CPU ms |\n| --- | --- | --- | --- | --- | --- |');
for (const [key, { times, cpu, bytes }] of all) {
  const [name, index] = key.split('|');
  const sorted = times.sort((a, b) => a - b);
  const middle = at(
    [...cpu].sort((a, b) => a - b),
    0.5,
  );
  const figures = [at(sorted, 0.5), at(sorted, 0.99), middle].map((figure) => figure.toFixed(2));
  console.log(`| ${name} | ${programs[index]} | ${bytes} | ${figures.join(' | ')} |`);
}
for (const { server } of servers) {
  await server.stop();
  server.remove();
}
