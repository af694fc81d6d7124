// What was written but not yet stored on the server, in order. It survives a reload of the tab and belongs to one person, server history and room.
import { keep, kept, keysAfter } from './unsent.js';

const beginning = (epoch, me) => `outbox:${epoch}:${me}:`;

export class Outbox {
  #key;
  #entries;

  constructor(epoch, me, room) {
    this.#key = beginning(epoch, me) + room;
    this.#entries = read(this.#key);
  }

  /** The rooms in which something waits. */
  static rooms(epoch, me) { return keysAfter('sessionStorage', beginning(epoch, me)).map(Number); }

  /** Entries are `{ nonce, body, failed? }`; `failed` says why the server will never take it. */
  get entries() { return [...this.#entries]; }
  get(nonce) { return this.#entries.find((entry) => entry.nonce === nonce); }

  add(entry) { this.#entries.push(entry); this.#write(); }
  fail(entry, why) { entry.failed = why; this.#write(); }

  remove(nonce) {
    const kept = this.#entries.filter((entry) => entry.nonce !== nonce);
    if (kept.length === this.#entries.length) return;
    this.#entries = kept;
    this.#write();
  }

  #write() { keep('sessionStorage', this.#key, this.#entries.length ? JSON.stringify(this.#entries) : ''); }
}

function read(key) {
  try { return JSON.parse(kept('sessionStorage', key)) ?? []; } catch { return []; }
}
