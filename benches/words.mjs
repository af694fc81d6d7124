// What formatting, mentions and threads cost beside plain messages: CPU of the server for each message, for two
// executables in turn. Nothing else runs beside it. See README.md.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { Patio } from './peers/patio.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '3' },
    readers: { type: 'string', default: '1000' },
  },
});
const [old, fresh] = positionals;
if (!fresh) {
  console.error('node words.mjs [--rounds N] [--seconds N] [--readers N] OLD NEW');
  process.exit(2);
}

const WSLOAD = path.join(import.meta.dirname, 'target/release/wsload');
const FORMATTED = ' with **strong words**, _soft words_, `code` and a word to @bench';
/** As long as the formatted text. */
const PLAIN = ' with strong words, soft words, some code and a word to the bench';
const WRITERS = { rooms: 1, members: 16, users: 16 };
const READERS = { rooms: 1, members: Number(options.readers), users: Number(options.readers) };
const layout = ({ rooms, members, users }, room) =>
  Object.entries({ rooms, members, users, 'first-room': room }).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ]);

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const scratch = mkdtempSync(path.join(tmpdir(), 'patio-words-'));
const serverOf = async (program, people) => {
  const folder = mkdtempSync(path.join(scratch, 'data-'));
  return new Patio(program, folder).start({ ...people });
};

const wsload = (server, ...rest) => ['--to', `127.0.0.1:${server.port}`, '--pid', server.pids().join(','), ...rest];

/** Microseconds of CPU for each message. */
function post(server, people, room, text, more = []) {
  const words = ['post', ...layout(people, room), '--seconds', options.seconds, '--text', text, ...more];
  const report = JSON.parse(execFileSync(WSLOAD, wsload(server, ...words), { encoding: 'utf8' }));
  if (report.refused || report.gone || !report.stored) throw new Error(JSON.stringify(report));
  return report.cpu_per_message.us;
}

async function ask(server, where, body) {
  const response = await fetch(`http://127.0.0.1:${server.port}/api/v1${where}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', authorization: 'Bearer bench-token-0' },
  });
  if (!response.ok) throw new Error(`${where}: ${response.status} ${await response.text()}`);
  return response.json();
}

function show(name, values, base) {
  const spread = (all) => `${Math.min(...all).toFixed(2)}–${Math.max(...all).toFixed(2)}`;
  const ratios = values.map((value, round) => value / base[round]);
  console.log(`| ${name} | ${median(values).toFixed(1)} | ${median(ratios).toFixed(3)} | ${spread(ratios)} |`);
}

console.log('| messages | CPU µs | ratio | spread |\n| --- | --- | --- | --- |');
{
  const servers = { old: await serverOf(old, WRITERS), fresh: await serverOf(fresh, WRITERS) };
  const found = { old: [], again: [], plain: [], formatted: [] };
  for (let round = 0; round <= Number(options.rounds); round++) {
    const one = {
      old: post(servers.old, WRITERS, servers.old.room, PLAIN),
      plain: post(servers.fresh, WRITERS, servers.fresh.room, PLAIN),
      formatted: post(servers.fresh, WRITERS, servers.fresh.room, FORMATTED),
      again: post(servers.old, WRITERS, servers.old.room, PLAIN),
    };
    if (round > 0) for (const [name, value] of Object.entries(one)) found[name].push(value); // the first one warms up
  }
  const base = found.old.map((value, round) => (value + found.again[round]) / 2);
  show('plain, old', found.old, base);
  show('plain, new', found.plain, base);
  show('Markdown with a mention, new', found.formatted, base);
  for (const server of Object.values(servers)) await server.stop();
}
{
  const server = await serverOf(fresh, READERS);
  const { id } = await ask(server, `/rooms/${server.room}/messages`, { body: 'the head' });
  const reply = await ask(server, `/messages/${id}/thread`, { body: 'the first answer' });
  const readers = spawn(
    WSLOAD,
    wsload(server, 'idle', ...layout(READERS, server.room), '--stay', String(Number(options.rounds) * 60)),
    { stdio: 'ignore' },
  );
  await sleep(10_000);
  const writer = { rooms: 1, members: 1, users: 1 };
  const found = { room: [], thread: [] };
  for (let round = 0; round <= Number(options.rounds); round++) {
    for (const [name, room] of Object.entries({ room: server.room, thread: reply.room_id })) {
      const cpu = post(server, writer, room, PLAIN, ['--rate', '20']);
      if (round > 0) found[name].push(cpu);
    }
  }
  show(`in a room with ${options.readers} readers`, found.room, found.room);
  show('in a thread of that room', found.thread, found.room);
  readers.kill();
  await server.stop();
}
rmSync(scratch, { recursive: true, force: true });
