// A TCP proxy in front of a Patio that can fail: go silent without closing, or break after a number of bytes. Silence
// applies to all connections, other settings only to connections that are opened later.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const HOST = '127.0.0.1';

export class FlakyProxy {
  #connections = new Set();
  #isSilent = false;
  /** Returns how many bytes the next connection carries. */
  lifetime = () => Infinity;
  /** Returns the delay of the next chunk in milliseconds. Chunks of one connection keep their order. */
  delay;
  disconnects = 0;

  static async open(patio) {
    const proxy = new FlakyProxy();
    proxy.port = patio.port;
    proxy.server = createServer((client) => proxy.#join(client, connect(proxy.port, HOST))).listen(0, HOST);
    await once(proxy.server, 'listening');
    proxy.origin = `http://${HOST}:${proxy.server.address().port}`;
    return proxy;
  }

  #join(client, server) {
    const connection = { client, server, bytesLeft: this.lifetime() };
    this.#connections.add(connection);
    const sending = { done: Promise.resolve() };
    const close = async () => {
      await sending.done; // data sent before the end still arrives
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

  /** Stops all data without closing the connections. */
  silence() {
    this.#isSilent = true;
    for (const { client, server } of this.#connections) for (const socket of [client, server]) socket.pause();
  }

  /** Lets new connections work. Silent ones stay silent. */
  recover() {
    this.#isSilent = false;
  }

  /** Lets each of the present connections carry this many bytes more, and new ones as many until one has been cut. */
  cutAfter(bytes) {
    for (const connection of this.#connections) connection.bytesLeft = Math.min(connection.bytesLeft, bytes);
    const { disconnects } = this;
    this.lifetime = () => (this.disconnects > disconnects ? Infinity : bytes);
  }

  /** Breaks all connections. New ones lead to this Patio. */
  switchTo(patio) {
    this.port = patio.port;
    this.#breakAll();
  }

  close() {
    this.#breakAll();
    this.server.close();
  }

  #breakAll() {
    for (const { client, server } of this.#connections) for (const socket of [client, server]) socket.destroy();
  }
}

/** A repeatable random source of numbers from 0 to below 1 (mulberry32). */
export function seededRandom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let n = Math.imul(state ^ (state >>> 15), 1 | state);
    n = (n + Math.imul(n ^ (n >>> 7), 61 | n)) ^ n;
    return ((n ^ (n >>> 14)) >>> 0) / 2 ** 32;
  };
}
