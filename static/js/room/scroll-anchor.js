// The scroll position of the log: a reader at the end stays there, a reader further up isn't moved and learns how many
// messages are new. It survives a reload that the reader hasn't asked for.
import { queryAll } from '../core/dom.js';
import { pluralize } from '../core/i18n.js';

const END_MARGIN = 80; // px that still count as the end
const HAS_SCROLL_ANCHORING = CSS.supports('overflow-anchor', 'auto');

/**
 * @typedef {object} ScrollAnchorOptions
 * @property {HTMLElement} log
 * @property {HTMLElement} list
 * @property {HTMLElement} newMessagesButton
 * @property {() => boolean} hasNewest whether the list reaches to the end of the room
 * @property {() => Promise<void>} loadNewest
 */

export class ScrollAnchor {
  #options;
  #log;
  #list;
  #unseen = 0;

  /** @param {ScrollAnchorOptions} options */
  constructor(options) {
    const { log, list, newMessagesButton } = options;
    this.#options = options;
    this.#log = log;
    this.#list = list;
    log.addEventListener(
      'scroll',
      () => {
        if (this.#unseen && this.isAtEnd()) this.#clearUnseen();
      },
      { passive: true },
    );
    newMessagesButton.addEventListener('click', () => {
      this.scrollToEnd();
      log.focus({ preventScroll: true }); // the button with the focus is hidden now
    });
  }

  /** The log is a reversed column: 0 is the end, further up is negative. */
  isAtEnd() {
    return this.#options.hasNewest() && this.#log.scrollTop > -END_MARGIN;
  }

  async scrollToEnd() {
    this.#log.scrollTop = 0;
    if (this.#options.hasNewest()) {
      this.#clearUnseen();
      return;
    }
    await this.#options.loadNewest();
    if (!this.#options.hasNewest()) return;
    this.#log.scrollTop = 0;
    this.#clearUnseen();
  }

  /**
   * Changes what is below the viewport. A reader at the end stays at the end; any other isn't moved.
   * @param {() => void} change
   */
  updateBelow(change) {
    const wasAtEnd = this.isAtEnd();
    const height = this.#list.offsetHeight;
    change();
    if (wasAtEnd) this.#log.scrollTop = 0;
    else if (!HAS_SCROLL_ANCHORING) this.#log.scrollTop -= this.#list.offsetHeight - height;
  }

  /**
   * Changes anything outside the viewport without moving the reader.
   * @param {() => void} change
   */
  updateOutside(change) {
    const anchor = this.#firstVisible();
    const top = anchor?.getBoundingClientRect().top ?? 0;
    this.#log.style.overflowAnchor = 'none'; // the browser would correct the position a second time
    change();
    if (anchor?.isConnected) this.#log.scrollTop += anchor.getBoundingClientRect().top - top;
    this.#log.style.overflowAnchor = '';
  }

  countUnseen(more = 1) {
    const { newMessagesButton: button } = this.#options;
    this.#unseen += more;
    /** @type {Element} */ (button.lastElementChild).textContent = pluralize(button.dataset, this.#unseen);
    button.hidden = false;
  }

  /**
   * Null at the end.
   * @returns {ScrollPosition | null}
   */
  position() {
    if (this.isAtEnd()) return null;
    const { top } = this.#log.getBoundingClientRect();
    const article = this.#firstVisible();
    if (!article) return null;
    return { id: article.id, seq: Number(article.dataset.seq), offset: article.getBoundingClientRect().top - top };
  }

  /**
   * If the message isn't on this page, scrolls up as far as the page goes.
   * @param {ScrollPosition} position
   */
  restore({ id, offset }) {
    const log = this.#log;
    const chunks = queryAll(this.#list, '.chunk');
    /** @param {string} visibility */
    const setVisibility = (visibility) => {
      for (const chunk of chunks) chunk.style.contentVisibility = visibility;
    };
    setVisibility('visible'); // a chunk that was never rendered doesn't have its final height
    requestAnimationFrame(() => requestAnimationFrame(() => setVisibility('')));
    const article = document.getElementById(id);
    if (article) log.scrollTop += article.getBoundingClientRect().top - log.getBoundingClientRect().top - offset;
    else log.scrollTop = -log.scrollHeight;
  }

  #clearUnseen() {
    this.#unseen = 0;
    this.#options.newMessagesButton.hidden = true;
  }

  /** @returns {MessageElement | undefined} */
  #firstVisible() {
    const { top } = this.#log.getBoundingClientRect();
    /** @param {Element} element */
    const isVisible = (element) => element.getBoundingClientRect().bottom > top;
    const chunk = queryAll(this.#list, '.chunk').find(isVisible);
    /** @type {MessageElement[]} */
    const articles = chunk ? queryAll(chunk, '.message[data-seq]') : [];
    return articles.find(isVisible);
  }
}

// Remembers where the user was reading while the page reloads without their having asked for it.

const KEY = 'patio:place';

/** @param {import('./room.js').Room | null} room */
export function rememberScroll(room) {
  const position = room?.isLive && room.scrollAnchor.position();
  try {
    if (position) sessionStorage.setItem(KEY, JSON.stringify({ room: room.id, ...position }));
  } catch {}
}

/**
 * Returns it once.
 * @param {import('./room.js').Room} room
 * @returns {ScrollPosition | null}
 */
export function takeRememberedScroll(room) {
  try {
    const position = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    sessionStorage.removeItem(KEY);
    return room.isLive && position?.room === room.id ? position : null;
  } catch {
    return null;
  }
}
