// Messages that were written but aren't stored on the server yet, of all tabs and rooms of this browser, in order.
import { loadRecord, recordIds, removeRecord, saveRecord } from './storage.js';
import { tabId } from './tab-id.js';

const KIND = 'outbox';
let latestAt = 0;

export const outbox = {
  /** @param {string} nonce */
  get: (nonce) => loadRecord(KIND, nonce),
  /** @param {string} nonce */
  remove: (nonce) => removeRecord(KIND, nonce),

  entries() {
    const all = recordIds(KIND).flatMap((id) => outbox.get(id) ?? []);
    return all
      .filter((entry) => entry.nonce)
      .sort((one, other) => one.at - other.at || (one.nonce < other.nonce ? -1 : 1));
  },

  /** @param {OutboxText & { nonce: string }} text */
  add(text) {
    latestAt ||= Math.max(0, ...outbox.entries().map(({ at }) => at));
    latestAt = Math.max(Date.now(), latestAt + 1); // keeps the order of writing when the clock is set back
    const body = text.body.toWellFormed?.() ?? text.body; // the server takes no lone surrogates
    /** @type {OutboxEntry} */
    const entry = { ...text, body, tab: tabId, at: latestAt };
    saveRecord(KIND, entry.nonce, entry);
    return entry;
  },

  /**
   * @param {OutboxEntry} entry
   * @param {string} reason
   */
  markFailed(entry, reason) {
    saveRecord(KIND, entry.nonce, { ...entry, failed: reason });
  },

  /**
   * Makes this tab the one that sends the message.
   * @param {OutboxEntry} entry
   */
  claim(entry) {
    saveRecord(KIND, entry.nonce, { ...entry, tab: tabId });
  },
};
