// The messages that aren't stored yet: in the outbox, which all tabs share, and at the end of the room on screen.

import { cloneTemplate, query } from '../core/dom.js';
import { tabId } from './draft.js';
import { loadRecord, recordIds, removeRecord, saveRecord } from './storage.js';

// Messages that were written but aren't stored on the server yet, of all tabs and rooms of this browser, in order.

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

/**
 * Shows the author and the beginning of a message, in a strip with places for both.
 * @param {HTMLElement} strip
 * @param {MessageElement} article
 */
export function fillQuote(strip, article) {
  const text = /** @type {HTMLElement} */ (query(article, '.message__body').cloneNode(true));
  text.querySelector('.message__edited')?.remove();
  query(strip, '.quote__author').textContent = query(article, '.message__author').textContent;
  const files = article.querySelector('.attachments')?.ariaLabel ?? '';
  query(strip, '.quote__text').textContent = (text.firstElementChild ?? text).textContent.trim() || files;
  strip.hidden = false;
}

/**
 * @param {HTMLElement} list with one row, which is copied
 * @param {SentFile[]} files
 */
function showFiles(list, files) {
  const rows = files.map(({ name }) => {
    const row = /** @type {HTMLElement} */ (query(list, '.file').cloneNode(true));
    query(row, '.file-name').textContent = name;
    return row;
  });
  list.replaceChildren(...rows);
  list.hidden = files.length === 0;
}

/** @typedef {'retry' | 'discard'} PendingAction */

export class PendingMessages {
  #template;
  #messageList;
  #me;
  #onAction;
  #texts;
  /**
   * By nonce.
   * @type {Map<string, MessageElement>}
   */
  #rows = new Map();
  #isOffline = false;

  /**
   * @param {HTMLTemplateElement} template
   * @param {import('../room/message-list.js').MessageList} messageList
   * @param {string} me
   * @param {(action: PendingAction, nonce: string) => void} onAction
   */
  constructor(template, messageList, me, onAction) {
    const status = query(template.content, '.note__text');
    this.#template = template;
    this.#messageList = messageList;
    this.#me = me;
    this.#onAction = onAction;
    this.#texts = { online: status.textContent, offline: status.dataset.offline ?? '' };
  }

  /** @param {OutboxEntry} entry */
  show(entry) {
    const { nonce, body, failed, reply_to: original, files = [] } = entry;
    if (this.#rows.has(nonce)) return;
    /** @type {MessageElement} */
    const row = cloneTemplate(this.#template);
    Object.assign(row.dataset, { nonce, author: this.#me, at: Date.now() });
    query(row, '.message__body').textContent = body;
    showFiles(query(row, '.files'), files);
    const quoted = /** @type {MessageElement | null} */ (original && document.getElementById(`m${original}`));
    if (quoted) fillQuote(query(row, '.quote'), quoted);
    query(row, '[data-again]').addEventListener('click', () => this.#onAction('retry', nonce));
    query(row, '[data-discard]').addEventListener('click', () => this.#onAction('discard', nonce));
    this.#showStatus(row);
    this.#rows.set(nonce, row);
    this.#messageList.addPending(row);
    if (failed !== undefined) this.markFailed(entry);
  }

  /** @param {OutboxEntry} entry */
  markFailed({ nonce, failed = '' }) {
    const row = this.#rows.get(nonce);
    if (!row) return;
    row.classList.replace('message--pending', 'message--failed');
    query(row, '.message__header .note').hidden = true;
    query(row, '.note__reason').textContent = failed;
    query(row, '.note--error').hidden = false;
  }

  /** @param {string} nonce */
  remove(nonce) {
    const row = this.#rows.get(nonce);
    if (!row) return;
    this.#rows.delete(nonce);
    this.#messageList.removePending(row);
  }

  /**
   * @param {string} author
   * @param {string} nonce
   */
  isStored(author, nonce) {
    return this.#messageList.findStored(author, nonce) !== null;
  }

  /** @param {boolean} isOffline */
  setOffline(isOffline) {
    this.#isOffline = isOffline;
    for (const row of this.#rows.values()) this.#showStatus(row);
  }

  /** @param {MessageElement} row */
  #showStatus(row) {
    query(row, '.note__text').textContent = this.#isOffline ? this.#texts.offline : this.#texts.online;
  }
}
