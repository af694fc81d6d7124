// Starts and stops all measured servers in the same way.
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import net from "node:net";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

/** Servers and load generator share the first two cores, on any machine. */
export const CORES = availableParallelism() > 1 ? "0,1" : "0";

/** Processes to end with this program. */
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

/** Starts a command that ends at the latest with this program. */
export function launch(command, options) {
  const [program, ...rest] = pinned(command);
  const child = spawn(program, rest, options);
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** A command on those cores, with the maximum number of open files. */
function pinned(command) {
  return ["taskset", "-c", CORES, "sh", "-c", 'ulimit -n "$(ulimit -Hn)"; exec "$@"', "sh", ...command];
}

export async function freePort() {
  const server = net.createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Starts a server and waits until `answers(port)` is true. Returns the server with its startup time. */
export async function start(command, port, { answers = accepts, ...options } = {}) {
  const started = performance.now();
  const child = launch(command, { stdio: ["ignore", "ignore", "pipe"], ...options });
  let log = "";
  child.stderr.on("data", (text) => (log = (log + text).slice(-4000)));
  const ended = new Promise((done) => child.once("exit", done));
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() - started > 60_000) {
      child.kill("SIGKILL");
      throw new Error(`${command[0]} did not start: ${log}`);
    }
    await sleep(1);
  }
  return {
    port,
    child,
    startMs: performance.now() - started,
    pids: () => [child.pid, ...descendants(child.pid)],
    async stop(signal = "SIGTERM") {
      const pids = descendants(child.pid);
      child.kill(signal);
      const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(late);
      for (const pid of pids) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It ended with its parent.
        }
      }
    },
  };
}

export function accepts(port) {
  return new Promise((done) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.once("connect", () => (socket.destroy(), done(true)));
    socket.once("error", () => done(false));
  });
}

/** Waits for a response with status 200. */
export function up(path) {
  return async (port) => {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      await answer.text();
      return answer.ok;
    } catch {
      return false;
    }
  };
}

function descendants(parent) {
  const children = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [, above] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      children.set(Number(above), [...(children.get(Number(above)) ?? []), Number(pid)]);
    } catch {
      // It has ended since the listing.
    }
  }
  const below = (pid) => (children.get(pid) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(parent);
}
