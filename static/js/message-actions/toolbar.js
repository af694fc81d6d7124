// The actions on messages: a toolbar in the message under the pointer or with the focus, on touch screens a sheet;
// reactions that are clicked; and the arrow up in the composer, which edits the user's last message.
import { byId, cloneTemplate, closestTo, hasModifier, queryAll } from '../core/dom.js';
import { closeEmojiPicker, openEmojiPicker, recentEmoji } from '../emoji/emoji.js';
import { setTabStops } from '../room/message-grouping.js';
import { ActionSheet } from './action-sheet.js';
import { MessageEditor } from './edit-message.js';
import { createMessageDeleter, SignedOutError, submitMessageForm } from './message-changes.js';

/** @typedef {'quick' | 'react' | 'edit' | 'delete'} MessageAction */

/**
 * @typedef {object} MessageActionsOptions
 * @property {HTMLElement} log
 * @property {import('../room/message-list.js').MessageList} messageList
 * @property {HTMLTextAreaElement} composerField
 * @property {string} me
 * @property {(change: () => void) => void} updateBelow changes the log without moving the reader
 * @property {HTMLElement} error where refusals are shown
 * @property {(text: string) => void} announce
 * @property {AbortSignal} signal
 *
 * @typedef {object} MessageActionContext what the single actions share
 * @property {HTMLElement} log
 * @property {import('../room/message-list.js').MessageList} messageList
 * @property {string} me
 * @property {(change: () => void) => void} updateBelow
 * @property {(article: MessageElement) => void} showMessage
 * @property {(error: unknown) => string} describeError
 * @property {(error: unknown) => void} showError
 * @property {AbortSignal} signal
 *
 * @typedef {(action: MessageAction, article: MessageElement, button?: HTMLElement) => void} RunAction
 * @typedef {(action: MessageAction, article: MessageElement) => boolean} IsAllowed
 */

/** @param {MessageActionsOptions} options */
export function startMessageActions({ log, messageList, composerField, me, updateBelow, error, announce, signal }) {
  /** @type {HTMLTemplateElement} */
  const template = byId('acts');
  const { failed = '', signedOut = '', moderates } = template.dataset;
  /** @param {unknown} reason */
  const describeError = (reason) =>
    reason instanceof SignedOutError ? signedOut : /** @type {Error} */ (reason).message || failed;
  /** @param {unknown} reason */
  const showError = (reason) => {
    error.textContent = describeError(reason);
  };
  /** @param {MessageElement} article */
  const showMessage = (article) => {
    if (!signal.aborted) updateBelow(() => messageList.upsert(article));
  };
  /**
   * @param {string} id
   * @param {string} emoji
   */
  const toggleReaction = (id, emoji) =>
    submitMessageForm(id, 'reactions', { emoji }).then(showMessage).catch(showError);

  const context = { log, messageList, me, updateBelow, showMessage, describeError, showError, signal };
  const editor = new MessageEditor(context);
  const deleter = createMessageDeleter(context);
  signal.addEventListener('abort', closeEmojiPicker);

  /** @type {IsAllowed} */
  const isAllowed = (action, { dataset }) =>
    action === 'react' ||
    action === 'quick' ||
    dataset.author === me ||
    (action === 'delete' && moderates !== undefined);
  /** @type {RunAction} */
  const run = (action, article, button = article) => {
    const { id } = article.dataset;
    if (action === 'quick') toggleReaction(id, button.dataset.emoji ?? '');
    else if (action === 'react') {
      openEmojiPicker(button, (emoji) => toggleReaction(id, emoji)).catch(() => showError(new Error('')));
    } else if (action === 'edit') editor.start(article);
    else deleter.start(article);
  };

  new ActionSheet({ log, isAllowed, run, toggleReaction, announce, signal });
  startToolbar({ log, toolbar: cloneTemplate(template), isAllowed, run });
  listenToReactions(log, toggleReaction);
  listenToArrowUp(composerField, () => messageList.lastBy(me), editor);
}

/**
 * The last emoji that the user chose are one press away.
 * @param {HTMLElement} toolbar
 */
function showRecent(toolbar) {
  const recent = recentEmoji();
  for (const [index, button] of queryAll(toolbar, '[data-act="quick"]').entries()) {
    button.dataset.emoji = recent[index];
    button.ariaLabel = (button.dataset.label ?? '').replace('{emoji}', () => recent[index]);
    button.firstElementChild?.replaceChildren(recent[index]);
  }
}

/** @param {{ log: HTMLElement, toolbar: HTMLElement, isAllowed: IsAllowed, run: RunAction }} options */
function startToolbar({ log, toolbar, isAllowed, run }) {
  /** @param {MessageElement | null} article */
  function moveTo(article) {
    if (!article?.matches('[data-seq]:not(.message--deleted)')) {
      toolbar.remove();
      return;
    }
    if (toolbar.parentElement === article) return;
    for (const button of queryAll(toolbar, ':scope > *')) {
      button.hidden = !isAllowed(/** @type {MessageAction} */ (button.dataset.act), article);
    }
    showRecent(toolbar);
    article.append(toolbar);
    setTabStops(article, article.contains(document.activeElement));
  }

  log.addEventListener('pointerover', (event) => {
    // While the user works with the keyboard, the toolbar stays with the focus, wherever the pointer rests.
    if (!log.querySelector('.message:focus-visible, .message :focus-visible')) moveTo(closestTo(event, '.message'));
  });
  log.addEventListener('focusin', (event) => {
    /** @type {MessageElement | null} */
    const article = closestTo(event, '.message');
    if (article) moveTo(article);
  });

  toolbar.addEventListener('click', (event) => {
    const button = closestTo(event, 'button');
    const article = /** @type {MessageElement | null} */ (toolbar.closest('.message'));
    if (button && article) run(/** @type {MessageAction} */ (button.dataset.act), article, button);
  });
}

/**
 * @param {HTMLElement} log
 * @param {(id: string, emoji: string) => void} toggleReaction
 */
function listenToReactions(log, toggleReaction) {
  log.addEventListener('submit', (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!form.matches('.reactions')) return;
    event.preventDefault();
    const article = /** @type {MessageElement} */ (form.closest('.message'));
    const button = /** @type {HTMLButtonElement} */ (event.submitter);
    toggleReaction(article.dataset.id, button.value);
  });
}

/**
 * @param {HTMLTextAreaElement} field
 * @param {() => MessageElement | null} findLast
 * @param {MessageEditor} editor
 */
function listenToArrowUp(field, findLast, editor) {
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowUp' || event.isComposing || hasModifier(event) || field.value) return;
    const last = findLast();
    if (!last) return;
    event.preventDefault();
    editor.start(last, field);
  });
}
