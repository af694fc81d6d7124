// What was written but not yet stored on the server, in order. It survives a reload of the tab and belongs to one person, server history and room.
const PREFIX = 'patio:outbox:';

export class Outbox {
  #key;
  #entries;

  constructor(epoch, me, room) {
    this.#key = `${PREFIX}${epoch}:${me}:${room}`;
    this.#entries = read(this.#key);
  }

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

  #write() {
    // A full or forbidden storage costs only the survival of a reload.
    try {
      if (this.#entries.length) sessionStorage.setItem(this.#key, JSON.stringify(this.#entries));
      else sessionStorage.removeItem(this.#key);
    } catch {}
  }
}

export function forgetAllOutboxes() {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
  } catch {}
}

function read(key) {
  try { return JSON.parse(sessionStorage.getItem(key)) ?? []; } catch { return []; }
}
