// Takes the place of the composer during a navigation: until the next room has arrived or the navigation is cancelled,
// nothing that is typed or pressed acts on the room still on screen. What is typed belongs to one pending navigation
// and never goes where another one leads.
import { bodyOf, isSendKey, isSlashCommand } from '../composer/composer.js';
import { appElement, byId, mainElement, query, queryAll } from '../core/dom.js';
import { textExcess, watchLength } from '../forms/fields.js';
import { Draft, newNonce } from '../outbox/draft.js';

const REST_OF_ROOM = '.main > :not(.banner, .room-footer), .room-footer > :not(.composer, .composer__error), .aside';
/** @param {string[]} texts */
const joinTexts = (texts) => texts.filter((text) => text.trim()).join('\n');

/**
 * Whether two navigations lead to the same place. Where a slash command leads is unknown.
 * @param {PendingNavigation} one
 * @param {PendingNavigation} other
 */
const isSameTarget = (one, other) =>
  one.room > 0 ? one.room === other.room : Boolean(one.address) && one.address === other.address;

/**
 * Names the room that the text is for: the page around the field is still about another one.
 * @param {BodyForm} form
 * @param {number} room
 */
function showTarget(form, room) {
  const row = query(document, `.sidebar [data-room="${Number(room)}"]`);
  const template = (row?.closest('#direct') ? form.dataset.toPerson : form.dataset.toRoom) ?? '';
  const hint = row ? template.replace('{name}', () => query(row, '.room__name').textContent) : '';
  form.elements.body.placeholder = hint;
  query(form, 'label').textContent = hint || form.ariaLabel;
}

/** @param {boolean} isInert */
function setRestInert(isInert) {
  for (const part of queryAll(document, REST_OF_ROOM)) part.inert = isInert;
  appElement().ariaBusy = isInert ? 'true' : null;
}

/** The field during one wait for another room; its target may change until that room is there. */
class InterimField {
  #original;
  #form;
  #error;
  #length;
  #target;

  /** @param {PendingNavigation} pending */
  constructor(pending) {
    /** @type {BodyForm} */
    this.#original = byId('composer');
    const isFocused = this.#original.contains(document.activeElement) || !matchMedia('(pointer: coarse)').matches;
    this.#form = /** @type {BodyForm} */ (this.#original.cloneNode(true));
    this.#form.querySelector('.tray')?.remove(); // its files stay with their room
    const note = byId('composer-error');
    const field = this.#field;
    this.#length = watchLength(field, note);
    this.#error = note.textContent;
    note.textContent = '';
    field.value = '';
    field.readOnly = false;
    field.ariaInvalid = null;
    field.removeAttribute('aria-activedescendant');
    this.#listen();
    this.#original.replaceWith(this.#form);
    setRestInert(true);
    for (const popover of queryAll(document, '#emoji-picker:popover-open')) popover.hidePopover();
    if (isFocused) field.focus({ preventScroll: true });
    this.#target = this.#createTarget(pending);
  }

  get pending() {
    return this.#target.pending;
  }

  /** All that was typed. */
  get text() {
    return joinTexts([...this.#target.sent, this.#field.value]);
  }

  get #field() {
    return this.#form.elements.body;
  }

  #listen() {
    this.#field.addEventListener('input', () => this.#saveDraft());
    this.#field.addEventListener('keydown', (event) => {
      if (!isSendKey(event)) return;
      event.preventDefault();
      this.#submit();
    });
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /** @param {PendingNavigation} pending */
  #createTarget(pending) {
    const currentRoom = Number(mainElement().dataset.room) || (this.#original.getAttribute('action') ?? '');
    const closing = new AbortController();
    // Stored for the room it is for, in case the page ends before that room is there.
    const draft = new Draft('draft', pending.room || currentRoom, newNonce());
    draft.watchTakeover((text) => {
      if (this.text === text) this.#empty();
    }, closing.signal);
    showTarget(this.#form, pending.room);
    /** @type {string[]} */
    const sent = [];
    return { pending, sent, draft, closing };
  }

  #saveDraft() {
    this.#target.draft.write(this.text);
  }

  #empty() {
    this.#target.sent = [];
    this.#field.value = '';
    this.#length.check();
  }

  /** Text that is too long stays in the field, which says so. */
  #submit() {
    const field = this.#field;
    if (!field.value.trim() || textExcess(field) > 0) return;
    this.#target.sent.push(field.value);
    field.value = '';
    this.#saveDraft();
  }

  /**
   * The user goes to another room before the target has arrived.
   * @param {PendingNavigation} pending
   * @param {InterimComposerOptions} options
   */
  redirect(pending, options) {
    this.#handOver(options);
    this.#empty();
    this.#target = this.#createTarget(pending);
  }

  /**
   * The user goes to another page before the target has arrived.
   * @param {InterimComposerOptions} options
   */
  leave(options) {
    this.#handOver(options);
    this.#putComposerBack();
  }

  /**
   * If the target is a room, it gets the messages that were sent to it and the rest as a draft. Slash commands end the
   * messages: posted as text, all members would read them.
   * @param {InterimComposerOptions} options
   */
  #handOver({ post, returnText }) {
    const { sent, draft, closing } = this.#target;
    const { room } = this.#target.pending;
    closing.abort();
    if (room > 0) {
      while (sent.length && !isSlashCommand(sent[0].trim())) post(room, bodyOf(/** @type {string} */ (sent.shift())));
      this.#saveDraft();
    } else {
      draft.clear();
      returnText(this.text);
    }
  }

  /** @returns {TypedAhead} */
  end() {
    const { sent, draft, closing } = this.#target;
    closing.abort();
    draft.clear();
    return { sent, rest: this.#field.value, hasFocus: this.#form.contains(document.activeElement) };
  }

  restoreComposer() {
    const { hasFocus } = this.end();
    this.#putComposerBack();
    if (hasFocus) this.#original.elements.body.focus({ preventScroll: true });
  }

  #putComposerBack() {
    this.#form.replaceWith(this.#original);
    byId('composer-error').textContent = this.#error;
    setRestInert(false);
  }
}

/**
 * @typedef {object} InterimComposerOptions
 * @property {(room: number, body: string) => void} post sends a message to a room that was passed by
 * @property {(text: string) => void} returnText gives unsent text to the room on screen
 */

/** @param {InterimComposerOptions} options */
export function createInterimComposer(options) {
  /** @type {InterimField | null} */
  let field = null;

  return {
    /** @param {PendingNavigation} pending */
    start(pending) {
      if (!field) field = new InterimField(pending);
      else if (!isSameTarget(pending, field.pending)) field.redirect(pending, options);
    },

    /**
     * A room has arrived. Unless it is the one that was asked for, nothing counts as sent.
     * @param {boolean} isRequested
     */
    finish(isRequested) {
      /** @type {TypedAhead} */
      const nothing = { sent: [], rest: '', hasFocus: false };
      if (!field) return nothing;
      const { text } = field;
      const typed = field.end();
      field = null;
      return isRequested ? typed : { ...typed, sent: [], rest: text };
    },

    /** The user goes to a page that isn't a room. */
    leave() {
      field?.leave(options);
      field = null;
    },

    /** Restores the composer. Returns what was typed in between, which belongs into its field. */
    cancel() {
      if (!field) return '';
      const { text } = field;
      field.restoreComposer();
      field = null;
      return text;
    },
  };
}
