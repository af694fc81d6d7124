// The copy of a room's draft on the server, for the user's other devices and tabs. The browser's own storage stays the
// first one. The newest text wins on the server; what was typed here stays here, and the other text is offered.
import { appElement, partOf, query } from '../core/dom.js';
import { loadRecord } from './storage.js';

const SEND_EVERY = 2_000; // ms, for each room
const STORED = 204;
const NONE = { body: '', nonce: null, reply_to: null, updated_at: null };
const KEPT_ALIVE = 60_000; // bytes; browsers refuse longer requests from a page that is being left

/**
 * A draft as the server has it. Without a text it was sent or discarded, and the nonce, if known, says which.
 * @typedef {object} ServerDraft
 * @property {string} body
 * @property {string | null} nonce with which it will be sent
 * @property {number | null} reply_to
 * @property {string | null} updated_at
 *
 * @typedef {object} DraftSyncOptions
 * @property {BodyForm} form of the room, or of the thread beside it
 * @property {number} room
 * @property {string | undefined} created when the room was made
 * @property {import('./draft.js').Draft} draft
 * @property {() => string} text in the composer
 * @property {(text: string) => void} show puts a text into the composer, without storing it
 * @property {AbortSignal} signal
 */

export class DraftSync {
  #options;
  #strip;
  #epoch = appElement().dataset.epoch;
  /**
   * The text that the server has, as far as known.
   * @type {string | null}
   */
  #stored = null;
  #isTaken = false; // the text came from there, and was not changed here since
  #timer = 0;
  /**
   * The text that is offered.
   * @type {ServerDraft | null}
   */
  #other = null;

  /** @param {DraftSyncOptions} options */
  constructor(options) {
    const { signal } = options;
    this.#options = options;
    this.#strip = partOf(options.form, 'other-draft');
    query(this.#strip, '[data-use]').addEventListener('click', () => this.#useOther(), { signal });
    query(this.#strip, '[data-keep]').addEventListener('click', () => this.#keepOwn(), { signal });
    document.addEventListener('visibilitychange', () => document.hidden && this.flush(), { signal });
    signal.addEventListener('abort', () => this.flush());
  }

  /**
   * The page has come with the server's draft, or without one.
   * @param {ServerDraft | null} server
   */
  start(server) {
    const { draft, text } = this.#options;
    const { stored, isTaken } = draft.serverCopy;
    // Of another history of the server nothing is known: a restored server has forgotten drafts that were not sent.
    if (stored && stored === this.#epoch) {
      this.#stored = text();
      this.#isTaken = isTaken;
    }
    // A text on its way stands in the log already.
    if (server && !loadRecord('outbox', server.nonce ?? '')) this.receive(server);
    else if (!server && (this.#isTaken || this.#isInLog())) this.#take(NONE);
    if (text().trim() && text() !== this.#stored && !this.#other) this.#schedule();
  }

  #isInLog() {
    const { me } = appElement().dataset;
    const { draft, form } = this.#options;
    const own = `[data-author="${CSS.escape(me)}"][data-nonce="${CSS.escape(draft.nonce)}"]`;
    return partOf(form, 'messages').querySelector(own);
  }

  /**
   * The server's draft is another one now.
   * @param {ServerDraft} server
   */
  receive(server) {
    const { draft, text } = this.#options;
    const { body, nonce } = server;
    const own = text();
    if (body === own) {
      this.#offer(null);
      if (nonce && nonce !== draft.nonce) draft.take(body, nonce, server.reply_to); // it is one text, whichever device sends it
      this.#remember(body, this.#isTaken);
    } else if (!body) this.#onGone(nonce);
    else if (nonce === draft.nonce && !this.#isTaken) {
      this.#stored = body; // what was typed here before
      this.#schedule();
    } else if (!own.trim() || this.#isTaken) this.#take(server);
    else {
      this.#stored = body;
      this.#offer(server);
    }
  }

  /**
   * A text with this nonce was sent, by whichever device.
   * @param {string} nonce
   */
  onSent(nonce) {
    if (nonce === this.#options.draft.nonce && this.#options.text()) this.#onGone(nonce);
  }

  /**
   * The draft is gone from the server. So is the text here, unless it is another one.
   * @param {string | null} nonce
   */
  #onGone(nonce) {
    const { draft, text } = this.#options;
    const isSame = this.#isTaken || (nonce === draft.nonce && text() === this.#stored);
    this.#offer(null);
    this.#stored = null;
    if (isSame) this.#take(NONE);
    else if (nonce === draft.nonce) {
      draft.renewNonce();
      this.#schedule();
    }
  }

  /** The user has typed. */
  typed() {
    this.#isTaken = false;
    this.#schedule();
  }

  #schedule() {
    this.#timer ||= setTimeout(() => this.#send(this.#options.text()), SEND_EVERY);
  }

  /** The text was sent as a message, whose nonce deletes the server's copy. */
  sent() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#stored = null;
    this.#isTaken = false;
    this.#offer(null);
  }

  /** The text was used up in another way, as a slash command is. */
  discarded() {
    this.sent();
    this.#send('');
  }

  /** Sends what waits, without waiting any longer. */
  flush() {
    if (this.#timer) this.#send(this.#options.text());
  }

  /** @param {string} body */
  async #send(body) {
    const { room, created = '', draft, text } = this.#options;
    const { me: author } = appElement().dataset;
    const { nonce, replyTo } = draft;
    const reply = replyTo && { reply_to: String(replyTo) };
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (body === this.#stored) return;
    try {
      const { status } = await fetch(`/rooms/${room}/draft`, {
        method: 'PUT',
        body: new URLSearchParams({ body, nonce, author, room_created: created, ...reply }),
        keepalive: body.length * 9 < KEPT_ALIVE, // percent-encoded
      });
      if (status === STORED && body === text()) this.#remember(body, this.#isTaken);
    } catch {} // the next change sends it again
  }

  /**
   * @param {string} body
   * @param {boolean} isTaken
   */
  #remember(body, isTaken) {
    this.#stored = body;
    this.#isTaken = isTaken && body !== '';
    this.#options.draft.markStored(body, this.#epoch, this.#isTaken);
  }

  /** @param {ServerDraft} server */
  #take({ body, nonce, reply_to: replyTo }) {
    const { draft, show } = this.#options;
    this.#offer(null);
    draft.take(body, nonce, replyTo);
    show(body);
    this.#remember(body, true);
  }

  /** @param {ServerDraft | null} other */
  #offer(other) {
    this.#other = other;
    this.#strip.hidden = other === null;
    if (!other) return;
    const { label = '' } = this.#strip.dataset;
    const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' });
    const when = other.updated_at ? format.format(new Date(other.updated_at)) : '';
    query(this.#strip, '.draft-strip__label').textContent = label.replace('{name}', () => when);
    query(this.#strip, '.draft-strip__text').textContent = other.body;
  }

  #useOther() {
    if (this.#other) this.#take(this.#other);
  }

  #keepOwn() {
    this.#offer(null);
    this.#send(this.#options.text());
  }
}
