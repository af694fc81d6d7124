// How users act on messages: with the toolbar in the message under the pointer or with the focus, with the menu, which
// long presses open on touch screens, with single keys on the message with the focus, by clicks on reactions, and with
// the arrow up in the composer, which edits their last message.
import { byId, cloneTemplate, closestTo, hasModifier, partOf, queryAll } from '../core/dom.js';
import { closeEmojiPicker, drawEmoji, recentEmoji } from '../emoji/emoji.js';
import { setTabStops } from '../room/message-grouping.js';
import { hasLetterKeys } from '../shell/keys.js';
import { createActions } from './actions.js';
import { MessageEditor } from './edit-message.js';
import { createMessageDeleter, SignedOutError, submitMessageForm } from './message-changes.js';

/**
 * @typedef {object} MessageActionsOptions
 * @property {HTMLElement} log
 * @property {import('../room/message-list.js').MessageList} messageList
 * @property {HTMLTextAreaElement} composerField
 * @property {string} me
 * @property {(change: () => void) => void} updateBelow changes the log without moving the reader
 * @property {(article: MessageElement) => void} reply
 * @property {(address: string) => void} goTo
 * @property {((address: string) => void) | null} openThread null in a thread
 * @property {() => boolean} isMember
 * @property {(seq: number) => void} showUnread
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
 * @property {(text: string) => void} announce
 * @property {AbortSignal} signal
 *
 * @typedef {object} ActionControls
 * @property {(action: string, article: MessageElement) => boolean} isAllowed
 * @property {(action: string, article: MessageElement, button?: HTMLElement) => void} run
 * @property {(id: string, emoji: string) => void} toggleReaction
 */

const ACTIONABLE = '.message[data-seq]:not(.message--deleted, .message--deleting, .message--editing)';

/** @param {MessageActionsOptions} options */
export function startMessageActions(options) {
  const { log, messageList, composerField, me, updateBelow, error, announce, signal } = options;
  /** @type {HTMLTemplateElement} */
  const template = partOf(log, 'acts');
  /** @type {HTMLDialogElement} */
  const sheet = partOf(log, 'acts-sheet');
  const { failed = '', signedOut = '', moderates } = template.dataset;
  const { copied = '', unread = '' } = sheet.dataset;
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
    submitMessageForm(id, 'reactions', { emoji })
      .then(showMessage)
      .then(() => showRecent(log))
      .catch(showError);

  const context = { log, messageList, me, updateBelow, showMessage, describeError, showError, announce, signal };
  const editor = new MessageEditor(context);
  signal.addEventListener('abort', closeEmojiPicker);
  const actions = createActions({
    ...options,
    moderates: moderates !== undefined,
    editor,
    deleter: createMessageDeleter(context),
    toggleReaction,
    showMessage,
    texts: { copied, unread, saved: byId('saved-mark').dataset.said ?? '' },
  });
  /** @type {ActionControls['isAllowed']} */
  const isAllowed = (name, article) => actions[name]?.isAllowed?.(article) ?? name in actions;
  /** @type {ActionControls['run']} */
  const run = async (name, article, button = article) => {
    try {
      await actions[name].run(article, button);
    } catch (reason) {
      showError(reason);
    }
  };
  const controls = { isAllowed, run, toggleReaction };
  /** @type {Promise<import('./message-menu.js').MessageMenu> | undefined} */
  let menu;
  const loadMenu = async () => {
    const { MessageMenu } = await import('./message-menu.js');
    return new MessageMenu({ sheet, ...controls, signal });
  };
  actions.menu = {
    run: async (article, button) => {
      menu ??= loadMenu();
      (await menu).open(article, button);
    },
  };

  startToolbar(log, cloneTemplate(template), controls);
  startKeys(log, sheet, controls);
  startTouch(log, (article) => run('menu', article), signal);
  listenToReactions(log, toggleReaction);
  listenToArrowUp(composerField, () => messageList.lastBy(me), editor);
}

/**
 * The last emoji that the user chose are one press away.
 * @param {HTMLElement} parent of the toolbar, or around it
 */
function showRecent(parent) {
  const recent = recentEmoji();
  for (const [index, button] of queryAll(parent, '[data-act="quick"]').entries()) {
    button.dataset.emoji = recent[index];
    button.ariaLabel = (button.dataset.label ?? '').replace('{emoji}', () => recent[index]);
    button.replaceChildren(drawEmoji(recent[index]));
  }
}

/**
 * @param {HTMLElement} log
 * @param {HTMLElement} toolbar
 * @param {ActionControls} controls
 */
function startToolbar(log, toolbar, { isAllowed, run }) {
  /** @param {MessageElement | null} article */
  function moveTo(article) {
    if (!article?.matches('[data-seq]:not(.message--deleted)')) {
      toolbar.remove();
      return;
    }
    if (toolbar.parentElement === article) return;
    for (const button of queryAll(toolbar, '[data-act]')) {
      button.hidden = !isAllowed(button.dataset.act ?? '', article);
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
    if (!button || !article) return;
    run(button.dataset.act ?? '', article, button);
  });
}

/**
 * The keys that the menu shows, on the message with the focus. The menu itself has the key that menus have.
 * @param {HTMLElement} log
 * @param {HTMLElement} sheet
 * @param {ActionControls} controls
 */
function startKeys(log, sheet, { isAllowed, run }) {
  log.addEventListener('keydown', (event) => {
    const article = /** @type {MessageElement} */ (event.target);
    const { key, ctrlKey, altKey, metaKey, shiftKey } = event;
    if (!article.matches(ACTIONABLE) || ctrlKey || altKey || metaKey) return;
    let name;
    if (key === 'ContextMenu' || (key === 'F10' && shiftKey)) name = 'menu';
    else if (hasLetterKeys()) {
      const entries = queryAll(sheet, `[aria-keyshortcuts="${CSS.escape(key)}"]`);
      name = entries.map(({ dataset }) => dataset.act ?? '').find((action) => isAllowed(action, article));
    }
    if (!name) return;
    event.preventDefault();
    run(name, article);
  });
}

/**
 * A long press opens the menu, or a tap on the time of a message, which makes it available to screen readers.
 * @param {HTMLElement} log
 * @param {(article: MessageElement) => void} openMenu
 * @param {AbortSignal} signal
 */
function startTouch(log, openMenu, signal) {
  const touch = matchMedia('(hover: none)');
  /** @param {Element | null | undefined} target */
  const open = (target) => {
    const article = /** @type {MessageElement | null | undefined} */ (target?.closest(ACTIONABLE));
    if (article) openMenu(article);
    return Boolean(article);
  };
  watchLongPress(log, open, signal);
  log.addEventListener('click', (event) => {
    const link = touch.matches ? closestTo(event, '.message__link') : null;
    if (open(link)) event.preventDefault();
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

// Long presses on a touch screen. A touch that scrolls, zooms, adjusts a selection or hits a control is none.

const DURATION = 500; // ms, as phones have it
const TOLERANCE = 10; // px of movement
const CONTROLS = 'a, button, input, textarea, select, form';

/**
 * Calls back while the finger is still down.
 * @param {HTMLElement} area
 * @param {(target: Element) => void} onLongPress
 * @param {AbortSignal} signal
 */
function watchLongPress(area, onLongPress, signal) {
  /**
   * While a finger is down.
   * @type {{ target: Element, x: number, y: number, timer: number, hasFired: boolean } | null}
   */
  let press = null;

  function cancel() {
    clearTimeout(press?.timer);
    press = null;
  }

  function fire() {
    if (!press || press.hasFired) return;
    press.hasFired = true;
    clearTimeout(press.timer);
    onLongPress(press.target);
  }

  /** @param {PointerEvent} event */
  function start(event) {
    cancel(); // a second finger zooms
    const { clientX: x, clientY: y } = event;
    const target = /** @type {Element} */ (event.target);
    if (event.pointerType !== 'touch' || !event.isPrimary) return;
    if (target.closest(CONTROLS) || !getSelection()?.isCollapsed) return;
    press = { target, x, y, timer: setTimeout(fire, DURATION), hasFired: false };
  }

  const options = { signal, passive: false };
  area.addEventListener('pointerdown', start, options);
  area.addEventListener('scroll', cancel, options);
  document.addEventListener(
    'pointermove',
    ({ clientX, clientY }) => {
      if (press && Math.hypot(clientX - press.x, clientY - press.y) > TOLERANCE) cancel();
    },
    options,
  );
  document.addEventListener(
    'pointerup',
    () => {
      if (!press?.hasFired) cancel();
    },
    options,
  );
  document.addEventListener('pointercancel', cancel, options);
  suppressDefaults(options, {
    isPressed: () => press !== null,
    hasFired: () => press?.hasFired === true,
    fire,
    cancel,
  });
}

/**
 * @param {AddEventListenerOptions} options
 * @param {{ isPressed: () => boolean, hasFired: () => boolean, fire: () => void, cancel: () => void }} press
 */
function suppressDefaults(options, press) {
  // Lifting the finger must not click what has appeared under it.
  document.addEventListener(
    'touchend',
    (event) => {
      if (press.hasFired()) event.preventDefault();
      press.cancel();
    },
    options,
  );
  // The browser's own long press would open its menu on top and select the word underneath. It may come first, because
  // users can set its duration.
  document.addEventListener(
    'contextmenu',
    (event) => {
      if (!press.isPressed()) return;
      event.preventDefault();
      press.fire();
    },
    options,
  );
  document.addEventListener(
    'selectstart',
    (event) => {
      if (press.isPressed()) event.preventDefault();
    },
    options,
  );
}
