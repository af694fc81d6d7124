// The menu of a message, with all that can be done with it: a sheet at the bottom of a touch screen, else beside the button
// that opened it. Loaded when it is first opened; it imports nothing, so that the page loads no code twice.

const GAP = 4; // px
const KEYS = ['ArrowUp', 'ArrowDown', 'Home', 'End'];
const touch = matchMedia('(hover: none)');

/**
 * @typedef {object} MessageMenuOptions
 * @property {HTMLDialogElement} sheet
 * @property {(action: string, article: MessageElement) => boolean} isAllowed
 * @property {(action: string, article: MessageElement) => void} run
 * @property {(id: string, emoji: string) => void} toggleReaction
 * @property {AbortSignal} signal
 */

export class MessageMenu {
  #options;
  #sheet;
  /** The message is looked up by id, because it may be replaced while the menu is open. */
  #messageId = '';

  /** @param {MessageMenuOptions} options */
  constructor(options) {
    const { sheet, signal } = options;
    this.#options = options;
    this.#sheet = sheet;
    sheet.addEventListener('click', (event) => this.#onClick(event), { signal });
    sheet.addEventListener('keydown', (event) => this.#onKey(event), { signal });
    sheet.addEventListener(
      'close',
      () => {
        if (document.activeElement === document.body) this.#message?.focus({ preventScroll: true });
      },
      { signal },
    );
    signal.addEventListener('abort', () => sheet.close());
  }

  get #message() {
    return /** @type {MessageElement | null} */ (document.getElementById(this.#messageId));
  }

  /** @returns {HTMLButtonElement[]} */
  #visibleItems() {
    return [.../** @type {NodeListOf<HTMLButtonElement>} */ (this.#sheet.querySelectorAll('.menu-item:not([hidden])'))];
  }

  /**
   * @param {MessageElement} message
   * @param {HTMLElement} anchor
   */
  open(message, anchor) {
    const sheet = this.#sheet;
    const author = message.querySelector('.message__author')?.textContent ?? '';
    this.#messageId = message.id;
    sheet.ariaLabel = (sheet.dataset.by ?? '').replace('{name}', () => author);
    for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (sheet.querySelectorAll('button'))) {
      const { act } = button.dataset;
      if (act && act !== 'close') button.hidden = !this.#options.isAllowed(act, message);
      if (!button.value) continue;
      const reaction = message.querySelector(`.reaction[value="${CSS.escape(button.value)}"]`);
      button.ariaPressed = String(reaction?.ariaPressed === 'true');
    }
    for (const group of sheet.querySelectorAll('.menu-group')) {
      /** @type {HTMLElement} */ (group).hidden = !group.querySelector('.menu-item:not([hidden])');
    }
    // The focus returns to it when the menu closes.
    if (!message.contains(document.activeElement)) message.focus({ preventScroll: true });
    sheet.showModal();
    sheet.scrollTop = 0;
    if (!touch.matches) this.#place(anchor);
  }

  /**
   * Below the anchor or above it, at its end.
   * @param {HTMLElement} anchor
   */
  #place(anchor) {
    const { top, bottom, right } = anchor.getBoundingClientRect();
    const { width, height } = this.#sheet.getBoundingClientRect();
    const below = bottom + GAP;
    const wanted = below + height <= innerHeight ? below : top - GAP - height;
    this.#sheet.style.top = `${Math.max(GAP, Math.min(wanted, innerHeight - height - GAP))}px`;
    this.#sheet.style.left = `${Math.max(GAP, right - width)}px`;
    this.#visibleItems()[0]?.focus();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (!KEYS.includes(event.key)) return;
    const items = this.#visibleItems();
    const index = items.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const last = items.length - 1;
    let next = event.key === 'Home' ? 0 : last;
    if (event.key === 'ArrowDown') next = index < last ? index + 1 : 0;
    if (event.key === 'ArrowUp') next = index > 0 ? index - 1 : last;
    event.preventDefault();
    items[next]?.focus();
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const button = /** @type {Element} */ (event.target).closest('button');
    if (event.target === this.#sheet || button) this.#sheet.close(); // the backdrop, or any button
    const message = this.#message;
    if (!button || !message) return;
    const { act = '' } = button.dataset;
    if (button.value) this.#options.toggleReaction(message.dataset.id, button.value);
    else if (act !== 'close') this.#options.run(act, message);
  }
}
