// Brings written messages to the server exactly once: each has a nonce, stays in the outbox, and is sent again until it
// is stored or refused. There is one sender for the tab: messages for rooms that aren't on screen go out too.
import { byId } from '../core/dom.js';
import { liveTabIds, newNonce, tabId } from './draft.js';
import { outbox } from './pending-messages.js';
import { watchRemovals } from './storage.js';

const RETRYABLE = [429, 503];
const NOT_FOUND = 404;
const DEFAULT_DELAY = 2; // seconds, where the server names none
const SWEEP_EVERY = 2_500;
const ACK_TIMEOUT = 15_000; // without an answer over a connection that works
const TAB_LEASE = 10_000; // until then only the tab that wrote a message sends it
const MAX_FRAME = 48 * 1024; // bytes; larger messages go over HTTP, which takes more

/** @param {ClientFrame} frame */
const byteLength = (frame) => new TextEncoder().encode(JSON.stringify(frame)).length;
/** @param {OutboxEntry} entry */
const isOwn = (entry) => entry.tab === tabId;
/** @param {OutboxEntry} entry */
const hasFailed = ({ failed }) => failed !== undefined;

/**
 * @typedef {object} SenderOptions
 * @property {string} me
 * @property {string} epoch
 * @property {SendFrame} sendFrame
 * @property {(room: number) => string | undefined} roomName of a room in the sidebar
 * @property {(room: number) => string | undefined} roomCreated when a room was made
 * @property {(entry: OutboxEntry) => Promise<PostResult>} postOverHttp
 * @property {() => void} onPostedOverHttp
 */

export class Sender {
  #options;
  #texts = byId('waiting').dataset;
  /**
   * The rooms on screen: one, and a thread beside it. They take no posts before they have caught up.
   * @type {Map<number, { pendingMessages: import('./pending-messages.js').PendingMessages, isLive: boolean }>}
   */
  #shown = new Map();
  /** @type {'' | 'websocket' | 'http'} */
  #transport = '';
  #retryTimer = 0; // while the server wants a pause
  #sweepTimer = 0;
  /**
   * When each nonce was sent on this connection.
   * @type {Map<string, number>}
   */
  #inFlight = new Map();
  /**
   * Nonces of what didn't get through as a frame.
   * @type {Set<string>}
   */
  #httpOnly = new Set();
  #isPosting = false;

  /** @param {SenderOptions} options */
  constructor(options) {
    this.#options = options;
    watchRemovals('outbox', (nonce) => this.remove(nonce)); // sent or discarded by another tab
  }

  /**
   * @param {number} room
   * @param {string} body
   * @param {string} [nonce]
   * @param {Pick<OutboxText, 'reply_to' | 'also' | 'files'>} [more] the message it replies to; whether the room gets a
   *   copy of a reply in a thread; its files, which the server has
   */
  post(room, body, nonce, { reply_to, also, files = [] } = {}) {
    const { roomName, roomCreated, epoch } = this.#options;
    const [name, created] = [roomName(room), roomCreated(room)];
    const more = { ...(also && { also }), ...(files.length && { files }) };
    this.#add({ room, name, created, epoch, body, nonce, reply_to, ...more });
  }

  /** @param {OutboxText & { nonce?: string }} text */
  #add({ nonce = newNonce(), ...text }) {
    const entry = outbox.add({ ...text, nonce });
    this.#viewFor(entry)?.show(entry);
    this.#send(entry);
    this.#postQueued();
    this.#startSweep();
  }

  /**
   * Sends a refused message again, to the room it was written for.
   * @param {string} nonce
   */
  retry(nonce) {
    const entry = outbox.get(nonce);
    if (!entry) return;
    const { room, name, created, epoch, body, reply_to, also, files } = entry;
    this.remove(nonce);
    this.#add({ room, name, created, epoch, body, reply_to, ...(also && { also }), ...(files && { files }) });
  }

  /**
   * The message itself has arrived, or its author discards it.
   * @param {string} nonce
   */
  remove(nonce) {
    this.#forget(nonce);
    this.#removeRow(nonce);
  }

  /** @param {string} nonce */
  #removeRow(nonce) {
    for (const { pendingMessages } of this.#shown.values()) pendingMessages.remove(nonce);
  }

  /**
   * The server has stored it. The row stays until the message itself arrives, unless it already has.
   * @param {string} nonce
   * @param {boolean} hasArrived
   */
  acknowledge(nonce, hasArrived) {
    this.#forget(nonce);
    if (hasArrived) this.#removeRow(nonce);
  }

  /** @param {{ nonce: string, status: number, detail?: string, retry_after?: number }} error */
  reject({ nonce, status, detail, retry_after: delay = DEFAULT_DELAY }) {
    const entry = outbox.get(nonce);
    this.#inFlight.delete(nonce);
    if (!entry) return;
    if (RETRYABLE.includes(status)) {
      this.#pause(delay);
      return;
    }
    this.#httpOnly.delete(nonce);
    const reason = (status === NOT_FOUND ? this.#texts.gone : detail) || this.#texts.refused || '';
    outbox.markFailed(entry, reason);
    const failed = { ...entry, failed: reason };
    const view = this.#viewFor(failed);
    view?.show(failed);
    view?.markFailed(failed);
  }

  /**
   * A room is on screen, which shows its pending messages.
   * @param {number} room
   * @param {import('./pending-messages.js').PendingMessages} pendingMessages
   */
  attachRoom(room, pendingMessages) {
    this.#shown.set(room, { pendingMessages, isLive: false });
    for (const entry of outbox.entries().filter(isOwn)) this.#showPending(entry);
    this.#adoptOrphans();
  }

  /** @param {number} room */
  detachRoom(room) {
    this.#shown.delete(room);
    setTimeout(() => this.#sendAll(), DEFAULT_DELAY * 1000); // by then most of what was in flight is stored
  }

  connected() {
    this.#transport = 'websocket';
    this.#inFlight.clear();
    this.#sendAll();
    this.#adoptOrphans();
    this.#startSweep();
  }

  /**
   * A room on screen has caught up.
   * @param {number} room
   */
  roomIsLive(room) {
    this.#setLive(true, room);
    clearTimeout(this.#retryTimer);
    this.#retryTimer = 0;
    this.#sendAll();
  }

  disconnected() {
    this.#transport = '';
    this.#inFlight.clear();
    this.#setLive(false);
  }

  /**
   * @param {boolean} isLive
   * @param {number} [room] all without it
   */
  #setLive(isLive, room) {
    for (const [id, shown] of this.#shown) if (room === undefined || id === room) shown.isLive = isLive;
  }

  /** The server closed the connection because of a frame that was too large: whatever was in flight goes over HTTP. */
  frameTooLarge() {
    for (const nonce of this.#inFlight.keys()) this.#httpOnly.add(nonce);
  }

  /** There is no WebSocket, but HTTP works. */
  useHttp() {
    this.#transport = 'http';
    this.#setLive(true);
    this.#sendAll();
    this.#adoptOrphans();
  }

  /**
   * A message is shown in its room; a refused one whose room is gone is shown in any.
   * @param {OutboxEntry} entry
   */
  #viewFor(entry) {
    const isLost = hasFailed(entry) && !this.#isKnown(entry.room);
    const [first] = isLost ? this.#shown.values() : [];
    return (this.#shown.get(entry.room) ?? first)?.pendingMessages;
  }

  /** @param {number} room */
  #isKnown(room) {
    return this.#options.roomName(room) !== undefined;
  }

  /** @param {OutboxEntry} entry */
  #showPending(entry) {
    const view = this.#viewFor(entry);
    if (!view) return;
    if (view.isStored(this.#options.me, entry.nonce)) this.#forget(entry.nonce);
    else view.show(entry);
  }

  /** @param {string} nonce */
  #forget(nonce) {
    outbox.remove(nonce);
    this.#inFlight.delete(nonce);
    this.#httpOnly.delete(nonce);
  }

  /**
   * After a restore another room may have the same id. The server tells them apart where the entry says when its room
   * was made; for older entries the name has to do.
   * @param {OutboxEntry} entry
   */
  #isForOtherRoom({ room, name, created, epoch }) {
    const isRestored = epoch !== undefined && epoch !== this.#options.epoch;
    return !created && isRestored && this.#options.roomName(room) !== name;
  }

  /** @param {OutboxEntry} entry */
  #send(entry) {
    if (hasFailed(entry) || this.#retryTimer) return;
    if (this.#isForOtherRoom(entry)) {
      this.reject({ nonce: entry.nonce, status: NOT_FOUND });
      return;
    }
    if (this.#shown.get(entry.room)?.isLive === false) return;
    const { room, created, body, nonce, reply_to } = entry;
    const files = entry.files?.map(({ id }) => id);
    // The server refuses it if the room is another one, or if another account is signed in now.
    const author = Number(this.#options.me);
    /** @type {ClientFrame} */
    const frame = { type: 'post', room, room_created: created, author, body, nonce, reply_to, files };
    if (entry.also || this.#httpOnly.has(nonce) || byteLength(frame) > MAX_FRAME) this.#httpOnly.add(nonce);
    else if (this.#transport === 'websocket' && this.#options.sendFrame(frame)) {
      this.#inFlight.set(nonce, performance.now());
    }
  }

  #sendAll() {
    for (const entry of outbox.entries().filter(isOwn)) this.#send(entry);
    this.#postQueued();
  }

  /** @param {number} seconds */
  #pause(seconds) {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = 0;
      this.#sendAll();
    }, seconds * 1000);
  }

  /** Posts over HTTP one after the other, in their order and no further than the first that has to wait. */
  async #postQueued() {
    if (this.#isPosting || this.#retryTimer || !this.#transport) return;
    this.#isPosting = true;
    const tried = new Set(); // each once, whatever the answer is
    /** @param {OutboxEntry} entry */
    const isNext = (entry) =>
      isOwn(entry) &&
      !hasFailed(entry) &&
      !tried.has(entry.nonce) &&
      (this.#transport === 'http' || this.#httpOnly.has(entry.nonce)); // the WebSocket may be back
    const next = () => outbox.entries().find(isNext);
    for (let entry = next(); entry; entry = next()) {
      tried.add(entry.nonce);
      const { stored, wait, why, status } = await this.#options.postOverHttp(entry);
      if (stored) {
        this.#forget(entry.nonce);
        this.#options.onPostedOverHttp();
      } else if (why !== undefined) this.reject({ nonce: entry.nonce, status, detail: why });
      else {
        this.#pause(wait);
        break;
      }
    }
    this.#isPosting = false;
  }

  /**
   * Whether a message of another tab may be taken over: that tab has had its time to send it. Without Web Locks, time
   * is the only criterion.
   * @param {OutboxEntry} entry
   * @param {Set<string> | null} liveTabs
   */
  #isLeaseOver(entry, liveTabs) {
    const isOver = Math.abs(Date.now() - entry.at) > TAB_LEASE;
    return isOver && (hasFailed(entry) ? !liveTabs : this.#transport !== '');
  }

  /** Takes over what closed tabs have left behind, and what other tabs haven't sent for long. */
  async #adoptOrphans() {
    const others = outbox.entries().filter((entry) => !isOwn(entry));
    if (!others.length) return;
    const liveTabs = await liveTabIds();
    for (const entry of others) {
      const isOrphan = liveTabs !== null && !liveTabs.has(entry.tab);
      if (!outbox.get(entry.nonce) || !(isOrphan || this.#isLeaseOver(entry, liveTabs))) continue;
      outbox.claim(entry);
      this.#showPending({ ...entry, tab: tabId });
      this.#send(entry);
    }
    this.#startSweep();
  }

  #startSweep() {
    this.#sweepTimer ||= setInterval(() => this.#sweep(), SWEEP_EVERY);
  }

  /** Runs as long as anything is pending. */
  #sweep() {
    if (outbox.entries().every((entry) => hasFailed(entry) && isOwn(entry))) {
      clearInterval(this.#sweepTimer);
      this.#sweepTimer = 0;
      return;
    }
    for (const [nonce, sentAt] of this.#inFlight) {
      if (performance.now() - sentAt <= ACK_TIMEOUT) continue;
      this.#inFlight.delete(nonce);
      this.#httpOnly.add(nonce);
    }
    this.#adoptOrphans();
    this.#postQueued();
  }
}
