// Keeps pages as the user left them, so that Back and Forward show what was typed there and how far it was scrolled, as
// a browser does after a page load. Rooms aren't kept: they are loaded again, with what has happened since.
const MAX_PAGES = 10;

/**
 * @typedef {object} KeptPage
 * @property {HTMLElement} main
 * @property {HTMLElement} skipLink
 * @property {string} title
 * @property {number} scrollTop
 * @property {HTMLElement | null} focused
 */

/** @param {HTMLElement} main */
const scroller = (main) => /** @type {HTMLElement} */ (main.querySelector('.page'));

export class KeptPages {
  /**
   * By index in the tab's history, the one that was left last at the end.
   * @type {Map<number, KeptPage>}
   */
  #pages = new Map();

  /** @param {number} index */
  has(index) {
    return this.#pages.has(index);
  }

  /**
   * @param {number} index
   * @param {HTMLElement} main
   * @param {HTMLElement} skipLink
   * @param {string} title
   */
  keep(index, main, skipLink, title) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const { scrollTop } = scroller(main);
    this.#pages.delete(index);
    this.#pages.set(index, { main, skipLink, title, scrollTop, focused: main.contains(focused) ? focused : null });
    const [oldest] = this.#pages.keys();
    if (this.#pages.size > MAX_PAGES) this.#pages.delete(oldest);
  }

  /** @param {number} index */
  forget(index) {
    this.#pages.delete(index);
  }

  /**
   * Puts a page back and returns its title.
   * @param {number} index
   * @param {(main: HTMLElement, skipLink: HTMLElement) => void} insert
   */
  restore(index, insert) {
    const { main, skipLink, title, scrollTop, focused } = /** @type {KeptPage} */ (this.#pages.get(index));
    insert(main, skipLink);
    scroller(main).scrollTop = scrollTop;
    (focused ?? main).focus({ preventScroll: true });
    return title;
  }
}
