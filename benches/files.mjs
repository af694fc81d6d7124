// What files cost: memory of uploads, messages and pages with pictures, downloads beside nginx, backup and move of a
// gigabyte. See README.md.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { deflateSync } from 'node:zlib';

import { freePort, launch, up } from './peers/process.mjs';
import { Server } from './server.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, rounds: { type: 'string', default: '5' }, old: { type: 'string' } },
});
const [program] = positionals;
if (!program) {
  console.error('node files.mjs [--only PARTS] [--rounds N] [--old OLD] EXECUTABLE');
  process.exit(2);
}

const ROUNDS = Number(options.rounds);
const MB = 1_000_000;
const MIB = 1_048_576;
const WSLOAD = path.join(import.meta.dirname, 'target/release/wsload');
/** The lobby. */
const ROOM = 1;
const AT_ONCE_PER_USER = 4;

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const spread = (values, digits = 2) =>
  `${median(values).toFixed(digits)} [${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)}]`;
const show = (...cells) => console.log(`| ${cells.join(' | ')} |`);

/** Kilobytes, from /proc/PID/status. */
function memory(pid, name) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(status.match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))[1]);
}

/** Memory of the process at its highest from now on. */
const forgetPeak = (pid) => writeFileSync(`/proc/${pid}/clear_refs`, '5');

/** Sends a new upload by tus in pieces of a megabyte, and ends with it stored. Returns its id. */
async function upload(server, headers, bytes, name = 'data.bin') {
  const agent = new Agent();
  const metadata = `filename ${Buffer.from(name).toString('base64')}`;
  const tus = { ...headers, 'tus-resumable': '1.0.0' };
  const length = bytes.length;
  const begun = await server.ask('/api/v1/uploads', {
    method: 'POST',
    agent,
    headers: { ...tus, 'upload-length': length, 'upload-metadata': metadata, 'content-length': 0 },
  });
  if (begun.status !== 201) throw new Error(`upload: ${begun.status} ${begun.text}`);
  const where = begun.headers.location;
  const status = await new Promise((resolve, reject) => {
    const type = 'application/offset+octet-stream';
    const own = { ...tus, 'upload-offset': 0, 'content-type': type, 'content-length': length };
    const sent = request({ host: '127.0.0.1', port: server.port, path: where, method: 'PATCH', agent, headers: own });
    sent.on('error', reject).on('response', (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode));
    });
    sent.end(bytes);
  });
  if (status !== 204) throw new Error(`PATCH: ${status}`);
  agent.destroy();
  return where.split('/').at(-1);
}

const post = (server, headers, body, files = []) =>
  server.send(`/api/v1/rooms/${ROOM}/messages`, { body, files }, headers);

async function started(settings = {}, users = ['ana']) {
  const server = new Server(program, settings);
  await server.start();
  const tokens = [];
  for (const user of users) {
    await server.register(user);
    tokens.push(await server.token(user));
  }
  return { server, tokens };
}

async function ended(server) {
  await server.stop();
  server.remove();
}

/** A PNG of noise, which no encoder makes much smaller. */
function picture(width, height, seed) {
  const raw = Buffer.alloc(height * (width * 3 + 1));
  let value = seed + 1;
  for (let at = 0; at < raw.length; at++) {
    value = (value * 1_103_515_245 + 12_345) & 0x7fffffff;
    raw[at] = at % (width * 3 + 1) === 0 ? 0 : (value >> 16) & 0x3f;
  }
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  head.set([8, 2], 8);
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([magic, chunk('IHDR', head), chunk('IDAT', deflateSync(raw)), chunk('IEND', Buffer.alloc(0))]);
}

/** CRC-32 of ISO 3309, for chunks of PNG. */
function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}

const parts = {
  /** Growth of the server's memory while files arrive. */
  async memory() {
    const hundred = randomBytes(100 * MB);
    const grown = { 1: [], 50: [] };
    const users = Array.from({ length: 13 }, (_, n) => `user${n}`);
    for (let round = 0; round < ROUNDS; round++) {
      const { server, tokens } = await started({ UPLOAD_QUOTA: '0' }, users);
      for (const count of [1, 50]) {
        const before = memory(server.child.pid, 'VmRSS');
        forgetPeak(server.child.pid);
        await Promise.all(
          Array.from({ length: count }, (_, n) => upload(server, tokens[Math.floor(n / AT_ONCE_PER_USER)], hundred)),
        );
        grown[count].push((memory(server.child.pid, 'VmHWM') - before) / 1024);
      }
      await ended(server);
    }
    show('an upload of 100 MB: MiB more at most', spread(grown[1], 1), '≤ 12 MB');
    show('50 of 100 MB at once', spread(grown[50], 1), '≤ 64 MB');
  },

  /** CPU of a message that 1,000 readers receive, with three pictures and without. */
  async live() {
    const { Patio } = await import('./peers/patio.mjs');
    const scratch = mkdtempSync(path.join(tmpdir(), 'patio-files-'));
    const layout = { rooms: 1, members: 1000, users: 1000 };
    const peer = await new Patio(program, scratch).start(layout);
    const server = Object.assign(new Server(program), { port: peer.port, child: peer.child });
    server.agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const headers = { authorization: 'Bearer bench-token-0' };
    const flags = Object.entries({ ...layout, 'first-room': peer.room }).flatMap(([name, value]) => [
      `--${name}`,
      value,
    ]);
    const readers = spawn(
      WSLOAD,
      ['--to', `127.0.0.1:${peer.port}`, '--pid', peer.child.pid, 'idle', ...flags, '--stay', 600].map(String),
      { stdio: 'ignore' },
    );
    await sleep(10_000);
    let number = 0;
    const cost = async (count) => {
      const files = [];
      for (let n = 0; n < count; n++) {
        files.push(await upload(server, headers, picture(64, 64, number++), 'patio.png'));
      }
      await sleep(300);
      const before = server.cpu();
      await server.send(
        `/api/v1/rooms/${peer.room}/messages`,
        { body: `A message in words, number ${number++}`, files },
        headers,
      );
      await sleep(300);
      return server.cpu() - before;
    };
    const found = { plain: [], pictures: [] };
    for (let round = 0; round < ROUNDS * 10; round++) {
      found.plain.push(await cost(0));
      found.pictures.push(await cost(3));
    }
    readers.kill();
    await peer.stop();
    rmSync(scratch, { recursive: true, force: true });
    const ratios = found.pictures.map((value, round) => value / found.plain[round]);
    show('a message to 1,000 readers: ms CPU', spread(found.plain), '');
    show('– with three pictures', spread(found.pictures), '');
    show('– ratio', spread(ratios), '≤ 1.3');
  },

  /** CPU of a page with 50 messages, 30 of them with a picture. */
  async page() {
    const { server, tokens } = await started();
    for (let n = 0; n < 50; n++) {
      const file = n % 5 < 3 ? [await upload(server, tokens[0], picture(640, 480, n), `foto ${n}.png`)] : [];
      await post(server, tokens[0], `Mensaje número ${n} de una conversación en el patio`, file);
    }
    const cookie = await server.signIn('ana');
    await sleep(3000);
    const each = [];
    let bytes;
    for (let round = 0; round <= ROUNDS; round++) {
      const before = server.cpu();
      for (let n = 0; n < 300; n++) {
        const answer = await server.ask(`/rooms/${ROOM}`, { headers: { cookie } });
        if (answer.status !== 200) throw new Error(`page: ${answer.status}`);
        bytes = answer.bytes;
      }
      if (round > 0) each.push((server.cpu() - before) / 300);
    }
    show(`a page of 50 messages with 30 pictures, ${Math.round(bytes / 1000)} KB: ms CPU`, spread(each), '≤ 1.6');
    await ended(server);
  },

  /** The same ranges of the same file, from nginx and from here in turn. */
  async ranges() {
    const { server, tokens } = await started({ UPLOAD_QUOTA: '0' });
    const bytes = randomBytes(100 * MB);
    const message = await post(server, tokens[0], '', [await upload(server, tokens[0], bytes)]);
    const root = mkdtempSync(path.join(tmpdir(), 'patio-nginx-'));
    writeFileSync(path.join(root, 'data.bin'), bytes, { mode: 0o644 });
    execFileSync('chmod', ['755', root]);
    const port = await freePort();
    const configuration = path.join(root, 'nginx.conf');
    writeFileSync(
      configuration,
      `worker_processes 2; daemon off; pid ${root}/pid; error_log ${root}/log;
       events { worker_connections 512; }
       http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
         server { listen 127.0.0.1:${port}; root ${root}; } }`,
    );
    const nginx = launch(['nginx', '-c', configuration], { stdio: 'ignore' });
    while (!(await up('/data.bin')(port))) await sleep(20);
    const ours = `http://127.0.0.1:${server.port}${message.attachments[0].url}`;
    const theirs = `http://127.0.0.1:${port}/data.bin`;
    for (const [what, size] of Object.entries({ '64 KiB': 65_536, '1 MiB': MIB, '16 MiB': 16 * MIB })) {
      const rate = (url) => {
        const range = `Range: bytes=${10 * MIB}-${10 * MIB + size - 1}`;
        const flags = ['-t1', '-c8', '-d4', '-H', range, '-H', `Authorization: ${tokens[0].authorization}`, url];
        const report = execFileSync('wrk', flags, { encoding: 'utf8' });
        if (/Non-2xx|Socket errors/.test(report)) throw new Error(report);
        return Number(report.match(/Requests\/sec:\s+([\d.]+)/)[1]) * size;
      };
      const found = { nginx: [], patio: [] };
      for (let round = 0; round < ROUNDS; round++) {
        found.nginx.push(rate(theirs));
        found.patio.push(rate(ours));
      }
      const gigabytes = (values) => spread(values.map((value) => value / 1e9));
      const ratios = found.patio.map((value, round) => value / found.nginx[round]);
      show(
        `ranges of ${what}, 8 connections: GB/s, nginx / Patio`,
        `${gigabytes(found.nginx)} / ${gigabytes(found.patio)}`,
        '',
      );
      show('– ratio', spread(ratios), '≥ 0.7');
    }
    nginx.kill();
    rmSync(root, { recursive: true, force: true });
    await ended(server);
  },

  /** Memory of a server that has just started, beside an older one. */
  async idle() {
    const found = { new: [], old: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, one] of Object.entries({ old: options.old, new: program })) {
        if (!one) continue;
        const server = new Server(one);
        await server.start();
        await sleep(2000);
        found[name].push(memory(server.child.pid, 'VmRSS') / 1024);
        await ended(server);
      }
    }
    show('idle: MiB', spread(found.new), '');
    if (options.old)
      show(
        '– before',
        `${spread(found.old)}; ${(median(found.new) - median(found.old)).toFixed(2)} more`,
        '≤ 0.5 more',
      );
    show('executable: MiB', (statSync(program).size / MIB).toFixed(1), '≤ 25');
  },

  /** A gigabyte in 40 files: backup, verify, restore, export and import. */
  async gigabyte() {
    const { server, tokens } = await started({ UPLOAD_QUOTA: '0' });
    const hashes = [];
    for (let n = 0; n < 40; n++) {
      const bytes = randomBytes(25 * MB);
      hashes.push(createHash('sha256').update(bytes).digest('hex'));
      await post(server, tokens[0], `Fichero ${n}`, [await upload(server, tokens[0], bytes)]);
    }
    const scratch = mkdtempSync(path.join(tmpdir(), 'patio-gigabyte-'));
    const [backup, exported, restored, imported] = ['backup.tar', 'export', 'restored', 'imported'].map((name) =>
      path.join(scratch, name),
    );
    const steps = [
      ['backup of 1 GB, the server running: s, MiB at most', server.data, 'backup', backup],
      ['– verify', server.data, 'verify', backup],
      ['– restore', restored, 'restore', backup],
      ['export of 1 GB', server.data, 'export', '--full', exported],
      ['– import', imported, 'import', 'patio', exported],
    ];
    for (const [name, data, ...words] of steps) {
      const from = performance.now();
      const ran = spawnSync('/usr/bin/time', ['-f', '%M', program, ...words], {
        env: { ...server.env, DATA_DIR: data },
        encoding: 'utf8',
      });
      if (ran.status !== 0) throw new Error(`${name}: ${ran.stderr}`);
      const kilobytes = Number(ran.stderr.trim().split('\n').at(-1));
      show(name, `${((performance.now() - from) / 1000).toFixed(1)}, ${(kilobytes / 1024).toFixed(0)}`, '');
    }
    for (const folder of [restored, imported]) {
      const found = execFileSync('sh', ['-c', `find ${folder}/files -type f -exec sha256sum {} + | cut -d' ' -f1`], {
        encoding: 'utf8',
      });
      const missing = hashes.filter((hash) => !found.includes(hash));
      if (missing.length > 0) throw new Error(`${missing.length} contents are missing in ${folder}`);
    }
    show('– contents that are the same after restore and import', `${hashes.length} of 40`, 'all');
    rmSync(scratch, { recursive: true, force: true });
    await ended(server);
  },
};

show('what', 'measured', 'goal');
show('---', '---', '---');
for (const [name, measure] of Object.entries(parts)) {
  if (!options.only || options.only.split(',').includes(name)) await measure();
}
