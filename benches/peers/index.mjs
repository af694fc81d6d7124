// The peers: how each is found and started. A missing one is left out, and the table states it.
import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { freePort, start, up } from "./process.mjs";

const HERE = import.meta.dirname;
const BENCHES = path.dirname(HERE);

/** Bun's executable: in its platform package, or moved from there by an install script. */
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

/** A folder for a server that must not run as root, and the user that it runs as. */
function unprivilegedUser() {
  const folder = mkdtempSync(path.join(tmpdir(), "patio-peer-"));
  if (process.getuid() !== 0) return { folder, who: {} };
  chownSync(folder, 65534, 65534);
  return { folder, who: { uid: 65534, gid: 65534 } };
}

/** Stops a server and removes its folder. */
const withFolder = (server, folder) => ({
  ...server,
  async stop() {
    await server.stop("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  },
});

const firstLine = (command, ...args) =>
  execFileSync(command, args, { encoding: "utf8" }).split("\n")[0].trim();

export const ngircd = {
  name: "ngIRCd",
  speak: "irc",
  program: "/usr/sbin/ngircd",
  missing: () => (existsSync(ngircd.program) ? null : "apt-get install ngircd"),
  version: () => firstLine(ngircd.program, "--version").split("-")[0],
  async start() {
    const port = await freePort();
    const { folder, who } = unprivilegedUser();
    const file = path.join(folder, "ngircd.conf");
    const settings = readFileSync(path.join(HERE, "ngircd.conf"), "utf8");
    writeFileSync(file, settings.replace("PORT", port));
    const command = [ngircd.program, "--nodaemon", "--config", file];
    return withFolder(await start(command, port, { ...who, cwd: folder }), folder);
  },
};

const LIBRARIES = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
const ejabberdFolder = () =>
  LIBRARIES.flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []).map((name) => [folder, name])).find(
    ([, name]) => /^ejabberd-[\d.]+$/.test(name),
  );

export const ejabberd = {
  name: "ejabberd",
  speak: "xmpp",
  missing: () => (ejabberdFolder() ? null : "apt-get install ejabberd"),
  version: () => ejabberdFolder()[1].replace("-", " "),
  async start() {
    const port = await freePort();
    const { folder, who } = unprivilegedUser();
    const file = path.join(folder, "ejabberd.yml");
    const settings = readFileSync(path.join(HERE, "ejabberd.yml"), "utf8");
    writeFileSync(file, settings.replace("PORT", port));
    // As ejabberdctl starts it, but without its user and its node name.
    const command = ["erl", "+K", "true", "+P", "250000", "-noinput", "-mnesia", "dir", `"${folder}"`, "-s", "ejabberd"];
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      ERL_LIBS: ejabberdFolder()[0],
      ERL_MAX_PORTS: "32000",
      EJABBERD_CONFIG_PATH: file,
      EJABBERD_LOG_PATH: path.join(folder, "ejabberd.log"),
    };
    return withFolder(await start(command, port, { ...who, env, cwd: folder }), folder);
  },
};
