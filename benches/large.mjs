// Pages of a large installation, for one or more executables in turn: 3,000 users, all in the lobby, 1,000 rooms, and a
// user with 10 rooms beside one with 300. Bytes, time and CPU of a request, one request after the other. See README.md.
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { freePort, up } from './peers/process.mjs';

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
const PASSWORD = 'correcto-caballo-42-grapa';
const CREATED = '2026-01-01T00:00:00.000Z';
const TICK = 10; // milliseconds of CPU in /proc/PID/stat
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

class Server {
  constructor(program) {
    this.program = program;
    this.data = mkdtempSync(path.join(tmpdir(), 'patio-large-'));
  }

  get env() {
    return { DATA_DIR: this.data, LISTEN: '127.0.0.1', LOG: 'warn', RATE_LIMIT: 'off', PORT: String(this.port) };
  }

  async start() {
    this.port = await freePort();
    this.child = spawn(this.program, { env: this.env, stdio: ['ignore', 'ignore', 'inherit'] });
    while (!(await up('/up')(this.port))) await sleep(20);
    this.agent = new Agent({ keepAlive: true, maxSockets: 1 });
  }

  async stop() {
    this.agent.destroy();
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill();
    await ended;
  }

  /** Two accounts by registration, the others by an export and an import. */
  async fill() {
    await this.start();
    for (const name of ['few', 'many']) await this.register(name);
    const folder = path.join(this.data, 'export');
    execFileSync(this.program, ['export', '--full', folder], { env: this.env });
    await this.stop();
    addToExport(folder);
    const filled = mkdtempSync(path.join(tmpdir(), 'patio-large-'));
    execFileSync(this.program, ['import', 'patio', folder], { env: { ...this.env, DATA_DIR: filled } });
    rmSync(this.data, { recursive: true });
    this.data = filled;
    await this.start();
    this.sessions = { few: await this.signIn('few'), many: await this.signIn('many') };
  }

  async register(name) {
    const account = { name, email: `${name}@example.test`, password: PASSWORD };
    await this.ask('/api/v1/users', { method: 'POST', body: JSON.stringify(account), type: 'application/json' });
  }

  async signIn(login) {
    const body = new URLSearchParams({ login, password: PASSWORD }).toString();
    const { headers } = await this.ask('/login', { method: 'POST', body, type: 'application/x-www-form-urlencoded' });
    return headers['set-cookie'].map((cookie) => cookie.split(';')[0]).join('; ');
  }

  ask(where, { method = 'GET', body, type, headers = {} } = {}) {
    const { agent, port } = this;
    const all = { ...headers, ...(body && { 'content-type': type, 'content-length': Buffer.byteLength(body) }) };
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path: where, method, agent, headers: all }, (answer) => {
        let bytes = 0;
        answer.on('data', (data) => {
          bytes += data.length;
        });
        answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, bytes }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** Milliseconds of CPU so far. */
  cpu() {
    const fields = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK;
  }
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
async function measure(server, { who, paths, headers }, requests) {
  const times = [];
  let bytes = 0;
  const before = server.cpu();
  for (let n = 0; n < requests; n++) {
    const started = performance.now();
    const answer = await server.ask(paths[n % paths.length], { headers: { ...headers, cookie: server.sessions[who] } });
    times.push(performance.now() - started);
    if (answer.status !== 200) return null;
    bytes = answer.bytes;
  }
  return { times, bytes, cpu: (server.cpu() - before) / requests };
}

const servers = programs.map((program) => new Server(program));
for (const server of servers) await server.fill();
if (options.serve) {
  console.log(`http://127.0.0.1:${servers[0].port} as few or many with ${PASSWORD}; Ctrl+C ends it`);
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
  await servers[0].stop();
  rmSync(servers[0].data, { recursive: true, force: true });
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
for (const server of servers) {
  await server.stop();
  rmSync(server.data, { recursive: true, force: true });
}
