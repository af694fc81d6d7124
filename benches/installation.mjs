// One installation of several nodes on one PostgreSQL, to be measured: its nodes, its database, and the CPU time of both.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

import { children } from './cpu-time.mjs';
import { freePort, launch, start, up } from './peers/process.mjs';

/** Runs SQL and returns the first column. */
export const psql = (database, sql) => {
  const url = process.env.DATABASE_URL.replace('///postgres?', `///${database}?`);
  return execFileSync('psql', [url, '-XAtqc', sql], { encoding: 'utf8' }).trim();
};

/** The processes of PostgreSQL. */
export const backends = () => children(process.env.POSTGRES_PID);

/** The settings that connect the nodes, inside script/nats. They need files that all reach. */
function bus({ at, database }) {
  const files = path.join(at, `${database}-files`);
  mkdirSync(files, { recursive: true });
  return { NATS_URL: process.env.PATIO_TEST_NATS, NATS_PREFIX: database, STORAGE_URL: `file://${files}?shared=1` };
}

/** Starts a node of a build: `at` is its folder, `executable` the program, `database` the name of its database. */
export async function node(build, number, at = undefined) {
  const port = at ?? (await freePort());
  const folder = path.join(build.at, `${build.database}-${number}`);
  mkdirSync(folder, { recursive: true });
  const env = {
    DATABASE_URL: process.env.DATABASE_URL.replace('///postgres?', `///${build.database}?`),
    DATA_DIR: folder,
    LISTEN: '127.0.0.1',
    LOG: 'warn',
    RATE_LIMIT: 'off',
    PORT: String(port),
    ...(build.hasBus && bus(build)),
  };
  return start([build.executable], port, { env, answers: up('/ready') });
}

/** Creates the tables of a build in an empty database. */
export async function create(build) {
  psql('postgres', `drop database if exists ${build.database}`);
  psql('postgres', `create database ${build.database} encoding 'UTF8'`);
  await (await node(build, 0)).stop();
}

/** Runs the load generator against a node and returns its lines as they come. */
export function wsload(program, server, load) {
  const to = ['--to', `127.0.0.1:${server.port}`, '--speak', 'patio', '--pid', server.pids().join()];
  return launch([program, ...to, ...load.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** The last line of a load generator. */
export async function report(child) {
  let text = '';
  for await (const piece of child.stdout) text += piece;
  return JSON.parse(text.trim().split('\n').at(-1));
}

/** Runs the script again beside a PostgreSQL server that syncs to disk, unless it runs there. */
export function besidePostgres(at) {
  if (process.env.POSTGRES_PID) return true;
  const again = [process.execPath, ...process.argv.slice(1)];
  const script = path.join(import.meta.dirname, '../script/postgres');
  const { status } = spawnSync(script, ['--keep', path.join(at, 'postgres'), ...again], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
  return false;
}
