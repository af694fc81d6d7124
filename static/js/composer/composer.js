// The field to write in: Enter sends, the field grows with its text, and the text is kept as a draft until it is sent.
// With files the text waits until they have arrived.
import { isComposing, partOf, query } from '../core/dom.js';
import { textExcess, watchLength } from '../forms/fields.js';
import { fetchMessagePage } from '../message-actions/message-changes.js';
import { newNonce } from '../outbox/draft.js';
import { DraftSync } from '../outbox/draft-sync.js';
import { fillQuote } from '../outbox/pending-messages.js';

// Which texts are slash commands. The server executes them; the browser only has to tell them from messages, by the
// same rule.

const LEGACY = /^#(?:cR|gR|eR|lR|IR|show users|\/private|exit)(?!\S)/;

/** @param {string} text */
export const isSlashCommand = (text) => (text.startsWith('/') ? !text.startsWith('//') : LEGACY.test(text));

/**
 * Two slashes send one.
 * @param {string} text
 */
export const literalText = (text) => (text.startsWith('//') ? text.slice(1) : text);

/**
 * The command to sign out; with anything after it, it is a message.
 * @param {string} text
 */
export const isExitCommand = (text) => /^(?:\/exit|#exit)$/i.test(text);

const touch = matchMedia('(pointer: coarse)');
const HAS_FIELD_SIZING = CSS.supports('field-sizing', 'content');

/** @param {KeyboardEvent} event */
export function isSendKey(event) {
  if (event.key !== 'Enter' || event.shiftKey || event.altKey || isComposing(event)) return false;
  return !touch.matches || event.ctrlKey || event.metaKey;
}

/**
 * Leading empty lines and trailing white space aren't part of a message; indentation is.
 * @param {string} text
 */
export const bodyOf = (text) => text.replace(/^\s*\n/, '').trimEnd();

/**
 * @typedef {object} ComposerOptions
 * @property {HTMLElement} error
 * @property {import('../outbox/draft.js').Draft} draft
 * @property {number} room 0 if it has no id yet: its draft stays in this browser
 * @property {string | undefined} created when the room was made
 * @property {import('../files/attachments.js').Attachments} attachments
 * @property {(text: Outgoing) => boolean} onSend sends a text that fits; true if the text is stored in the outbox,
 *   otherwise the field keeps it until the answer is here
 * @property {(text: Outgoing) => void} onSendLater sends a text whose room has left the screen
 * @property {(text: string) => boolean} isMessage whether a text is no slash command
 * @property {AbortSignal} signal
 *
 * @typedef {object} Outgoing
 * @property {string} body
 * @property {string} nonce
 * @property {boolean} [isLiteral] a message whatever it looks like
 * @property {number} [replyTo]
 * @property {SentFile[]} [files]
 */

export class Composer {
  field;
  /** What the text replies to. */
  reply;
  #form;
  #error;
  #draft;
  #attachments;
  /** @type {DraftSync | null} */
  #sync;
  #onSend;
  #onSendLater;
  #isMessage;
  #isCollecting = false;
  #signal;
  #length;

  /**
   * @param {BodyForm} form
   * @param {ComposerOptions} options
   */
  constructor(form, { error, draft, room, created, attachments, onSend, onSendLater, isMessage, signal }) {
    this.#form = form;
    this.field = form.elements.body;
    this.#error = error;
    this.#draft = draft;
    this.#attachments = attachments;
    this.#onSend = onSend;
    this.#onSendLater = onSendLater;
    this.#isMessage = isMessage;
    this.#signal = signal;
    this.#length = watchLength(this.field, error);
    this.reply = new ReplyStrip(form, () => {
      if (draft.replyTo === this.reply.id) return; // it is shown what the draft has
      draft.replyTo = this.reply.id;
      draft.write(this.field.value);
      this.#sync?.typed();
    });
    const show = (/** @type {string} */ text) => this.#show(text);
    const text = () => this.field.value;
    this.#sync = room ? new DraftSync({ form, room, created, draft, text, show, signal }) : null;
    this.#listen();
    this.#restore();
  }

  /** The page comes with a text that the server has refused, or with the server's draft. */
  async #restore() {
    const { stored } = this.#form.dataset;
    const { value } = this.field;
    const { value: nonce } = /** @type {HTMLInputElement} */ (query(this.#form, '[name="nonce"]'));
    const isRefused = value !== '' && stored === undefined;
    const replyTo = this.reply.id;
    if (stored === undefined && replyTo) this.#draft.replyTo = replyTo;
    if (isRefused) this.#draft.write(value);
    this.#show(this.#draft.read());
    await this.#takeOrphanDraft();
    if (!isRefused && !this.#signal.aborted) {
      const server = { body: value, nonce, reply_to: replyTo ?? null, updated_at: stored ?? null };
      this.#sync?.start(stored === undefined ? null : server);
    }
  }

  /**
   * A text with this nonce was sent, on whichever device.
   * @param {string} nonce
   */
  onSent(nonce) {
    this.#sync?.onSent(nonce);
  }

  /**
   * The server's draft is another one now.
   * @param {DraftFrame} frame
   */
  receiveDraft({ body, ...draft }) {
    if (body !== null) this.#sync?.receive({ body, ...draft });
  }

  #listen() {
    const { field } = this;
    field.addEventListener('input', () => {
      this.#draft.write(field.value);
      this.#sync?.typed();
      this.#fitHeight();
    });
    field.addEventListener('keydown', (event) => {
      if (!isSendKey(event)) return;
      event.preventDefault();
      if (field.value.trim() || !this.#attachments.isEmpty) this.#form.requestSubmit();
    });
    this.#form.noValidate = true; // an empty field needs no error message
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      field.focus();
      const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
      this.#submit(button?.name === 'literal'); // "send as text", offered for what looks like a slash command
    });
    this.#draft.watchTakeover((text) => {
      if (field.value !== text) return;
      field.value = '';
      this.#fitHeight();
    }, this.#signal);
    // A tab may have been closed since, or been closing while this page loaded.
    addEventListener('focus', () => this.#takeOrphanDraft(), { signal: this.#signal });
  }

  async #takeOrphanDraft() {
    if (this.field.value) return;
    const text = await this.#draft.takeOrphan();
    if (!text || this.field.value || this.#signal.aborted) return;
    this.#show(text);
  }

  /** Where the draft replies to a message that is still there. */
  async #showDraftReply() {
    const id = this.#draft.replyTo;
    if (!id || id === this.reply.id) return;
    let article = /** @type {MessageElement | null} */ (document.getElementById(`m${id}`));
    article ??= await fetchMessagePage(String(id)).then(
      (page) => page.querySelector('.message'),
      () => null, // without the strip it is a message like any other
    );
    if (id !== this.#draft.replyTo || this.#signal.aborted) return;
    if (article && !article.matches('.message--deleted')) this.reply.show(article);
    else this.#draft.replyTo = undefined;
  }

  #fitHeight() {
    if (HAS_FIELD_SIZING) return;
    this.field.style.blockSize = 'auto';
    this.field.style.blockSize = `${this.field.scrollHeight}px`;
  }

  /** @param {string} text */
  #setText(text) {
    this.#draft.write(text);
    this.#show(text);
  }

  /**
   * Shows a draft.
   * @param {string} text
   */
  #show(text) {
    this.field.value = text;
    if (!this.#draft.replyTo && this.reply.id) this.reply.clear();
    this.#showDraftReply();
    this.#fitHeight();
    this.#length.check();
  }

  /** @param {boolean} isLiteral */
  #submit(isLiteral) {
    const { field } = this;
    const body = bodyOf(field.value);
    const hasFiles = !this.#attachments.isEmpty && (isLiteral || !isSlashCommand(body)); // commands take none
    if ((!body && !hasFiles) || textExcess(field) > 0 || this.#isCollecting) {
      this.#length.check();
      return;
    }
    this.#error.textContent = '';
    if (hasFiles) this.#submitWithFiles(isLiteral);
    else if (this.#send(isLiteral, [])) this.#sent();
  }

  /** @param {boolean} isLiteral */
  async #submitWithFiles(isLiteral) {
    this.#isCollecting = true;
    const files = await this.#attachments.collect().catch(() => null);
    this.#isCollecting = false;
    if (!files || (files.length === 0 && !bodyOf(this.field.value)) || !this.#send(isLiteral, files)) return;
    this.#attachments.clear();
    this.#sent();
  }

  /**
   * @param {boolean} isLiteral
   * @param {SentFile[]} files
   */
  #send(isLiteral, files) {
    const { value } = this.field;
    const nonce = this.#draft.nonceFor(value, files);
    const outgoing = { body: bodyOf(value), nonce, isLiteral, replyTo: this.reply.id, files };
    if (!this.#signal.aborted) return this.#onSend(outgoing);
    this.#onSendLater(outgoing);
    return true;
  }

  #sent() {
    this.reply.clear();
    this.#draft.clear();
    this.#setText('');
    this.#sync?.sent();
  }

  /** A text goes on waiting for its files, as it did before its room left the screen. */
  resume() {
    if (!isSlashCommand(bodyOf(this.field.value))) this.#form.requestSubmit();
  }

  /**
   * Adds a text to what is in the field.
   * @param {string} text
   */
  append(text) {
    const { field } = this;
    if (!text.trim()) return;
    this.#setText([field.value, text].filter((part) => part.trim()).join('\n'));
    this.#sync?.typed();
    field.setSelectionRange(field.value.length, field.value.length);
  }

  /**
   * The text is used up: its answer is on the way.
   * @param {boolean} hasFiles and so are the files
   */
  clearDraft(hasFiles) {
    if (hasFiles) this.#attachments.clear();
    this.reply.clear(); // stores the draft once more
    this.#draft.clear();
    this.#sync?.discarded();
  }

  /** @param {string} reason */
  showError(reason) {
    this.#error.textContent = reason;
  }

  /**
   * Takes what was typed before this room was on screen. Messages are sent up to the first slash command, which is only
   * executed if nothing comes after it; the rest goes into the field.
   * @param {TypedAhead} typed
   */
  takeTypedAhead({ sent, rest }) {
    const texts = [...sent];
    while (texts.length && this.#isMessage(texts[0])) {
      this.#onSend({ body: bodyOf(texts[0]), nonce: newNonce() });
      texts.shift();
    }
    const isLast = texts.length === 1 && !rest.trim() && !this.field.value;
    this.append([...texts, rest].filter((text) => text.trim()).join('\n'));
    if (isLast) this.#form.requestSubmit();
  }
}

// What the composer replies to: a strip above the field with the author and the beginning of the message, and a link
// that takes it away. The form has only the id of the message, in a field.

class ReplyStrip {
  #strip;
  /** @type {HTMLInputElement} */
  #input;
  #onChange;

  /**
   * @param {BodyForm} form
   * @param {() => void} onChange
   */
  constructor(form, onChange) {
    this.#strip = partOf(form, 'reply-strip');
    this.#input = query(form, '[name="reply_to"]');
    this.#onChange = onChange;
    query(this.#strip, 'a').addEventListener('click', (event) => {
      event.preventDefault();
      this.clear();
      form.elements.body.focus();
    });
    form.elements.body.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.isComposing || !this.id) return;
      event.stopImmediatePropagation(); // the next Escape leads to the end of the room
      this.clear();
    });
  }

  /** The message that is replied to. */
  get id() {
    return Number(this.#input.value) || undefined;
  }

  /** @param {MessageElement} article */
  show(article) {
    this.#input.value = article.dataset.id;
    fillQuote(this.#strip, article);
    this.#onChange();
  }

  /**
   * The message was edited or deleted, in case it is the one that is replied to.
   * @param {MessageElement} article
   */
  update(article) {
    if (Number(article.dataset.id) !== this.id) return;
    if (article.matches('.message--deleted')) this.clear();
    else fillQuote(this.#strip, article);
  }

  clear() {
    if (this.#strip.hidden) return;
    this.#input.value = '';
    this.#strip.hidden = true;
    this.#onChange();
  }
}
