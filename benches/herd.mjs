// Measures herds: all clients of a node that was killed come back at once (C11), what a message of another node costs an
// idle one with many connections (C19), and read marks. See README.md.
import { readdirSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { used } from './cpu-time.mjs';
import { backends, besidePostgres, create, node, psql, report, wsload } from './installation.mjs';

const HERE = import.meta.dirname;
const { values: options } = parseArgs({
  options: {
    patio: { type: 'string', default: path.join(HERE, '../target/release/patio') },
    wsload: { type: 'string', default: path.join(HERE, 'target/release/wsload') },
    at: { type: 'string', default: path.join(HERE, 'out/herd') },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
    users: { type: 'string', default: '10000' },
    'member-of': { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
});

const USERS = Number(options.users);
/** Each user has one of them open, and is a member of some. Rooms for those who post at another node follow. */
const ROOMS = 100;
const MEMBER_OF = Number(options['member-of']);
const SENDERS = 4;
const READERS = 500;
const READS_PER_SECOND = 400;
/** Each connection gets a ping every 25 seconds: a shorter time would count more of them or fewer. */
const IDLE_SECONDS = 50;

async function fill(build) {
  await create(build);
  psql(
    build.database,
    `insert into users (name, folded_name, skeleton, display_name, email, password_hash, role, created_at)
     select 'bench' || n, 'bench' || n, 'bench' || n, 'Bench ' || n, 'bench' || n || '@example.test', '', 'member', 0
     from generate_series(0, ${USERS + SENDERS - 1}) n;
     insert into tokens (hash, user_id, label, created_at, last_used_at)
     select sha256(convert_to('bench-token-' || substr(name, 6), 'UTF8')), id, '', 0, ${Date.now()} from users;
     insert into rooms (name, folded_name, visibility, created_at)
     select 'Bench ' || n, 'bench ' || n, 'public', 0 from generate_series(1, ${ROOMS + SENDERS}) n;
     insert into memberships (user_id, room_id, last_read_seq, joined_at)
     select u.id, f.id + r.room, 0, 0
     from (select id, cast(substr(name, 6) as bigint) as n from users) u, (select min(id) as id from rooms where lobby = 0) f,
          lateral (select (u.n * ${ROOMS} / ${USERS} + k * 7) % ${ROOMS} as room from generate_series(0, ${MEMBER_OF - 1}) k
                   where u.n < ${USERS}
                   union all select ${ROOMS} + u.n - ${USERS} where u.n >= ${USERS}) r (room);
     analyze;`,
  );
  build.firstRoom = Number(psql(build.database, 'select min(id) from rooms where lobby = 0'));
  build.layout = ['--rooms', ROOMS, '--members', USERS / ROOMS, '--users', USERS, '--first-room', build.firstRoom];
}

/** The node of all clients is killed, and another one takes its address. */
async function comeBack(build) {
  const first = await node(build, 1);
  const missed = ['--at', new Date().toISOString(), '--rev', 0, '--missed', 0];
  const child = wsload(options.wsload, first, ['reconnect', ...build.layout, ...missed]);
  const done = report(child);
  await new Promise((joined) => child.stdout.once('data', joined));
  await first.stop('SIGKILL');
  const before = new Map(backends().map((pid) => [pid, used([pid])]));
  const second = await node(build, 2, first.port);
  const { connections, back_after_first_entry_s, back_s, errors, each } = await done;
  const since = backends().map((pid) => used([pid]) - (before.get(pid) ?? 0));
  const postgres = since.reduce((sum, one) => sum + one, 0) / connections;
  const patio = used(second.pids()) / connections;
  await second.stop();
  return { 'all back after, s': back_s, 'after the first, s': back_after_first_entry_s, errors, postgres, patio, each };
}

/** Another node stores messages in rooms that no one here is in. */
async function idle(build) {
  const here = await node(build, 1);
  const there = await node(build, 2);
  const stay = 2 * IDLE_SECONDS + 10;
  const child = wsload(options.wsload, here, ['idle', ...build.layout, '--stay', stay]);
  const gathered = report(child);
  while (sockets(here) < USERS) await new Promise((next) => setTimeout(next, 200));
  await new Promise((next) => setTimeout(next, 2_000));
  // What the connections and the tasks in the background cost without messages.
  const start = used(here.pids());
  await new Promise((next) => setTimeout(next, 1_000 * IDLE_SECONDS));
  const before = used(here.pids());
  const layout = ['--rooms', SENDERS, '--members', 1, '--users', SENDERS, '--first-room', build.firstRoom + ROOMS];
  const how = ['--first-user', USERS, '--body', 114, '--rate', 1_000, '--seconds', IDLE_SECONDS];
  const began = performance.now();
  const { stored, per_second } = await report(wsload(options.wsload, there, ['post', ...layout, ...how]));
  const seconds = (performance.now() - began) / 1_000;
  const cost = used(here.pids()) - before - ((before - start) * seconds) / IDLE_SECONDS;
  const { gone } = await gathered;
  for (const server of [here, there]) await server.stop();
  return {
    'foreign messages': stored,
    'per second': per_second,
    'µs each': cost / stored,
    'µs a second without': (before - start) / IDLE_SECONDS,
    gone,
  };
}

/** Users with an open room read its messages, all together at a steady rate. */
async function read(build) {
  const server = await node(build, 1);
  psql(build.database, 'update rooms set last_seq = 1000000; update memberships set last_read_seq = 0');
  const clients = [];
  for (let user = 0; user < READERS; user++) {
    const room = build.firstRoom + Math.floor((user * ROOMS) / USERS);
    clients.push({ room, send: await connect(server.port, user, room) });
  }
  const [patio, postgres] = [used(server.pids()), used(backends())];
  const marks = READS_PER_SECOND * Number(options.seconds);
  const start = performance.now();
  for (let mark = 0; mark < marks; mark++) {
    const { room, send } = clients[mark % READERS];
    send({ type: 'read', room, seq: 1 + Math.floor(mark / READERS) });
    const early = start + (1_000 * mark) / READS_PER_SECOND - performance.now();
    if (early > 1) await new Promise((next) => setTimeout(next, early));
  }
  await new Promise((next) => setTimeout(next, 1_000));
  const stored = Number(psql(build.database, 'select sum(last_read_seq) from memberships'));
  const result = {
    marks,
    stored,
    patio: (used(server.pids()) - patio) / marks,
    postgres: (used(backends()) - postgres) / marks,
  };
  await server.stop();
  return result;
}

/** Opens a room over a WebSocket and returns a function that sends a frame. */
async function connect(port, user, room) {
  const socket = net.connect(port, '127.0.0.1');
  const head = ['GET /api/v1/live HTTP/1.1', 'Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket'];
  head.push('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==');
  head.push('Sec-WebSocket-Protocol: patio.v1', `Authorization: Bearer bench-token-${user}`, '', '');
  socket.write(head.join('\r\n'));
  /** A frame with a mask of zeros. */
  const send = (frame) => {
    const text = Buffer.from(JSON.stringify(frame));
    socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]));
  };
  await new Promise((upgraded) => socket.once('data', upgraded));
  send({ type: 'open', room });
  await new Promise((live) => {
    socket.on('data', (data) => data.includes('"live"') && live());
  });
  return send;
}

/** How many files and connections a server has open. */
const sockets = ({ child }) => readdirSync(`/proc/${child.pid}/fd`).length;

const EXPERIMENTS = { 'C11: come back': comeBack, 'C19: idle': idle, 'read marks': read };

async function main() {
  if (options.help) {
    console.log(
      'node herd.mjs [--patio FILE] [--wsload FILE] [--rounds N] [--seconds N] [--users N] [--member-of N] [--at FOLDER] [--only TEXT]',
    );
    return;
  }
  if (!besidePostgres(options.at)) return;
  const hasBus = Boolean(process.env.PATIO_TEST_NATS);
  const build = { executable: options.patio, database: 'patio_herd', hasBus, at: options.at };
  await fill(build);
  for (const [name, run] of Object.entries(EXPERIMENTS)) {
    if (!name.includes(options.only)) continue;
    for (let round = 0; round < Number(options.rounds); round++) console.log(name, JSON.stringify(await run(build)));
  }
  console.log(`Load average at the end ${os.loadavg()[0]}.`);
}

await main();
process.exit();
