// Instructions of the server for a request, for one or more executables. Unlike time they are the same on a busy machine,
// so a difference of a percent means something; the kernel's part and waiting are not in them. Needs valgrind. See README.md.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { freePort, up } from './peers/process.mjs';

const { values: options, positionals: programs } = parseArgs({
  allowPositionals: true,
  options: { requests: { type: 'string', default: '100' } },
});
if (programs.length === 0) {
  console.error('node instructions.mjs [--requests N] EXECUTABLE…');
  process.exit(2);
}

const REQUESTS = Number(options.requests);
const USERS = 20;
const ROOMS = 10;
const MESSAGES = 50;
const PASSWORD = 'correcto-caballo-42-grapa';
const JSON_TYPE = 'application/json';

/** What is measured: the path, and the headers of the script that asks. */
const CASES = {
  'a room as a whole page': { path: '/rooms/2' },
  'a room from another page': { path: '/rooms/2', headers: { 'patio-sidebar': 'live' } },
  'the switcher': { path: '/switcher' },
};

class Server {
  constructor(program) {
    this.program = program;
    this.data = mkdtempSync(path.join(tmpdir(), 'patio-instructions-'));
  }

  /** Counts instructions into a file if there is one. */
  async start(counts) {
    this.port ??= await freePort(); // the names of cookies contain it
    const counted = ['valgrind', '--tool=callgrind', '--trace-children=yes', `--callgrind-out-file=${counts}`];
    const [command, ...rest] = [...(counts ? counted : []), this.program];
    const env = { DATA_DIR: this.data, LISTEN: '127.0.0.1', LOG: 'info', RATE_LIMIT: 'off', PORT: String(this.port) };
    this.child = spawn(command, rest, { env: { ...process.env, ...env }, stdio: 'ignore' });
    while (!(await up('/up')(this.port))) await sleep(50);
    this.agent = new Agent({ keepAlive: true, maxSockets: 1 });
  }

  async stop() {
    this.agent.destroy();
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill();
    await ended;
  }

  async fill() {
    await this.start();
    for (let n = 0; n < USERS; n++) {
      await this.send('/api/v1/users', { name: `user${n}`, email: `user${n}@example.test`, password: PASSWORD });
    }
    const { token } = JSON.parse((await this.send('/api/v1/tokens', { login: 'user0', password: PASSWORD })).text);
    const headers = { authorization: `Bearer ${token}` };
    for (let n = 0; n < ROOMS; n++) {
      await this.send('/api/v1/rooms', { name: `Sala ${n}`, visibility: 'public' }, headers);
    }
    for (let n = 0; n < MESSAGES; n++) {
      await this.send('/api/v1/rooms/2/messages', { body: `This is message number ${n} of a talk in a room` }, headers);
    }
    const body = new URLSearchParams({ login: 'user0', password: PASSWORD }).toString();
    const type = 'application/x-www-form-urlencoded';
    const signedIn = await this.ask('/login', { method: 'POST', body, type });
    this.cookie = signedIn.headers['set-cookie'].map((cookie) => cookie.split(';')[0]).join('; ');
    await this.stop();
  }

  send(where, value, headers) {
    return this.ask(where, { method: 'POST', body: JSON.stringify(value), type: JSON_TYPE, headers });
  }

  ask(where, { method = 'GET', body, type, headers = {} } = {}) {
    const { agent, port } = this;
    const all = { ...headers, ...(body && { 'content-type': type, 'content-length': Buffer.byteLength(body) }) };
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path: where, method, agent, headers: all }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (part) => {
          text += part;
        });
        answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** Instructions of a run with these requests, start and stop included. */
  async count(requests, { path: where, headers } = {}) {
    const counts = path.join(this.data, 'counts');
    await this.start(counts);
    for (let n = 0; n < requests; n++) {
      const answer = await this.ask(where, { headers: { ...headers, cookie: this.cookie } });
      if (answer.status !== 200) throw new Error(`${where}: ${answer.status}`);
    }
    await this.stop();
    return Number(readFileSync(counts, 'utf8').match(/^(?:totals|summary): (\d+)/m)[1]);
  }
}

execFileSync('valgrind', ['--version'], { stdio: 'ignore' });
for (const program of programs) {
  const server = new Server(program);
  try {
    await server.fill();
    const none = await server.count(0);
    for (const [name, one] of Object.entries(CASES)) {
      const each = ((await server.count(REQUESTS, one)) - none) / REQUESTS;
      console.log(`${program}: ${name}: ${Math.round(each / 1000)} thousand instructions`);
    }
  } finally {
    rmSync(server.data, { recursive: true, force: true });
  }
}
