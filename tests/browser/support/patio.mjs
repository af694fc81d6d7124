// Patio in its own process, with an empty data directory and a free port. It can be frozen, killed and restarted.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from './eventually.mjs';
import { FlakyProxy } from './flaky-proxy.mjs';

const EXECUTABLE = path.resolve(process.env.PATIO_BIN ?? 'target/debug/patio');
const HOST = '127.0.0.1';
// The maximum random delay in milliseconds between page and server, to find tests that do not wait for a result.
const JITTER = Number(process.env.UNEVEN ?? 0);

export const PASSWORD = 'quiet tomato garden';
export const emailOf = (name) => `${name}@huerto.example`;

export class Patio {
  executable = EXECUTABLE;
  log = '';
  wasDown = false;
  #others = [];

  static async open(environment = {}) {
    const patio = await Patio.#on(await mkdtemp(path.join(tmpdir(), 'patio-test-')), environment);
    if (JITTER) await patio.#addJitter();
    return patio;
  }

  static async #on(directory, environment) {
    const patio = new Patio();
    patio.environment = environment;
    patio.directory = directory;
    patio.port = await freePort();
    patio.origin = `http://${HOST}:${patio.port}`;
    await patio.start();
    return patio;
  }

  /** Another process on the same data. It ends with this one. */
  async beside(environment = {}) {
    const other = await Patio.#on(this.directory, environment);
    this.#others.push(other);
    return other;
  }

  async start() {
    const env = {
      ...process.env,
      PORT: this.port,
      LISTEN: HOST,
      DATA_DIR: this.directory,
      RATE_LIMIT: 'off',
      LINK_PREVIEWS: 'off',
      LOG: 'warn',
      ...this.environment,
    };
    this.process = spawn(EXECUTABLE, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    this.process.stderr.on('data', (text) => {
      this.log += text;
    });
    await eventually(async () => {
      if (this.process.exitCode !== null) throw new Error(`Patio ended: ${this.log}`);
      const { ok } = await fetch(`${this.origin}/up`);
      if (!ok) throw new Error('Patio is not up');
    });
  }

  /** Sends everything through a proxy with random delays. */
  async #addJitter() {
    this.jitter = await FlakyProxy.open(this);
    this.jitter.delay = () => Math.random() * JITTER;
    this.origin = this.jitter.origin;
  }

  /** Kills the process without warning. */
  async kill() {
    this.wasDown = true;
    await this.#stop('SIGKILL');
  }

  freeze() {
    this.process.kill('SIGSTOP');
  }
  thaw() {
    this.process.kill('SIGCONT');
  }

  /** What this process and those beside it have logged. */
  logs() {
    return [this, ...this.#others].map(({ log }) => log).join('');
  }

  async close() {
    for (const process of [this, ...this.#others]) await process.#stop('SIGKILL');
    this.jitter?.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  async #stop(signal) {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill(signal);
    await ended;
  }

  /** A client of the JSON API. Its user is registered but not online. */
  async apiClient(name) {
    await this.api('users', { name, email: emailOf(name), password: PASSWORD });
    const { token } = await this.api('tokens', { login: name, password: PASSWORD, label: 'test' });
    const post = (body, room = 1) => this.api(`rooms/${room}/messages`, { body }, token);
    const change = (method, path, content) => this.api(`messages/${path}`, content, token, method);
    return {
      name,
      token,
      post,
      /** Posts a message with files, as `[name, bytes, alt]`. */
      postFiles: async (body, files, room = 1) => {
        const ids = [];
        for (const [name, bytes, alt = ''] of files) ids.push((await this.#upload(name, bytes, alt, token)).id);
        return this.api(`rooms/${room}/messages`, { body, files: ids }, token);
      },
      edit: (id, body) => change('PATCH', id, { body }),
      remove: (id) => change('DELETE', id),
      react: (id, emoji) => change('PUT', `${id}/reactions/${encodeURIComponent(emoji)}`),
    };
  }

  async #upload(name, bytes, alt, token) {
    const body = new FormData();
    body.set('alt', alt);
    body.set('file', new File([bytes], name));
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${this.origin}/api/v1/files`, { method: 'POST', headers, body });
    if (!response.ok) throw new Error(`${name}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async api(path, content, token, method = 'POST') {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    const response = await fetch(`${this.origin}/api/v1/${path}`, { method, headers, body: JSON.stringify(content) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? null : response.json();
  }
}

async function freePort() {
  const probe = createServer().listen(0, HOST);
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
