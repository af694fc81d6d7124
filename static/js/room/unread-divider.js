// The divider above the first unread message. It also appears above messages that arrive while the page is hidden. A link
// leads to it, even where that message isn't loaded.
import { cloneTemplate } from '../core/dom.js';
import { isPageActive } from './read-marker.js';

/**
 * @typedef {object} UnreadDividerOptions
 * @property {HTMLElement} log
 * @property {import('./message-list.js').MessageList} messageList
 * @property {(seq: number) => Promise<void>} loadAround loads the part of the room around a message
 * @property {AbortSignal} signal
 */

export class UnreadDivider {
  #options;
  #jumpLink = document.getElementById('jump');
  #template = /** @type {HTMLTemplateElement | null} */ (document.getElementById('new-line'));
  /**
   * The divider is below this sequence number; null without one.
   * @type {number | null}
   */
  #lastRead = null;
  #isUnseen = false;
  /** @type {IntersectionObserver | null} */
  #observer = null;

  /** @param {UnreadDividerOptions} options */
  constructor(options) {
    const { signal } = options;
    this.#options = options;
    this.#jumpLink?.addEventListener('click', (event) => {
      if (this.#lastRead === null) return;
      event.preventDefault();
      this.#jump(this.#lastRead);
    });
    // While the page wasn't in use, nothing on it was seen.
    const observeAgain = () => {
      if (this.#isUnseen && isPageActive()) this.#show();
    };
    addEventListener('focus', observeAgain, { signal });
    document.addEventListener('visibilitychange', observeAgain, { signal });
    signal.addEventListener('abort', () => this.#observer?.disconnect());
  }

  /**
   * Called once the log has its first scroll position.
   * @param {number} lastRead negative without a read marker
   */
  start(lastRead) {
    if (!this.#jumpLink || lastRead < 0 || this.#options.messageList.newestSeq <= lastRead) return;
    this.#lastRead = lastRead;
    this.#show();
  }

  /**
   * Messages have arrived unseen. A divider further up that is still unseen stays.
   * @param {number} lastRead
   */
  markAfter(lastRead) {
    const last = this.#lastRead;
    if (!this.#template || (this.#isUnseen && last !== null && last <= lastRead)) return;
    if (last !== null && last >= lastRead && document.getElementById('new')) return;
    this.#lastRead = lastRead;
    this.#show();
  }

  /**
   * Null where the first unread message isn't loaded.
   * @returns {HTMLElement | null}
   */
  #insert() {
    const lastRead = this.#lastRead ?? 0;
    const divider = document.getElementById('new');
    const first = this.#options.messageList.firstAfter(lastRead);
    if (first && Number(first.dataset.seq) === lastRead + 1) {
      if (divider?.nextElementSibling === first) return divider;
      divider?.remove();
      /** @type {HTMLElement} */
      const added = cloneTemplate(/** @type {HTMLTemplateElement} */ (this.#template));
      first.before(added);
      return added;
    }
    divider?.remove();
    return null;
  }

  /** @param {boolean} isVisible */
  #showJumpLink(isVisible) {
    if (this.#jumpLink) this.#jumpLink.hidden = !isVisible;
  }

  /** The link is shown until the divider has been seen. */
  #show() {
    this.#observer?.disconnect();
    this.#isUnseen = true;
    const divider = this.#insert();
    this.#showJumpLink(divider === null);
    if (!divider) return;
    this.#observer = new IntersectionObserver(
      ([{ isIntersecting, boundingClientRect, rootBounds }]) => {
        if (!divider.isConnected) {
          this.#showJumpLink(true); // that part of the log was unloaded
          return;
        }
        const isBelowTop = boundingClientRect.top > (rootBounds?.top ?? 0);
        this.#showJumpLink(!isIntersecting && !isBelowTop);
        if (isIntersecting && isPageActive()) this.#markSeen();
      },
      { root: this.#options.log },
    );
    this.#observer.observe(divider);
  }

  #markSeen() {
    this.#observer?.disconnect();
    this.#isUnseen = false;
  }

  /** @param {number} lastRead */
  async #jump(lastRead) {
    this.#showJumpLink(false);
    if (!this.#insert()) await this.#options.loadAround(lastRead);
    const divider = this.#insert();
    if (!divider) {
      this.#showJumpLink(true); // no connection
      return;
    }
    this.#markSeen();
    divider.scrollIntoView();
    // The link with the focus is hidden now.
    /** @type {HTMLElement} */ (divider.nextElementSibling).focus({ preventScroll: true });
  }
}
