// Measures several nodes on one PostgreSQL: posts a second, and the CPU time of Patio and PostgreSQL for each. See README.md.
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { used } from './cpu-time.mjs';
import { backends, besidePostgres, create, node, psql, report, wsload } from './installation.mjs';

const HERE = import.meta.dirname;
const { values: options } = parseArgs({
  options: {
    patio: { type: 'string', default: path.join(HERE, '../target/release/patio') },
    old: { type: 'string' },
    wsload: { type: 'string', default: path.join(HERE, 'target/release/wsload') },
    at: { type: 'string', default: path.join(HERE, 'out/nodes') },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    warm: { type: 'string', default: '2' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

/** Clients post in rooms of their own node, two in each, or all in one room. */
const CASES = {
  '1 node, 32 clients, own rooms': { nodes: 1, rooms: 16, members: 2 },
  '2 nodes, 64 clients, own rooms': { nodes: 2, rooms: 16, members: 2 },
  '3 nodes, 96 clients, own rooms': { nodes: 3, rooms: 16, members: 2 },
  '1 node, 96 clients, own rooms': { nodes: 1, rooms: 48, members: 2 },
  '8 nodes, 96 clients, own rooms': { nodes: 8, rooms: 6, members: 2 },
  '1 node, 63 clients, one room': { nodes: 1, rooms: 1, members: 63, first: 48, hot: true },
  '3 nodes, 63 clients, one room': { nodes: 3, rooms: 1, members: 21, first: 48, hot: true },
  '1 node, 64 clients, 8 rooms': { nodes: 1, rooms: 8, members: 8, first: 49 },
};
const USERS = 96;
/** The rooms of two clients each, the one for all, and those of eight clients each. */
const ROOMS = 48 + 1 + 12;

/** Users with tokens, each a member of the rooms that they post in. Returns the id of the first room. */
async function fill(build) {
  await create(build);
  psql(
    build.database,
    `insert into users (name, folded_name, skeleton, display_name, email, password_hash, role, created_at)
     select 'bench' || n, 'bench' || n, 'bench' || n, 'Bench ' || n, 'bench' || n || '@example.test', '', 'member', 0
     from generate_series(0, ${USERS - 1}) n;
     insert into tokens (hash, user_id, label, created_at)
     select sha256(convert_to('bench-token-' || substr(name, 6), 'UTF8')), id, '', 0 from users;
     insert into rooms (name, folded_name, visibility, created_at)
     select 'Bench ' || n, 'bench ' || n, 'public', 0 from generate_series(1, ${ROOMS}) n;
     insert into memberships (user_id, room_id, last_read_seq, joined_at)
     select u.id, f.id + r.room, 0, 0
     from (select id, cast(substr(name, 6) as bigint) as n from users) u, (select min(id) as id from rooms where lobby = 0) f,
          lateral (values (u.n / 2), (48), (49 + u.n / 8)) r (room);
     analyze;`,
  );
  return Number(psql(build.database, 'select min(id) from rooms where lobby = 0'));
}

/** Posts from all clients, for some seconds. */
async function posted(server, number, { rooms, members, first = 0, hot = false }, firstRoom, seconds) {
  const users = rooms * members;
  const [room, user] = [firstRoom + first + (hot ? 0 : number * rooms), number * users];
  const layout = ['--rooms', rooms, '--members', members, '--users', users, '--first-room', room, '--first-user', user];
  const how = ['post', ...layout, '--body', 114, '--seconds', seconds];
  const { per_second, stored, refused, first_refusal } = await report(wsload(options.wsload, server, how));
  if (refused > 0) console.error(`${refused} refused: ${first_refusal}`);
  return { per_second, stored };
}

/** How many messages the nodes have stored, and in how many transactions. */
async function batches(servers) {
  const texts = servers.map(async ({ port }) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
  const all = (await Promise.all(texts)).join('\n');
  const sum = (name) => [...all.matchAll(new RegExp(`^${name} (.*)$`, 'gm'))].reduce((of, [, n]) => of + Number(n), 0);
  return { messages: sum('patio_commit_batch_size_sum'), number: sum('patio_commit_batch_size_count') };
}

async function measure(build, how) {
  const servers = [];
  for (let number = 0; number < how.nodes; number++) servers.push(await node(build, number));
  const processes = () => servers.flatMap((server) => server.pids());
  const post = (seconds) =>
    Promise.all(servers.map((server, number) => posted(server, number, how, build.firstRoom, seconds)));
  // Each connection to PostgreSQL plans its statements first, which takes as long as hundreds of messages.
  await post(options.warm);
  const before = await batches(servers);
  const [patio, postgres] = [used(processes()), used(backends())];
  const all = await post(options.seconds);
  const stored = all.reduce((sum, run) => sum + run.stored, 0);
  const after = await batches(servers);
  const result = {
    perSecond: all.reduce((sum, run) => sum + run.per_second, 0),
    patio: (used(processes()) - patio) / stored,
    postgres: (used(backends()) - postgres) / stored,
    batch: (after.messages - before.messages) / (after.number - before.number),
  };
  for (const server of servers) await server.stop();
  return result;
}

/** An empty table is read from end to end. So there are messages first, and what PostgreSQL has to know about them. */
async function warmUp(build) {
  await measure(build, { nodes: 1, rooms: 48, members: 2 });
  psql(build.database, 'vacuum analyze');
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const spread = (values) =>
  `${Math.round(median(values)).toLocaleString('en')} [${[Math.min(...values), Math.max(...values)].map((n) => Math.round(n).toLocaleString('en')).join('–')}]`;

async function main() {
  if (options.help) {
    console.log(
      'node nodes.mjs [--patio FILE] [--old FILE] [--wsload FILE] [--rounds N] [--seconds N] [--warm N] [--at FOLDER] [--only TEXT]',
    );
    return;
  }
  if (!besidePostgres(options.at)) return;
  const hasBus = Boolean(process.env.PATIO_TEST_NATS);
  const { at } = options;
  const builds = [{ name: '', executable: options.patio, database: 'patio_nodes', hasBus, at }];
  if (options.old) builds.unshift({ name: ', before', executable: options.old, database: 'patio_nodes_old', at });
  for (const build of builds) {
    build.firstRoom = await fill(build);
    await warmUp(build);
  }
  const cases = Object.entries(CASES)
    .filter(([name]) => name.includes(options.only ?? ''))
    .flatMap(([name, how]) => builds.map((build) => [name + build.name, how, build]));
  const results = cases.map(() => []);
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [place, [, how, build]] of cases.entries()) results[place].push(await measure(build, how));
  }
  console.log(`Load average at the end ${os.loadavg()[0]}; medians of ${options.rounds} rounds [least–most].\n`);
  console.log(
    '| What | posts/s | messages a batch | CPU µs a message: Patio | PostgreSQL | both |\n| --- | --- | --- | --- | --- | --- |',
  );
  for (const [place, [name]] of cases.entries()) {
    const of = (value) => spread(results[place].map(value));
    const both = of((run) => run.patio + run.postgres);
    console.log(
      `| ${name} | ${of((run) => run.perSecond)} | ${of((run) => run.batch)} | ${of((run) => run.patio)} | ${of((run) => run.postgres)} | ${both} |`,
    );
  }
}

await main();
process.exit();
