// The message actions on touch screens, in a sheet at the bottom. A long press on the message opens it, or a tap on its
// time, which makes it available to screen readers and keyboards.
import { byId, closestTo, query, queryAll } from '../core/dom.js';

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

const ACTIONABLE = '.message[data-seq]:not(.message--deleted, .message--deleting, .message--editing)';

/** @typedef {import('./toolbar.js').MessageAction} MessageAction */

/**
 * @typedef {object} ActionSheetOptions
 * @property {HTMLElement} log
 * @property {(action: MessageAction, article: MessageElement) => boolean} isAllowed
 * @property {(action: MessageAction, article: MessageElement) => void} run
 * @property {(id: string, emoji: string) => void} toggleReaction
 * @property {(text: string) => void} announce
 * @property {AbortSignal} signal
 */

export class ActionSheet {
  #options;
  /** @type {HTMLDialogElement} */
  #sheet = byId('acts-sheet');
  /** @type {HTMLButtonElement[]} */
  #reactionButtons = queryAll(this.#sheet, 'button[value]');
  /** The message is looked up by id, because it may be replaced while the sheet is open. */
  #messageId = '';

  /** @param {ActionSheetOptions} options */
  constructor(options) {
    const { log, signal } = options;
    const touch = matchMedia('(hover: none)');
    this.#options = options;
    this.#sheet.addEventListener('click', (event) => this.#onClick(event), { signal });
    this.#sheet.addEventListener(
      'close',
      () => {
        if (document.activeElement === document.body) this.#message?.focus({ preventScroll: true });
      },
      { signal },
    );
    signal.addEventListener('abort', () => this.#sheet.close());
    watchLongPress(
      log,
      (target) => {
        const message = /** @type {MessageElement | null} */ (target.closest(ACTIONABLE));
        if (message) this.#open(message);
      },
      signal,
    );
    log.addEventListener('click', (event) => {
      const link = touch.matches ? closestTo(event, '.message__link') : null;
      const message = /** @type {MessageElement | null | undefined} */ (link?.closest(ACTIONABLE));
      if (!message) return;
      event.preventDefault();
      this.#open(message);
    });
  }

  get #message() {
    return /** @type {MessageElement | null} */ (document.getElementById(this.#messageId));
  }

  /**
   * @template {HTMLElement} [T=HTMLElement]
   * @param {string} action
   * @returns {T}
   */
  #control(action) {
    return query(this.#sheet, `[data-act="${action}"]`);
  }

  /** @param {MessageElement} message */
  #open(message) {
    const { isAllowed } = this.#options;
    const author = query(message, '.message__author').textContent;
    this.#messageId = message.id;
    this.#sheet.ariaLabel = (this.#sheet.dataset.by ?? '').replace('{name}', () => author);
    for (const button of this.#reactionButtons) {
      const reaction = message.querySelector(`.reaction[value="${CSS.escape(button.value)}"]`);
      button.ariaPressed = String(reaction?.ariaPressed === 'true');
    }
    this.#control('edit').hidden = !isAllowed('edit', message);
    this.#control('delete').hidden = !isAllowed('delete', message);
    const hasClipboard = Boolean(navigator.clipboard); // missing on plain HTTP
    this.#control('copy').hidden = !hasClipboard;
    this.#control('select').hidden = hasClipboard;
    /** @type {HTMLAnchorElement} */
    const pageLink = this.#control('page');
    pageLink.href = /** @type {HTMLAnchorElement} */ (query(message, '.message__link')).href;
    // The focus returns to it when the sheet closes.
    if (!message.contains(document.activeElement)) message.focus({ preventScroll: true });
    this.#sheet.showModal();
    this.#sheet.scrollTop = 0;
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    /** @type {HTMLButtonElement | null} */
    const button = closestTo(event, 'button');
    if (event.target === this.#sheet || button) this.#sheet.close(); // the backdrop, or any button
    const message = this.#message;
    if (!button || !message) return;
    const { act: action } = button.dataset;
    if (button.value) this.#options.toggleReaction(message.dataset.id, button.value);
    else if (action === 'copy' || action === 'select') this.#copy(message);
    else if (action !== 'close') this.#options.run(/** @type {MessageAction} */ (action), message);
  }

  /**
   * Selects the text, which shows what is copied, and allows the user to take less.
   * @param {MessageElement} message
   */
  async #copy(message) {
    const body = query(message, '.message__body');
    getSelection()?.selectAllChildren(body);
    if (!navigator.clipboard) return;
    try {
      // biome-ignore lint/performance/useDomNodeTextContent: line breaks of the layout are wanted
      await navigator.clipboard.writeText(body.innerText);
      this.#options.announce(this.#sheet.dataset.copied ?? '');
    } catch {} // it is selected, at least
  }
}
