// A line to a Patio that can go bad: fall silent without a word, or break after so many bytes. Only connections that begin afterwards are as said; silence is for all.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const HOST = '127.0.0.1';

export class Line {
  #pairs = new Set();
  #isSilent = false;
  /** How many bytes the next connection carries. */
  lifetime = () => Infinity;
  /** How many milliseconds the next piece takes; pieces of one connection keep their order. */
  delay;
  cuts = 0;

  static async open(patio) {
    const line = new Line();
    line.server = createServer((near) => line.#join(near, connect(patio.port, HOST))).listen(0, HOST);
    await once(line.server, 'listening');
    line.origin = `http://${HOST}:${line.server.address().port}`;
    return line;
  }

  #join(near, far) {
    const pair = { near, far, left: this.lifetime() };
    this.#pairs.add(pair);
    const under = { way: Promise.resolve() };
    const end = async () => {
      await under.way; // what was said before one hung up still arrives
      near.destroy();
      far.destroy();
      this.#pairs.delete(pair);
    };
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      from.setNoDelay();
      from.on('error', end).on('close', end);
      from.on('data', async (bytes) => {
        if (this.delay) {
          under.way = Promise.all([under.way, pause(this.delay())]);
          await under.way;
        }
        to.write(pair.left < bytes.length ? bytes.subarray(0, pair.left) : bytes);
        pair.left -= bytes.length;
        if (pair.left >= 0) return;
        this.cuts += 1;
        to.end();
        from.destroy();
      });
      if (this.#isSilent) from.pause();
    }
  }

  /** Nothing passes any more, and nobody is told. */
  silence() {
    this.#isSilent = true;
    for (const { near, far } of this.#pairs) for (const end of [near, far]) end.pause();
  }

  /** New connections work; those that fell silent stay so. */
  mend() {
    this.#isSilent = false;
  }

  close() {
    for (const { near, far } of this.#pairs) for (const end of [near, far]) end.destroy();
    this.server.close();
  }
}

/** Numbers from 0 to below 1, always the same ones (mulberry32). */
export function chance(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let n = Math.imul(state ^ (state >>> 15), 1 | state);
    n = (n + Math.imul(n ^ (n >>> 7), 61 | n)) ^ n;
    return ((n ^ (n >>> 14)) >>> 0) / 2 ** 32;
  };
}
