// Loads more of the room as the reader comes near an end of the log, and unloads what is far away. Without scripts the
// links at both ends open pages.
import { closestTo, hasModifier, partOf, query, queryAll } from '../core/dom.js';
import { parseHtml } from '../core/http.js';
import { fetchMessagePage } from '../message-actions/message-changes.js';

const RETRY_DELAY = 2_000;
const PRELOAD_MARGIN = '800px 0px';
const CONTEXT = 10; // messages above the one that is loaded for
const LINKS = '[data-older], [data-newer]';

/**
 * What became of a request; `done` also if it isn't wanted any more.
 * @typedef {'done' | 'timeout' | 'failed'} LoadResult
 */

/**
 * @typedef {object} PaginationOptions
 * @property {HTMLElement} log
 * @property {import('./message-list.js').MessageList} messageList
 * @property {import('./scroll-anchor.js').ScrollAnchor} scrollAnchor
 * @property {number} timeout in milliseconds
 * @property {(isAnswered: boolean) => void} onResponse
 * @property {AbortSignal} signal
 */

export class Pagination {
  #options;
  #newerPath;
  #newestPath;
  /**
   * Links that failed. They aren't followed before the next retry.
   * @type {WeakSet<HTMLElement>}
   */
  #failed = new WeakSet();
  /** @type {AbortController | null} */
  #request = null;
  #retryTimer = 0;
  #observer;

  /** @param {PaginationOptions} options */
  constructor(options) {
    const { log, signal } = options;
    /** @type {HTMLTemplateElement} */
    const { content: links } = partOf(log, 'further');
    this.#options = options;
    this.#newerPath = query(links, '[data-newer]').dataset.newer ?? '';
    this.#newestPath = `${query(links, '[data-older]').dataset.older}${Number.MAX_SAFE_INTEGER}`;
    this.#observer = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries) {
          if (isIntersecting && !this.#request) this.#loadPage(/** @type {HTMLElement} */ (target));
        }
      },
      { root: log, rootMargin: PRELOAD_MARGIN },
    );
    signal.addEventListener('abort', () => {
      this.#request?.abort();
      clearTimeout(this.#retryTimer);
      this.#observer.disconnect();
    });
    log.addEventListener('click', (event) => this.#onClick(event));
    this.#observeLinks();
  }

  /** The log may have become too long. */
  onMessageAdded() {
    if (!this.#options.messageList.isOverLimit) return;
    this.#options.scrollAnchor.updateOutside(() => this.#prune());
    if (!this.#request) this.#observeLinks();
  }

  /** The connection is back, or some time has passed: failed links can be followed again. */
  retry() {
    this.#failed = new WeakSet();
    if (!this.#request) this.#observeLinks();
  }

  /**
   * Loads the part of the room around a message.
   * @param {number} seq
   */
  async loadAround(seq) {
    await this.#load(this.#newerPath + Math.max(0, seq - CONTEXT), (page) => {
      if (page) this.#options.messageList.insertPage(page);
    });
    this.#observeLinks();
  }

  /** Loads the end of the room, which is too far away to scroll to. */
  async loadNewest() {
    /** @type {LoadResult} */
    let result;
    do {
      result = await this.#load(this.#newestPath, (page) => this.#options.messageList.insertPage(page));
    } while (result === 'timeout');
    this.#observeLinks();
  }

  /** Observes all links again: while a request was running, none was followed. */
  #observeLinks() {
    this.#observer.disconnect();
    for (const link of queryAll(this.#options.log, LINKS)) if (!this.#failed.has(link)) this.#observer.observe(link);
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const link = closestTo(event, LINKS);
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#failed.delete(link);
    if (!this.#request) this.#loadPage(link);
  }

  /** @param {HTMLElement} link */
  async #loadPage(link) {
    const { log, messageList, scrollAnchor } = this.#options;
    const { older, newer = '' } = link.dataset;
    const result = await this.#load(older ?? newer, (page) => {
      const isFocused = link === document.activeElement;
      const insert = () => messageList.insertPage(page, link);
      if (older)
        insert(); // the log is a reversed column: what is inserted before moves nothing
      else scrollAnchor.updateOutside(insert);
      if (isFocused && page) log.focus({ preventScroll: true });
    });
    if (result === 'failed') {
      this.#failed.add(link);
      clearTimeout(this.#retryTimer);
      this.#retryTimer = setTimeout(() => this.retry(), RETRY_DELAY);
    }
    this.#observeLinks();
  }

  /**
   * Fetches a page and inserts it, null if none came.
   * @param {string} address
   * @param {(page: DocumentFragment | null) => void} insert
   * @returns {Promise<LoadResult>}
   */
  async #load(address, insert) {
    const { log, messageList, scrollAnchor, timeout, onResponse, signal } = this.#options;
    this.#request?.abort();
    const request = new AbortController();
    // The request may have gone into a connection that is dead without having been closed; aborting it ends that.
    const timer = setTimeout(() => request.abort(), timeout);
    this.#request = request;
    log.ariaBusy = 'true';
    messageList.startLoading();
    let page = null;
    try {
      const response = await fetch(address, { signal: request.signal });
      if (!response.ok || response.redirected) throw new Error(`${response.status} for ${address}`);
      page = parseHtml(await response.text());
    } catch {
      // No network, a timeout, a newer request, or the room was closed.
    }
    clearTimeout(timer);
    if (this.#request !== request || signal.aborted) return 'done';
    this.#request = null;
    log.ariaBusy = 'false';
    onResponse(page !== null);
    insert(page);
    scrollAnchor.updateOutside(() => this.#prune());
    if (page) return 'done';
    return request.signal.aborted ? 'timeout' : 'failed';
  }

  #prune() {
    const { log, messageList } = this.#options;
    if (!messageList.isOverLimit) return;
    const { top, bottom } = log.getBoundingClientRect();
    messageList.prune((chunk) => {
      const box = chunk.getBoundingClientRect();
      return box.bottom > top && box.top < bottom;
    });
  }
}

// Follows links to messages of the room within the log: the message is shown with what is around it, and a link leads
// back to the newest.

const PATH = /^\/messages\/(\d+)\/context$/;

/**
 * @typedef {object} MessageLinksOptions
 * @property {HTMLElement} log
 * @property {number} room
 * @property {(seq: number) => Promise<void>} loadAround
 * @property {import('./scroll-anchor.js').ScrollAnchor} scrollAnchor
 * @property {(address: string) => void} goTo
 */

/** @param {MessageLinksOptions} options */
export function startMessageLinks({ log, room, loadAround, scrollAnchor, goTo }) {
  const newestLink = partOf(log, 'newest');

  /**
   * Loads the message with what is around it. Returns where it leads to if it is in another room.
   * @param {string} id
   */
  async function load(id) {
    try {
      const page = await fetchMessagePage(id);
      /** @type {HTMLAnchorElement} */
      const place = query(page, '.page__back a');
      if (new URL(place.href, location.href).pathname !== `/rooms/${room}`) return place.href;
      /** @type {MessageElement} */
      const article = query(page, '.message');
      await loadAround(Number(article.dataset.seq));
    } catch {} // the link leads to its page then
    return '';
  }

  /** @param {HTMLElement} article */
  function show(article) {
    log.querySelector('.message--target')?.classList.remove('message--target');
    article.classList.add('message--target');
    article.scrollIntoView({ block: 'center' });
    article.focus({ preventScroll: true });
    newestLink.hidden = scrollAnchor.isAtEnd();
  }

  log.addEventListener('click', async (event) => {
    /** @type {HTMLAnchorElement | null} */
    const link = closestTo(event, 'a[href]');
    const [, id] = PATH.exec(link?.pathname ?? '') ?? [];
    if (!link || !id || link.origin !== location.origin || hasModifier(event)) return;
    event.preventDefault();
    const find = () => document.getElementById(`m${id}`);
    const place = find() ? '' : await load(id);
    const article = find();
    if (article) show(article);
    else goTo(place || link.href);
  });
  newestLink.addEventListener('click', async (event) => {
    event.preventDefault();
    await scrollAnchor.scrollToEnd();
    newestLink.hidden = true;
    log.focus({ preventScroll: true }); // the link with the focus is hidden now
  });
  log.addEventListener(
    'scroll',
    () => {
      if (!newestLink.hidden && scrollAnchor.isAtEnd()) newestLink.hidden = true;
    },
    { passive: true },
  );
}
