// Files to send: pictures of one colour, and folders of files that a browser can choose from.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deflateSync } from 'node:zlib';

/** Of zlib in Node.js 22; here for Node.js 20. */
function crc32(data) {
  let sum = ~0;
  for (const byte of data) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** A PNG. */
export function picture(width, height, [red, green, blue] = [0, 90, 70]) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, red, green and blue
  const row = Buffer.concat([Buffer.of(0), Buffer.from(Array(width).fill([red, green, blue]).flat())]);
  const pixels = deflateSync(Buffer.concat(Array(height).fill(row)));
  const signature = Buffer.of(137, 80, 78, 71, 13, 10, 26, 10);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

/** Bytes without a meaning, the same for the same seed. */
export function bytes(length, seed = 1) {
  const block = Buffer.alloc(length);
  let state = seed;
  for (let n = 0; n < length; n++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    block[n] = state >>> 16;
  }
  return block;
}

/** Writes files, calls the function with their paths, and deletes them. */
export async function withFiles(files, use) {
  const folder = await mkdtemp(path.join(tmpdir(), 'patio-files-'));
  try {
    const paths = [];
    for (const [name, content] of Object.entries(files)) {
      paths.push(path.join(folder, name));
      await writeFile(paths.at(-1), content);
    }
    await use(paths);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
