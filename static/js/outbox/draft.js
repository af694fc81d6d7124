// Unfinished text: the draft of a room, or the edit of a message. Each tab has its own, so that two tabs don't
// overwrite each other; what a closed tab has left behind goes to the next one that opens the same room or message.
import { loadRecord, recordIds, removeRecord, saveRecord, watchRemovals } from './storage.js';

// The id of this tab, to tell whose unsent text is whose. A tab keeps its id when it reloads; a duplicated tab and a
// new one get another.

const KEY = 'patio:tab';
const LOCK_PREFIX = 'patio:tab:';

export let tabId = newNonce();

/** The id is in sessionStorage only while the tab has no living page, so that a duplicate of the tab doesn't get it. */
export function claimTabId() {
  restoreId();
  let release = lockId();
  addEventListener('pagehide', () => {
    release();
    try {
      sessionStorage.setItem(KEY, tabId);
    } catch {}
  });
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    restoreId();
    release = lockId();
  });
}

function restoreId() {
  try {
    tabId = sessionStorage.getItem(KEY) ?? tabId;
    sessionStorage.removeItem(KEY);
  } catch {}
}

/** Marks the tab as alive. The browser releases the lock with the page, however that ends. */
function lockId() {
  let release = () => {};
  /** @returns {Promise<void>} */
  const untilReleased = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  navigator.locks?.request(LOCK_PREFIX + tabId, untilReleased).catch(() => {});
  return () => release();
}

/** The ids of all living tabs; null where the browser has no Web Locks (it has them on HTTPS and localhost). */
export async function liveTabIds() {
  try {
    const { held = [] } = await navigator.locks.query();
    const names = held.map(({ name = '' }) => name);
    return new Set(names.filter((name) => name.startsWith(LOCK_PREFIX)).map((name) => name.slice(LOCK_PREFIX.length)));
  } catch {
    return null;
  }
}

// Nonces for messages that aren't stored yet: UUIDv7, so that they sort by time. Made by hand, because
// crypto.randomUUID is missing on plain HTTP.

export function newNonce() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const time = Date.now();
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(time / 256 ** (5 - i)) % 256;
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

export class Draft {
  #kind;
  #prefix;
  #id;
  #nonce;
  /**
   * The message that the text replies to.
   * @type {number | undefined}
   */
  replyTo;
  /**
   * What was sent under the nonce; anything else needs a new one.
   * @type {string | null}
   */
  #sent = null;
  #sentFiles = '';

  /**
   * @param {'draft' | 'edit'} kind
   * @param {string | number} target the room or the message
   * @param {string} [owner] the tab; an unused id for a draft that any tab may take over
   */
  constructor(kind, target, owner = tabId) {
    this.#kind = kind;
    this.#prefix = `${encodeURIComponent(target)}:`;
    this.#id = this.#prefix + owner;
    const record = loadRecord(kind, this.#id);
    this.#nonce = record?.nonce ?? newNonce();
    this.replyTo = record?.reply_to;
  }

  /** With which the text will be sent. */
  get nonce() {
    return this.#nonce;
  }

  /** Which history of the server has this very text, and whether it came from there. */
  get serverCopy() {
    const { stored = '', isTaken = false } = loadRecord(this.#kind, this.#id) ?? {};
    return { stored, isTaken };
  }

  /**
   * The server has this text.
   * @param {string} text
   * @param {string} epoch
   * @param {boolean} isTaken
   */
  markStored(text, epoch, isTaken) {
    const record = loadRecord(this.#kind, this.#id);
    if (record?.text === text) saveRecord(this.#kind, this.#id, { ...record, stored: epoch, isTaken });
  }

  /**
   * Takes over a text of another device with its nonce: whichever device sends it, it is stored once. A change makes it
   * another text.
   * @param {string} text
   * @param {string | null} nonce
   * @param {number | null} replyTo
   */
  take(text, nonce, replyTo) {
    this.clear();
    if (!text) return;
    this.#nonce = nonce ?? this.#nonce;
    this.replyTo = replyTo ?? undefined;
    this.#sent = this.#withReply(text);
    this.write(text);
  }

  read() {
    return loadRecord(this.#kind, this.#id)?.text ?? '';
  }

  /** @param {string} text */
  write(text) {
    if (this.#sent !== null && this.#withReply(text) !== this.#sent) this.renewNonce();
    const record = { text, nonce: this.#nonce, reply_to: this.replyTo, at: Date.now() };
    if (text.trim()) saveRecord(this.#kind, this.#id, record);
    else this.#remove();
  }

  clear() {
    this.replyTo = undefined;
    this.#remove();
  }

  #remove() {
    removeRecord(this.#kind, this.#id);
    this.renewNonce();
  }

  /** @param {string} text */
  #withReply(text) {
    return `${this.replyTo}:${text}`;
  }

  /**
   * The nonce to send this text under: however often that is, it is stored once.
   * @param {string} text
   * @param {SentFile[]} files
   */
  nonceFor(text, files) {
    const ids = files.map(({ id }) => id).join();
    if (this.#sent !== null && ids !== this.#sentFiles) this.renewNonce();
    this.#sent = this.#withReply(text);
    this.#sentFiles = ids;
    return this.#nonce;
  }

  /** Takes over the newest text of a closed tab. '' if there is none, or if this tab has its own now. */
  async takeOrphan() {
    const kind = this.#kind;
    const others = recordIds(kind, this.#prefix).filter((id) => id !== this.#id);
    if (!others.length) return '';
    const liveTabs = await liveTabIds();
    const [newest] = others
      .filter((id) => !liveTabs?.has(id.slice(this.#prefix.length)))
      .map((id) => ({ text: '', nonce: '', at: 0, ...loadRecord(kind, id), id }))
      .filter(({ text }) => text)
      .sort((one, other) => other.at - one.at);
    if (!newest || loadRecord(kind, this.#id)) return '';
    this.#nonce = newest.nonce || this.#nonce;
    this.replyTo = newest.reply_to;
    this.write(newest.text);
    if (newest.stored) this.markStored(newest.text, newest.stored, newest.isTaken === true);
    removeRecord(kind, newest.id);
    return newest.text;
  }

  /**
   * Calls back when another tab has taken this text over.
   * @param {(text: string) => void} onTaken
   * @param {AbortSignal} signal
   */
  watchTakeover(onTaken, signal) {
    watchRemovals(
      this.#kind,
      (id, removed) => {
        if (id === this.#id && removed) onTaken(removed.text);
      },
      signal,
    );
  }

  /** What is written from now on is another text. */
  renewNonce() {
    this.#nonce = newNonce();
    this.#sent = null;
  }
}

/**
 * The rooms or messages that have a text of this kind.
 * @param {'draft' | 'edit'} kind
 */
export const draftTargets = (kind) => new Set(recordIds(kind).map((id) => decodeURIComponent(id.split(':')[0])));
