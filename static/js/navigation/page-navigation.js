// Goes from page to page without a page load: fetches the page, has it shown, and updates the address. There is at most
// one pending navigation: where the user is going and isn't yet. It ends when its page has arrived, when the server
// refuses it, or when the user cancels it; while the server is unreachable it waits.
import { query } from '../core/dom.js';
import { errorMessage, fetchPage, isPatioPage, parseHtml } from '../core/http.js';
import { visit } from '../hypermedia/bridge.js';
import { markSigningOut } from '../outbox/storage.js';

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
    this.#pages.delete(index);
    insert(main, skipLink);
    scroller(main).scrollTop = scrollTop;
    (focused ?? main).focus({ preventScroll: true });
    return title;
  }
}

/** @param {URL | Location} address */
const pathOf = ({ pathname, search }) => pathname + search;
/**
 * The room whose page it is, or 0.
 * @param {URL | Location} address
 */
export const roomIdIn = ({ pathname }) => Number(/^\/rooms\/(\d+)$/.exec(pathname)?.[1] ?? 0);
/** @param {string} address */
const isSignInPage = (address) => new URL(address).pathname === '/login';

/**
 * A response doesn't know the fragment of the address it is for.
 * @param {Answer} response
 * @param {string} requested
 */
const shownAddress = (response, requested) => new URL(response.redirected ? response.url : requested, location.href);

/**
 * @typedef {import('../core/http.js').Answer} Answer
 *
 * @typedef {object} PageNavigationOptions
 * @property {() => boolean} hasLiveSidebar whether the sidebar is kept up to date, so that a page can come without it
 * @property {(page: DocumentFragment) => boolean} canShow whether a page can be shown without a page load
 * @property {(page: DocumentFragment, isRequested: boolean, hash: string) => void} showPage `isRequested`: it is the
 *   page asked for
 * @property {(index: number) => void} onLeave the page with this index in the history is about to be replaced
 * @property {(index: number) => boolean} isKept whether the page with this index can be shown as the user left it
 * @property {(index: number) => void} restorePage does that
 * @property {(pending: PendingNavigation) => void} onStart there is another pending navigation
 * @property {() => void} onWait the server didn't answer
 * @property {(reason: string) => void} onCancel the pending navigation came to nothing
 *
 * @typedef {object} PostCallbacks
 * @property {() => void} onAccepted called before the answer's page is shown
 * @property {(reason: string) => void} onRefused
 * @property {boolean} isSignOut
 */

export class PageNavigation {
  #options;
  /** The page on screen and its index in the tab's history. */
  #shown = { path: pathOf(location), index: history.state?.index ?? 0 };
  /**
   * The tab's index in its history; differs while going back or forward.
   * @type {number}
   */
  #index = this.#shown.index;
  #isReturning = false; // back to the page on screen, without the user having asked for it
  #entry = location.href; // of the history, at the moment
  /** @type {PendingNavigation | null} */
  #pending = null;
  /**
   * The request for the pending navigation.
   * @type {AbortController | null}
   */
  #request = null;
  #isUnloading = false; // the browser is loading another page

  /** @param {PageNavigationOptions} options */
  constructor(options) {
    this.#options = options;
    history.replaceState({ ...history.state, index: this.#index }, '');
    addEventListener('popstate', ({ state }) => this.#followHistory(state));
    addEventListener('pageshow', ({ persisted }) => {
      this.#isUnloading = false;
      if (persisted) this.cancel(); // back from the back/forward cache, with everything as it was
    });
  }

  /**
   * @param {string} address
   * @param {number} [room]
   */
  goTo(address, room = 0) {
    this.#restoreAddress(); // the user was going back, and has changed their mind
    this.#start({ address, room });
    this.#visit();
  }

  /** The address of the page on screen; while the user is going back, `location` is another one already. */
  get shownAddress() {
    return new URL(this.#shown.path, location.href);
  }

  /** @param {string} address */
  isShown(address) {
    return pathOf(new URL(address)) === this.#shown.path;
  }

  /** The user stays here. */
  cancel() {
    if (this.#pending) this.#drop('');
  }

  /**
   * The page on screen has another address now, as when it shows the results of another search.
   * @param {string} address
   */
  replaceAddress(address) {
    this.#shown.path = pathOf(new URL(address, location.href));
    if (this.#index !== this.#shown.index) return; // the user is going back
    history.replaceState({ index: this.#index }, '', address);
    this.#entry = location.href;
  }

  /** For the server to answer. */
  isWaiting() {
    return this.#pending !== null && this.#request === null;
  }

  isPosting() {
    return this.#isUnloading || Boolean(this.#pending && !this.#pending.address);
  }

  /** The server is reachable again. */
  resume() {
    if (this.#pending && !this.#request) this.#visit();
  }

  /**
   * Posts a form and shows the page that answers.
   * @param {string} action
   * @param {FormData} fields
   * @param {PostCallbacks} callbacks
   */
  async post(action, fields, { onAccepted, onRefused, isSignOut }) {
    this.#restoreAddress();
    this.#start({ room: 0 });
    // The type of URLSearchParams doesn't know that a form without files will do.
    const body = new URLSearchParams(/** @type {Record<string, string>} */ (/** @type {unknown} */ (fields)));
    const result = await this.#load(action, { method: 'POST', body });
    if (!result) return;
    const { response, page } = result;
    const canShow = page !== undefined && this.#options.canShow(page);
    if (!response || (!canShow && !response.redirected)) {
      this.#drop('');
      onRefused(page ? errorMessage(page) : '');
      return;
    }
    if (canShow || isSignOut || !isSignInPage(response.url)) onAccepted();
    if (canShow) this.#arrive(page, response.redirected ? new URL(response.url) : this.shownAddress, response.ok);
    else {
      this.#isUnloading = true;
      if (isSignOut) markSigningOut();
      location.assign(response.url);
    }
  }

  /**
   * The response and its page; neither of them if it is not a page of Patio; null if another navigation has started.
   * @param {string} address
   * @param {RequestInit} [init]
   * @returns {Promise<{ response: Answer, page: DocumentFragment } | { response?: undefined, page?: undefined } |
   *   null>}
   */
  async #load(address, init) {
    this.#request?.abort();
    const controller = new AbortController();
    const { signal } = controller;
    this.#request = controller;
    /** @type {Record<string, string>} */
    const headers = this.#options.hasLiveSidebar() ? { 'patio-sidebar': 'live' } : {};
    const request = { signal, headers };
    const response = await (init ? fetchPage(address, { ...init, ...request }) : visit(address, request));
    const page = response && parseHtml(await response.text());
    if (this.#request !== controller) return null;
    return page && isPatioPage(page) ? { response, page } : {};
  }

  /** @param {PendingNavigation} pending */
  #start(pending) {
    this.#pending = pending;
    this.#options.onStart(pending);
  }

  #end() {
    this.#request?.abort();
    this.#request = null;
    this.#pending = null;
  }

  /** Makes the address that of the page on screen again. */
  #restoreAddress() {
    if (pathOf(location) === this.#shown.path) return;
    this.#isReturning = this.#index !== this.#shown.index; // history.go(0) would reload the page
    if (this.#isReturning) history.go(this.#shown.index - this.#index);
    else history.replaceState({ index: this.#index }, '', this.#shown.path);
  }

  /** @param {string} reason */
  #drop(reason) {
    this.#end();
    this.#restoreAddress();
    this.#options.onCancel(reason);
  }

  /**
   * @param {DocumentFragment} page
   * @param {URL} address
   * @param {boolean} isRequested
   */
  #arrive(page, address, isRequested) {
    this.#end();
    this.#options.onLeave(this.#shown.index);
    if (pathOf(address) !== pathOf(location)) {
      this.#index += 1;
      history.pushState({ index: this.#index }, '', address);
      this.#entry = location.href;
    }
    this.#shown = { path: pathOf(address), index: this.#index };
    this.#options.showPage(page, isRequested, address.hash);
  }

  /** @param {number} index */
  #restore(index) {
    if (this.#pending) {
      this.#end();
      this.#options.onCancel('');
    }
    this.#options.onLeave(this.#shown.index);
    this.#shown = { path: pathOf(location), index };
    this.#options.restorePage(index);
  }

  async #visit() {
    const { address = location.href, room } = /** @type {PendingNavigation} */ (this.#pending);
    const result = await this.#load(address);
    if (!result) return;
    const { response, page } = result;
    if (!response) {
      this.#request = null;
      this.#options.onWait();
    } else if (!response.ok) this.#drop(errorMessage(page));
    else if (this.#options.canShow(page)) {
      const isRequested = !room || room === Number(query(page, '.main').dataset.room);
      this.#arrive(page, shownAddress(response, address), isRequested);
    } else location.assign(shownAddress(response, address)); // in another language, of another release, or the sign-in page
  }

  /**
   * The user went back or forward, or followed a link within the page.
   * @param {{ index: number } | null} state
   */
  #followHistory(state) {
    const isShown = pathOf(location) === this.#shown.path;
    const isOwn = this.#isReturning && isShown;
    this.#isReturning = false;
    if (state) this.#index = state.index;
    else {
      // A link within the page made a new history entry, unless it has the address of the last one.
      if (location.href !== this.#entry) this.#index += 1;
      history.replaceState({ index: this.#index }, '');
    }
    this.#entry = location.href;
    if (state && state.index !== this.#shown.index && this.#options.isKept(state.index)) {
      this.#restore(state.index);
      return;
    }
    if (!isShown) {
      this.#start({ address: location.href, room: roomIdIn(location) });
      this.#visit();
      return;
    }
    this.#shown.index = this.#index;
    if (state && this.#pending?.address && !isOwn) this.#drop('');
  }
}
