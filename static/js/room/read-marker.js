// How far the user has read: the marker that the server gets, the mentions after it, and the divider before what is
// unread.
import { cloneTemplate, partOf, queryAll } from '../core/dom.js';

const SEND_EVERY = 2_000;
const DAY = 86_400; // seconds

/** From here on pages mark nothing as read just by being loaded. Lasts a day, in case scripts get disabled. */
export function claimReadMarking() {
  // The server uses the same name; cookies are shared between ports.
  const name = location.port ? `patio_reading_${location.port}` : 'patio_reading';
  const secure = location.protocol === 'https:' ? '; secure' : '';
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing on plain HTTP
  document.cookie = `${name}=1; path=/; max-age=${DAY}; samesite=lax${secure}`;
}

export const isPageActive = () => !document.hidden && document.hasFocus();

/**
 * @typedef {object} ReadMarkerOptions
 * @property {number} seq the sequence number up to which the page counts as read
 * @property {() => number} newestSeq of the messages in the log
 * @property {() => boolean} isAtEnd whether the end of the log is visible
 * @property {(seq: number) => void} onRead
 * @property {(seq: number) => boolean} sendRead false if it couldn't be sent
 * @property {AbortSignal} signal
 */

/** @param {ReadMarkerOptions} options */
export function createReadMarker({ seq, newestSeq, isAtEnd, onRead, sendRead, signal }) {
  let sentSeq = seq;
  let timer = 0;
  let isHeld = false; // the user marked messages as unread: they stay so until the room is opened again

  function send() {
    if (seq > sentSeq && sendRead(seq)) sentSeq = seq;
  }

  /** Sends at once; what is read in the next moments follows in one frame. */
  function sendThrottled() {
    send();
    timer = setTimeout(() => {
      timer = 0;
      if (seq > sentSeq) sendThrottled();
    }, SEND_EVERY);
  }

  function update() {
    if (isHeld || !isPageActive() || !isAtEnd() || newestSeq() <= seq) return;
    seq = newestSeq();
    onRead(seq);
    if (!timer) sendThrottled();
  }

  addEventListener('focus', update, { signal });
  document.addEventListener('visibilitychange', () => (document.hidden ? send() : update()), { signal });
  addEventListener('pagehide', send, { signal, capture: true }); // before the connection closes
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    send();
  });

  return {
    update,
    get seq() {
      return seq;
    },
    /**
     * The server knows already: the user has posted, or has read elsewhere.
     * @param {number} to
     */
    advance(to) {
      seq = Math.max(seq, to);
      sentSeq = Math.max(sentSeq, to);
    },
    /**
     * The user marked what follows as unread, here or elsewhere.
     * @param {number} to
     */
    goBack(to) {
      seq = to;
      sentSeq = to;
      isHeld = true;
    },
    /** The connection is back: sends what couldn't be sent without it. */
    resume() {
      onRead(seq);
      send();
      update();
    },
  };
}

// Counts the messages in the log that mention a user or reply to them.

/**
 * Of the messages after `lastRead`.
 * @param {HTMLElement} log
 * @param {string} userName
 * @param {number} lastRead
 */
export function countMentions(log, userName, lastRead) {
  const messages = new Set();
  for (const link of queryAll(log, '.mention, .quote[data-name]')) {
    const article = /** @type {MessageElement} */ (link.closest('.message'));
    const isOfUser = link.getAttribute('href') === `/direct/${userName}` || link.dataset.name === userName;
    if (isOfUser && Number(article.dataset.seq) > lastRead) messages.add(article);
  }
  return messages.size;
}

// The divider above the first unread message. It also appears above messages that arrive while the page is hidden. A link
// leads to it, even where that message isn't loaded.

/**
 * @typedef {object} UnreadDividerOptions
 * @property {HTMLElement} log
 * @property {import('./message-list.js').MessageList} messageList
 * @property {(seq: number) => Promise<void>} loadAround loads the part of the room around a message
 * @property {AbortSignal} signal
 */

export class UnreadDivider {
  #options;
  #jumpLink;
  #template;
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
    const { log, signal } = options;
    this.#options = options;
    this.#jumpLink = partOf(log, 'jump');
    /** @type {HTMLTemplateElement} */
    this.#template = partOf(log, 'new-line');
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
    if (last !== null && last >= lastRead && this.#divider) return;
    this.#lastRead = lastRead;
    this.#show();
  }

  get #divider() {
    return partOf(this.#options.log, 'new');
  }

  /**
   * The user marked what follows as unread.
   * @param {number} lastRead
   */
  moveTo(lastRead) {
    this.#lastRead = lastRead;
    this.#show();
  }

  /**
   * Null where the first unread message isn't loaded.
   * @returns {HTMLElement | null}
   */
  #insert() {
    const lastRead = this.#lastRead ?? 0;
    const divider = this.#divider;
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
