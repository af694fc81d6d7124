// The rows of messages that aren't stored yet: on their way, waiting for a connection, or refused with a way to retry
// and one to discard.
import { cloneTemplate, query } from '../core/dom.js';

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
    const { nonce, body, failed } = entry;
    if (this.#rows.has(nonce)) return;
    /** @type {MessageElement} */
    const row = cloneTemplate(this.#template);
    Object.assign(row.dataset, { nonce, author: this.#me, at: Date.now() });
    query(row, '.message__body').textContent = body;
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
