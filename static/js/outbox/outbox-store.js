// Messages that are written but not stored on the server yet, of all tabs and rooms of this browser, in order.
import { discard, idsOf, keep, kept } from './storage.js';
import { tab } from './tab-id.js';

const KIND = 'outbox';
let latest = 0;

/** Entries are `{ nonce, room, created, body, tab, at, failed? }`; `created` is when the room was made, which tells it from another with its id; `failed` says why the server will never take it. */
export const outbox = {
  get: (nonce) => kept(KIND, nonce),
  remove: (nonce) => discard(KIND, nonce),

  entries() {
    const all = idsOf(KIND)
      .map(outbox.get)
      .filter((entry) => entry?.nonce);
    return all.sort((one, other) => one.at - other.at || (one.nonce < other.nonce ? -1 : 1));
  },

  add(entry) {
    latest ||= Math.max(0, ...outbox.entries().map(({ at }) => at));
    latest = Math.max(Date.now(), latest + 1); // the order in which they were written, whatever the clock does
    const body = entry.body.toWellFormed?.() ?? entry.body; // half a character is no text for a server
    const whole = { ...entry, body, tab, at: latest };
    keep(KIND, entry.nonce, whole);
    return whole;
  },

  fail(entry, why) {
    keep(KIND, entry.nonce, { ...entry, failed: why });
  },
  own(entry) {
    keep(KIND, entry.nonce, { ...entry, tab });
  },
};
