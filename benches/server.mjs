// A Patio on a data directory of its own, for measurements that ask one request after the other.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { used } from './cpu-time.mjs';
import { freePort, up } from './peers/process.mjs';

export const PASSWORD = 'correcto-caballo-42-grapa';
const JSON_TYPE = 'application/json';

export class Server {
  constructor(program, settings = {}) {
    this.program = program;
    this.settings = settings;
    this.data = mkdtempSync(path.join(tmpdir(), 'patio-bench-'));
  }

  get env() {
    const own = { DATA_DIR: this.data, LISTEN: '127.0.0.1', LOG: 'warn', RATE_LIMIT: 'off', PORT: String(this.port) };
    return { ...process.env, ...own, ...this.settings };
  }

  /** Starts the server, by another program if there is one: `['valgrind', …]`. */
  async start(by = []) {
    this.port ??= await freePort(); // the names of cookies contain it
    const [command, ...rest] = [...by, this.program];
    this.child = spawn(command, rest, { env: this.env, stdio: 'ignore' });
    while (!(await up('/up')(this.port))) await sleep(20);
    this.agent = new Agent({ keepAlive: true, maxSockets: 1 });
  }

  async stop(signal = 'SIGTERM') {
    this.agent.destroy();
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await ended;
  }

  remove() {
    rmSync(this.data, { recursive: true, force: true });
  }

  register(name) {
    return this.send('/api/v1/users', { name, email: `${name}@example.test`, password: PASSWORD });
  }

  /** The headers of requests in the name of a user. */
  async token(login) {
    const { token } = await this.send('/api/v1/tokens', { login, password: PASSWORD });
    return { authorization: `Bearer ${token}` };
  }

  /** The cookies of a new session. */
  async signIn(login) {
    const body = new URLSearchParams({ login, password: PASSWORD }).toString();
    const { headers } = await this.ask('/login', { method: 'POST', body, type: 'application/x-www-form-urlencoded' });
    return headers['set-cookie'].map((cookie) => cookie.split(';')[0]).join('; ');
  }

  /** Sends JSON; the answer must be a success. */
  async send(where, value, headers) {
    const answer = await this.ask(where, { method: 'POST', body: JSON.stringify(value), type: JSON_TYPE, headers });
    if (answer.status >= 300) throw new Error(`${where}: ${answer.status} ${answer.text}`);
    return answer.text && JSON.parse(answer.text);
  }

  ask(where, { method = 'GET', body, type, headers = {}, agent = this.agent } = {}) {
    const all = { ...headers, ...(body && { 'content-type': type, 'content-length': Buffer.byteLength(body) }) };
    return new Promise((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port: this.port, path: where, method, agent, headers: all },
        (answer) => {
          const parts = [];
          answer.on('data', (part) => parts.push(part));
          answer.on('end', () => {
            const bytes = Buffer.concat(parts);
            const { statusCode: status, headers } = answer;
            resolve({ status, headers, bytes: bytes.length, text: bytes.toString('utf8') });
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** Milliseconds of CPU so far, of all threads. */
  cpu() {
    return used([this.child.pid]) / 1_000;
  }
}
