// A line to a Patio that can go bad: fall silent without a word, or break after so many bytes. Only connections that begin afterwards are as said; silence is for all.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const HOST = '127.0.0.1';

export class FlakyProxy {
  #connections = new Set();
  #isSilent = false;
  /** How many bytes the next connection carries. */
  lifetime = () => Infinity;
  /** How many milliseconds the next piece takes; pieces of one connection keep their order. */
  delay;
  disconnects = 0;

  static async open(patio) {
    const proxy = new FlakyProxy();
    proxy.server = createServer((client) => proxy.#join(client, connect(patio.port, HOST))).listen(0, HOST);
    await once(proxy.server, 'listening');
    proxy.origin = `http://${HOST}:${proxy.server.address().port}`;
    return proxy;
  }

  #join(client, server) {
    const connection = { client, server, bytesLeft: this.lifetime() };
    this.#connections.add(connection);
    const sending = { done: Promise.resolve() };
    const close = async () => {
      await sending.done; // what was said before one hung up still arrives
      client.destroy();
      server.destroy();
      this.#connections.delete(connection);
    };
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      from.setNoDelay();
      from.on('error', close).on('close', close);
      from.on('data', async (bytes) => {
        if (this.delay) {
          sending.done = Promise.all([sending.done, pause(this.delay())]);
          await sending.done;
        }
        to.write(connection.bytesLeft < bytes.length ? bytes.subarray(0, connection.bytesLeft) : bytes);
        connection.bytesLeft -= bytes.length;
        if (connection.bytesLeft >= 0) return;
        this.disconnects += 1;
        to.end();
        from.destroy();
      });
      if (this.#isSilent) from.pause();
    }
  }

  /** Nothing passes any more, and nobody is told. */
  silence() {
    this.#isSilent = true;
    for (const { client, server } of this.#connections) for (const socket of [client, server]) socket.pause();
  }

  /** New connections work; those that fell silent stay so. */
  recover() {
    this.#isSilent = false;
  }

  close() {
    for (const { client, server } of this.#connections) for (const socket of [client, server]) socket.destroy();
    this.server.close();
  }
}

/** Numbers from 0 to below 1, always the same ones (mulberry32). */
export function seededRandom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let n = Math.imul(state ^ (state >>> 15), 1 | state);
    n = (n + Math.imul(n ^ (n >>> 7), 61 | n)) ^ n;
    return ((n ^ (n >>> 14)) >>> 0) / 2 ** 32;
  };
}
