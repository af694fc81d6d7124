// The server under attack: a release build with limited memory and file descriptors, and its resource usage.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { freePort, up } from "../peers/process.mjs";

export const MEMORY_KB = 4_000_000;
export const FILES = 1_024;

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

/** Tracks a process and ends it at the latest with this program. */
export function tracked(child) {
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

export class Server {
  /** Starts on a new directory. `rates` is the value of RATE_LIMIT. */
  static async start(program, rates) {
    const server = new Server();
    server.data = mkdtempSync(path.join(tmpdir(), "patio-attacks-"));
    server.port = await freePort();
    const env = {
      DATA_DIR: server.data,
      PORT: String(server.port),
      LISTEN: "127.0.0.1",
      LOG: "error",
      RATE_LIMIT: rates,
      TRUSTED_PROXIES: "127.0.0.0/8",
    };
    const limits = `ulimit -v ${MEMORY_KB}; ulimit -n ${FILES}; exec "$0"`;
    server.child = tracked(spawn("bash", ["-c", limits, program], { env, stdio: ["ignore", "ignore", "pipe"] }));
    server.log = "";
    server.child.stderr.on("data", (text) => (server.log = (server.log + text).slice(-2_000)));
    server.child.once("exit", (code, signal) => (server.ended = signal ?? `exit code ${code}`));
    for (let tries = 0; !(await up("/up")(server.port)); tries++) {
      if (server.ended || tries > 3_000) throw new Error(`did not start: ${server.ended ?? ""} ${server.log}`);
      await sleep(10);
    }
    return server;
  }

  get alive() {
    return isThere(this.child.pid) && !this.ended;
  }

  /** Memory from /proc in MiB: `VmHWM` is the peak, `VmRSS` the current value. */
  memory(what) {
    return status(this.child.pid, what) / 1024;
  }

  /** Resets the peak to the current value. */
  resetPeak() {
    writeFileSync(`/proc/${this.child.pid}/clear_refs`, "5");
  }

  files() {
    return readdirSync(`/proc/${this.child.pid}/fd`).length;
  }

  async stop() {
    const ended = this.ended ? null : new Promise((done) => this.child.once("exit", done));
    this.child.kill("SIGTERM");
    const late = setTimeout(() => this.child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(late);
    rmSync(this.data, { recursive: true, force: true });
  }

  /** Watches the child processes of the server: the peak memory of one of them in MiB. */
  watchChildren() {
    const seen = { peakMib: 0, count: 0 };
    const known = new Set();
    const look = () => {
      for (const pid of childrenOf(this.child.pid)) {
        if (!known.has(pid)) seen.count += 1;
        known.add(pid);
        if (!decodes(pid)) continue;
        seen.peakMib = Math.max(seen.peakMib, status(pid, "VmHWM") / 1024);
      }
    };
    const timer = setInterval(look, 2);
    return () => (clearInterval(timer), seen);
  }
}

function isThere(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

const status = (pid, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
/** Between fork and exec, a child still shares its parent's memory and must not be counted. */
const decodes = (pid) => read(`/proc/${pid}/cmdline`).includes("encode-image");

function childrenOf(pid) {
  let threads = [];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    // It has ended.
  }
  return threads.flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(" ").filter(Boolean).map(Number));
}
