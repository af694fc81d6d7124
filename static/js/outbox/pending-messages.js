// The rows of messages that aren't stored yet: on their way, waiting for a connection, or refused with a way to retry
// and one to discard.
import { cloneTemplate, query } from '../core/dom.js';

/** @typedef {ReturnType<typeof createPendingMessages>} PendingMessages */
/** @typedef {'retry' | 'discard'} PendingAction */

/**
 * @param {HTMLTemplateElement} template
 * @param {import('../room/message-list.js').MessageList} messageList
 * @param {string} me
 * @param {(action: PendingAction, nonce: string) => void} onAction
 */
export function createPendingMessages(template, messageList, me, onAction) {
  const status = query(template.content, '.note__text');
  const texts = { online: status.textContent, offline: status.dataset.offline ?? '' };
  /**
   * By nonce.
   * @type {Map<string, MessageElement>}
   */
  const rows = new Map();
  let isOffline = false;

  /** @param {MessageElement} row */
  function showStatus(row) {
    query(row, '.note__text').textContent = isOffline ? texts.offline : texts.online;
  }

  /** @param {OutboxEntry} entry */
  function markFailed({ nonce, failed = '' }) {
    const row = rows.get(nonce);
    if (!row) return;
    row.classList.replace('msg--pending', 'msg--failed');
    query(row, '.msg__head .note').hidden = true;
    query(row, '.note__why').textContent = failed;
    query(row, '.note--bad').hidden = false;
  }

  return {
    /** @param {OutboxEntry} entry */
    show(entry) {
      const { nonce, body, failed } = entry;
      if (rows.has(nonce)) return;
      /** @type {MessageElement} */
      const row = cloneTemplate(template);
      Object.assign(row.dataset, { nonce, author: me, at: Date.now() });
      query(row, '.msg__body').textContent = body;
      query(row, '[data-again]').addEventListener('click', () => onAction('retry', nonce));
      query(row, '[data-discard]').addEventListener('click', () => onAction('discard', nonce));
      showStatus(row);
      rows.set(nonce, row);
      messageList.addPending(row);
      if (failed !== undefined) markFailed(entry);
    },

    markFailed,

    /** @param {string} nonce */
    remove(nonce) {
      const row = rows.get(nonce);
      if (!row) return;
      rows.delete(nonce);
      messageList.removePending(row);
    },

    /**
     * @param {string} author
     * @param {string} nonce
     */
    isStored: (author, nonce) => messageList.findStored(author, nonce) !== null,

    /** @param {boolean} offline */
    setOffline(offline) {
      isOffline = offline;
      rows.forEach(showStatus);
    },
  };
}
