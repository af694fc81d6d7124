// Edits a message: in place in the log, or with the form on its own page. The text is stored like a draft until it is
// saved or discarded.
import { hasModifier, isComposing, query, queryAll } from '../core/dom.js';
import { timeOf } from '../core/local-time.js';
import { textExcess, watchLength } from '../forms/fields.js';
import { Draft, draftTargets } from '../outbox/draft.js';
import { fetchEditForm, SignedOutError, submitMessageForm } from './message-changes.js';

/**
 * Includes the time, since after a restore another message may have the same id.
 * @param {MessageElement} article
 */
const editDraftTarget = (article) => `${article.dataset.id}.${timeOf(article)}`;

const touch = matchMedia('(pointer: coarse)');

/**
 * @typedef {object} OpenEdit
 * @property {MessageElement} article
 * @property {BodyForm} form
 * @property {import('../outbox/draft.js').Draft} draft
 * @property {HTMLElement} [returnFocus] gets the focus afterwards; otherwise the message does
 */

export class MessageEditor {
  #context;
  /** @type {OpenEdit | null} */
  #current = null;
  /** The message whose form was requested last. */
  #requestedId = '';

  /** @param {import('./toolbar.js').MessageActionContext} context */
  constructor(context) {
    this.#context = context;
    this.#resume();
  }

  /**
   * @param {MessageElement} article
   * @param {HTMLElement} [returnFocus]
   */
  async start(article, returnFocus) {
    if (this.#current) {
      this.#current.form.elements.body.focus();
      return;
    }
    const edit = await this.#load(article, returnFocus);
    if (!edit) return;
    const field = edit.form.elements.body;
    field.focus();
    field.scrollIntoView({ block: 'nearest' });
  }

  /** Restores an edit that was open when the page, the room or the tab was left. */
  async #resume() {
    const { log, me, signal } = this.#context;
    const targets = draftTargets('edit');
    if (!targets.size) return;
    /** @type {MessageElement[]} */
    const articles = queryAll(log, `.message[data-author="${CSS.escape(me)}"][data-seq]`);
    for (const article of articles) {
      if (targets.has(editDraftTarget(article)) && !signal.aborted && !this.#current) await this.#load(article);
    }
  }

  /**
   * @param {MessageElement} article
   * @param {HTMLElement} [returnFocus]
   */
  async #load(article, returnFocus) {
    const { signal, showError } = this.#context;
    this.#requestedId = article.id;
    try {
      const draft = new Draft('edit', editDraftTarget(article));
      const text = draft.read() || (await draft.takeOrphan());
      const form = await fetchEditForm(article.dataset.id);
      const current = /** @type {MessageElement | null} */ (document.getElementById(article.id));
      if (this.#requestedId !== article.id || !current || this.#current || signal.aborted) return null;
      return this.#open({ article: current, form, draft, returnFocus }, text);
    } catch (error) {
      showError(error);
      return null;
    }
  }

  /**
   * @param {OpenEdit} edit
   * @param {string} text
   */
  #open(edit, text) {
    const { article, form, draft } = edit;
    const field = form.elements.body;
    this.#current = edit;
    this.#context.messageList.freeze(article);
    this.#context.updateBelow(() => {
      article.classList.add('message--editing');
      query(article, '.message__body').after(form);
    });
    field.value = text || field.value;
    field.addEventListener('input', () => draft.write(field.value));
    watchLength(field, query(form, '[role="alert"]')).check();
    field.setSelectionRange(field.value.length, field.value.length);
    query(form, 'a').addEventListener('click', (event) => {
      event.preventDefault();
      this.#close(form);
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#save(edit);
    });
    form.addEventListener('keydown', (event) => this.#onKey(event, form));
    return edit;
  }

  /**
   * @param {KeyboardEvent} event
   * @param {BodyForm} form
   */
  #onKey(event, form) {
    event.stopPropagation(); // the same keys navigate the log
    if (isComposing(event)) return;
    if (event.key === 'Escape') {
      event.preventDefault();
      this.#close(form);
      return;
    }
    if (event.target !== form.elements.body || event.key !== 'Enter' || event.shiftKey || event.altKey) return;
    if (touch.matches && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    form.requestSubmit();
  }

  /** @param {OpenEdit} edit */
  async #save({ article, form }) {
    const { describeError } = this.#context;
    const field = form.elements.body;
    if (field.readOnly || textExcess(field) > 0) return;
    field.readOnly = true;
    try {
      this.#close(form, await submitMessageForm(article.dataset.id, 'edit', { body: field.value }));
    } catch (error) {
      field.readOnly = false;
      query(form, '[role="alert"]').textContent = describeError(error);
      field.focus();
    }
  }

  /**
   * @param {BodyForm} form
   * @param {MessageElement} [saved] the message in its new state
   */
  #close(form, saved) {
    const { messageList, updateBelow, showMessage } = this.#context;
    if (form !== this.#current?.form) {
      if (saved) showMessage(saved); // the edit was cancelled while it was being saved
      return;
    }
    const { article, returnFocus, draft } = this.#current;
    draft.clear();
    this.#current = null;
    updateBelow(() => {
      form.remove();
      article.classList.remove('message--editing');
      messageList.unfreeze(article);
      if (saved) messageList.upsert(saved);
    });
    (returnFocus ?? document.getElementById(article.id))?.focus({ preventScroll: true });
  }
}

// The form to edit a message on the message's own page. Its text is stored like that of an edit in place, and restored
// whenever either is opened.

/** @returns {BodyForm | null} */
const findEditForm = () => document.querySelector('form.edit-form[data-failed]');

export function startEditPage() {
  const form = findEditForm();
  if (form) enhanceEditForm(form);
}

/** @param {BodyForm} form */
function enhanceEditForm(form) {
  /** @type {MessageElement} */
  const article = query(document, '.message');
  const field = form.elements.body;
  const draft = new Draft('edit', editDraftTarget(article));

  /**
   * Unless the user is typing already.
   * @param {string} text
   */
  function restore(text) {
    if (!text || field.value !== field.defaultValue) return;
    field.value = text;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }

  async function save() {
    if (field.readOnly || textExcess(field) > 0) return;
    field.readOnly = true;
    try {
      await submitMessageForm(article.dataset.id, 'edit', { body: field.value });
      draft.clear();
      if (form.isConnected) location.assign(`/messages/${Number(article.dataset.id)}`);
    } catch (error) {
      field.readOnly = false;
      const { failed = '', signedOut = '' } = form.dataset;
      const reason = /** @type {Error} */ (error).message || failed;
      query(form, '[role="alert"]').textContent = error instanceof SignedOutError ? signedOut : reason;
      field.focus();
    }
  }

  field.addEventListener('input', () => draft.write(field.value));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    save();
  });
  query(form, 'a').addEventListener('click', (event) => {
    if (!hasModifier(event)) draft.clear(); // cancelled
  });
  if (field.value !== field.defaultValue) draft.write(field.value); // the browser restored the form
  restore(draft.read());
  draft.takeOrphan().then(restore);
}
