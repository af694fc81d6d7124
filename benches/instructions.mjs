// Instructions of the server for a request, for one or more executables. Unlike time they are the same on a busy machine,
// so a difference of a percent means something; the kernel's part and waiting are not in them. Needs valgrind. See README.md.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { Server } from './server.mjs';

const { values: options, positionals: programs } = parseArgs({
  allowPositionals: true,
  options: { requests: { type: 'string', default: '100' } },
});
if (programs.length === 0) {
  console.error('node instructions.mjs [--requests N] EXECUTABLE…');
  process.exit(2);
}

const REQUESTS = Number(options.requests);
const USERS = 20;
const ROOMS = 10;
const MESSAGES = 50;

/** What is measured: the path, and the headers of the script that asks. */
const CASES = {
  'a room as a whole page': { path: '/rooms/2' },
  'a room from another page': { path: '/rooms/2', headers: { 'patio-sidebar': 'live' } },
  'the switcher': { path: '/switcher' },
};

/** Users, rooms and messages; the cookies of a user's session. */
async function fill(server) {
  await server.start();
  for (let n = 0; n < USERS; n++) await server.register(`user${n}`);
  const headers = await server.token('user0');
  for (let n = 0; n < ROOMS; n++) {
    await server.send('/api/v1/rooms', { name: `Sala ${n}`, visibility: 'public' }, headers);
  }
  for (let n = 0; n < MESSAGES; n++) {
    await server.send('/api/v1/rooms/2/messages', { body: `This is message number ${n} of a talk in a room` }, headers);
  }
  const cookie = await server.signIn('user0');
  await server.stop();
  return cookie;
}

/** Instructions of a run with these requests, start and stop included. */
async function count(server, cookie, requests, { path: where, headers } = {}) {
  const counts = path.join(server.data, 'counts');
  await server.start(['valgrind', '--tool=callgrind', '--trace-children=yes', `--callgrind-out-file=${counts}`]);
  for (let n = 0; n < requests; n++) {
    const answer = await server.ask(where, { headers: { ...headers, cookie } });
    if (answer.status !== 200) throw new Error(`${where}: ${answer.status}`);
  }
  await server.stop();
  return Number(readFileSync(counts, 'utf8').match(/^(?:totals|summary): (\d+)/m)[1]);
}

execFileSync('valgrind', ['--version'], { stdio: 'ignore' });
for (const program of programs) {
  const server = new Server(program, { LOG: 'info' });
  try {
    const cookie = await fill(server);
    const none = await count(server, cookie, 0);
    for (const [name, one] of Object.entries(CASES)) {
      const each = ((await count(server, cookie, REQUESTS, one)) - none) / REQUESTS;
      console.log(`${program}: ${name}: ${Math.round(each / 1000)} thousand instructions`);
    }
  } finally {
    server.remove();
  }
}
