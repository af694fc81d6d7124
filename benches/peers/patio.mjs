// Patio as a peer: with a database, token authentication and every message stored.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";

import { bunPath } from "./index.mjs";
import { freePort, start, up } from "./process.mjs";

const HERE = import.meta.dirname;
/** Messages in every room before the measurement. */
export const HISTORY = 60;
const ME = { name: "bench", email: "bench@example.org", password: "five brown foxes jump at noon" };

export class Patio {
  name = "Patio";
  speak = "patio";
  #prepared = new Map();

  constructor(program, scratch) {
    this.program = program;
    this.scratch = scratch;
  }

  /** The reason why it cannot run, or null. */
  missing() {
    return bunPath() ? null : "Bun is needed to prepare its database: npm ci";
  }

  version() {
    return execFileSync(this.program, ["--version"], { encoding: "utf8" }).trim();
  }

  /** Starts on a new copy of a data directory with these rooms and users. */
  async start(layout, log) {
    const ready = await this.#prepare(layout);
    const data = path.join(this.scratch, "patio-now");
    rmSync(data, { recursive: true, force: true });
    cpSync(ready.data, data, { recursive: true });
    const server = await this.run(data, undefined, log);
    // Killed and restarted on the same data and port.
    const again = async () => {
      await server.stop("SIGKILL");
      return this.run(data, server.port, log);
    };
    // Cookie names contain the port.
    const cookie = ready.cookie.replace(/_\d+=/, `_${server.port}=`);
    return { ...server, again, ...ready, cookie, load: ["--first-room", ready.room] };
  }

  async run(data, port, log = "warn") {
    port ??= await freePort();
    const env = { PATH: process.env.PATH, RATE_LIMIT: "off", LOG: log, LISTEN: "127.0.0.1" };
    return start([this.program], port, {
      answers: up("/up"),
      env: { ...env, PORT: String(port), DATA_DIR: data },
    });
  }

  /** Creates the data once for each layout: the first rows through the API, the rest as copies. */
  async #prepare({ rooms, users, empty = 0 }) {
    const key = `${rooms}x${users}x${empty}`;
    if (this.#prepared.has(key)) return this.#prepared.get(key);
    const data = path.join(this.scratch, `patio-${key}`);
    mkdirSync(data, { recursive: true });
    const server = await this.run(data);
    const base = `http://127.0.0.1:${server.port}`;
    const ask = asker(`${base}/api/v1`);
    await ask("/users", ME);
    const { token } = await ask("/tokens", { login: ME.name, password: ME.password, label: "bench" });
    const room = await ask("/rooms", { name: "bench room", visibility: "public" }, token);
    for (let n = 0; n < HISTORY; n++) {
      const body = `Message ${n}: the quick brown fox jumps over the lazy dog, as it always does.`;
      await ask(`/rooms/${room.id}/messages`, { body }, token);
    }
    const { rev } = await ask(`/rooms/${room.id}`, undefined, token);
    const form = new URLSearchParams({ login: ME.name, password: ME.password });
    const signedIn = await fetch(`${base}/login`, { method: "POST", body: form, redirect: "manual" });
    const cookie = signedIn.headers.getSetCookie().find((text) => text.startsWith("patio_session"));
    if (!cookie) throw new Error(`no session cookie: ${signedIn.status} ${await signedIn.text()}`);
    await server.stop();
    const seed = [path.join(HERE, "seed.js"), path.join(data, "patio.db"), room.id, rooms, users, token, empty];
    execFileSync(bunPath(), seed.map(String), { stdio: "inherit" });
    const ready = { data, room: room.id, rev, cookie: cookie.split(";")[0] };
    this.#prepared.set(key, ready);
    return ready;
  }
}

function asker(base) {
  return async (path, body, token) => {
    const headers = { "content-type": "application/json" };
    if (token) headers.authorization = `Bearer ${token}`;
    const method = body ? "POST" : "GET";
    const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  };
}
