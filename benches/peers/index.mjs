// The peers: how each is found and started. One that is missing is left out, and the table says so.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";

import { freePort, start, up } from "./process.mjs";

const HERE = import.meta.dirname;
const BENCHES = path.dirname(HERE);

/** Bun's executable: in its platform's package, or moved out of it where install scripts may run. */
export function bunPath() {
  const machine = { x64: "x64", arm64: "aarch64" }[process.arch];
  const places = [
    `@oven/bun-linux-${machine}/bin/bun`,
    `@oven/bun-linux-${machine}-musl/bin/bun`,
    "bun/bin/bun.exe",
  ];
  return places.map((place) => path.join(BENCHES, "node_modules", place)).find((file) => existsSync(file));
}

export const bun = {
  name: "Bun",
  speak: "plain",
  missing: () => (bunPath() ? null : "npm ci"),
  version: () => `Bun ${execFileSync(bunPath(), ["--version"], { encoding: "utf8" }).trim()}`,
  async start() {
    const port = await freePort();
    return start([bunPath(), path.join(HERE, "bun.js"), String(port)], port, { answers: up("/") });
  },
};

export const bare = {
  name: "bare send()",
  speak: "bare",
  program: path.join(BENCHES, "target/release/bare"),
  missing: () => (existsSync(bare.program) ? null : "cargo build --release"),
  version: () => null,
  async start() {
    const port = await freePort();
    return start([bare.program, String(port)], port);
  },
};
