// Text that was begun: the draft of a room, or the edit of a message. Each tab has its own, so that two tabs don't
// overwrite each other; what a closed tab has left behind goes to the next one that opens the same room or message.
import { newNonce } from '../core/uuid.js';
import { loadRecord, recordIds, removeRecord, saveRecord, watchRemovals } from './storage.js';
import { liveTabIds, tabId } from './tab-id.js';

/** @typedef {ReturnType<typeof createDraft>} Draft */

/**
 * @param {'draft' | 'edit'} kind
 * @param {string | number} target the room or the message
 * @param {string} [owner] the tab; an unused id for a draft that any tab may take over
 */
export function createDraft(kind, target, owner = tabId) {
  const prefix = `${encodeURIComponent(target)}:`;
  const ownId = prefix + owner;
  let nonce = loadRecord(kind, ownId)?.nonce ?? newNonce();
  /** @type {string | null} */
  let sentText = null; // the text sent under this nonce; a different text needs a new one

  function renewNonce() {
    nonce = newNonce();
    sentText = null;
  }

  function clear() {
    removeRecord(kind, ownId);
    renewNonce();
  }

  /** @param {string} text */
  function write(text) {
    if (sentText !== null && text !== sentText) renewNonce();
    if (text.trim()) saveRecord(kind, ownId, { text, nonce, at: Date.now() });
    else clear();
  }

  return {
    read: () => loadRecord(kind, ownId)?.text ?? '',
    write,
    clear,

    /**
     * The nonce to send this text under: however often that is, it is stored once.
     * @param {string} text
     */
    nonceFor(text) {
      sentText = text;
      return nonce;
    },

    /** Takes over the newest text of a closed tab. '' if there is none, or if this tab has begun one meanwhile. */
    async takeOrphan() {
      const others = recordIds(kind, prefix).filter((id) => id !== ownId);
      if (!others.length) return '';
      const liveTabs = await liveTabIds();
      const [newest] = others
        .filter((id) => !liveTabs?.has(id.slice(prefix.length)))
        .map((id) => ({ text: '', nonce: '', at: 0, ...loadRecord(kind, id), id }))
        .filter(({ text }) => text)
        .sort((one, other) => other.at - one.at);
      if (!newest || loadRecord(kind, ownId)) return '';
      nonce = newest.nonce || nonce;
      write(newest.text);
      removeRecord(kind, newest.id);
      return newest.text;
    },

    /**
     * Calls back when another tab has taken this text over.
     * @param {(text: string) => void} onTaken
     * @param {AbortSignal} signal
     */
    watchTakeover(onTaken, signal) {
      watchRemovals(
        kind,
        (id, removed) => {
          if (id === ownId && removed) onTaken(removed.text);
        },
        signal,
      );
    },
  };
}

/**
 * The rooms or messages that have a text of this kind.
 * @param {'draft' | 'edit'} kind
 */
export const draftTargets = (kind) => new Set(recordIds(kind).map((id) => decodeURIComponent(id.split(':')[0])));
