// The list of messages: puts each one in its place by sequence number. It holds a part of the room without gaps; links
// at its ends lead to the rest.
import { byId, cloneTemplate, idPrefixOf, partOf, prefixIds, query, queryAll } from '../core/dom.js';
import { watchDay } from '../core/local-time.js';
import { decorateForViewer, groupMessage, refreshDayLabels } from './message-grouping.js';

const CHUNK_SIZE = 50; // messages; the browser skips the rendering of whole chunks that are off screen
const MAX_MESSAGES = 400; // more are unloaded
const KEPT_CHUNKS = 2; // next to the visible ones

/** @param {MessageElement} article */
const seqOf = (article) => Number(article.dataset.seq);

/**
 * The counterpart of a control that had the focus in an older rendering.
 * @param {HTMLElement} article
 * @param {Element} control
 */
function counterpart(article, control) {
  if (article.contains(control)) return /** @type {HTMLElement} */ (control); // the toolbar was moved along
  let selector = '';
  if (control.matches('.reaction')) selector = `.reaction[value="${CSS.escape(control.getAttribute('value') ?? '')}"]`;
  else if (control.matches('.message__link')) selector = '.message__link';
  else if (control.matches('.quote')) selector = 'a.quote';
  return (selector && query(article, selector)) || article;
}

/**
 * Film and sound go on playing while their message changes: a file is the same as before, or gone.
 * @param {MessageElement} existing
 * @param {MessageElement} article
 */
function keepFiles(existing, article) {
  const before = existing.querySelector('.attachments');
  const now = article.querySelector('.attachments');
  if (before && now) now.replaceWith(before);
}

export class MessageList {
  #list;
  #me;
  #enhance;
  /**
   * Messages that must not change for now, with the newest rendering that has arrived since.
   * @type {Map<string, MessageElement | null>}
   */
  #frozen = new Map();
  /** Pending messages, after all others. */
  #pending = document.createElement('div');
  #walker;
  #links;
  #latestSeq;
  /**
   * While a page is loading: messages without a place, which may have one on that page.
   * @type {MessageElement[] | null}
   */
  #unplaced = null;
  /**
   * In a thread, the message that it belongs to. It stands before the list.
   * @type {MessageElement | null}
   */
  #head;
  /** The ids of the messages that the user has saved. */
  #saved = new Set();

  /**
   * @param {HTMLElement} list
   * @param {string} me
   * @param {(article: MessageElement) => void} enhance adds to its content what needs a script
   * @param {AbortSignal} signal
   */
  constructor(list, me, enhance, signal) {
    this.#list = list;
    this.#links = /** @type {HTMLTemplateElement} */ (partOf(list, 'further')).content;
    this.#me = me;
    this.#enhance = enhance;
    this.#walker = document.createTreeWalker(list, NodeFilter.SHOW_ELEMENT, (node) =>
      /** @type {Element} */ (node).classList.contains('message') ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_SKIP,
    );
    this.#lastChunk().after(this.#pending);
    const area = /** @type {HTMLElement} */ (list.parentElement);
    this.#head = area.querySelector('.thread__head .message');
    this.#takeSavedMarks(area);
    this.#prepare(queryAll(area, '.message'));
    this.#latestSeq = this.newestSeq;
    watchDay(() => this.refreshDayLabels(), signal);
  }

  /** Of the messages in the list. */
  get newestSeq() {
    return Number(this.#previous(this.#pending)?.dataset.seq ?? 0);
  }

  /** Of the messages known to exist, in the list or not. */
  get latestSeq() {
    return this.#latestSeq;
  }

  /** "Today" may have become "Yesterday". */
  refreshDayLabels() {
    refreshDayLabels(this.#list);
  }

  /** Whether the list reaches to the end of the room. */
  get hasNewest() {
    return this.newestSeq >= this.#latestSeq;
  }

  /**
   * The room has messages up to this number. If too many are missing to be sent, returns how many, and a link leads to
   * them; else 0.
   * @param {number} seq
   */
  skipTo(seq) {
    const missing = seq - this.#latestSeq;
    if (missing <= MAX_MESSAGES) return 0;
    this.#latestSeq = seq;
    this.#updateLinks();
    return missing;
  }

  /**
   * @param {string} id of the message
   * @returns {MessageElement | null}
   */
  #find(id) {
    if (this.#head?.dataset.id === id) return this.#head;
    return /** @type {MessageElement | null} */ (document.getElementById(`m${id}`));
  }

  /**
   * Inserts a message, or updates it if this rendering is newer. True if it is a new message.
   * @param {MessageElement} article
   */
  upsert(article) {
    const existing = this.#find(article.dataset.id);
    if (existing) {
      this.#update(existing, article);
      return false;
    }
    const seq = seqOf(article);
    const isNew = seq > this.#latestSeq;
    const previous = this.#lastUpTo(seq);
    // Before or after everything in the list: its place is on a page that isn't loaded.
    const isOutside = previous
      ? !this.hasNewest && seq > this.newestSeq
      : this.#list.querySelector('[data-older]') !== null;
    this.#latestSeq = Math.max(this.#latestSeq, seq);
    if (isOutside) {
      this.#unplaced?.push(article);
      return isNew;
    }
    if (!previous) query(this.#list, '.chunk').prepend(article);
    else if (this.#isChunkFull(previous)) this.#appendChunk().append(article);
    else previous.after(article);
    this.#prepare([article]);
    this.#group(this.#next(article));
    this.#updateLinks();
    return true;
  }

  /**
   * The message stays as it is until it is unfrozen, whatever arrives before that.
   * @param {MessageElement} article
   */
  freeze(article) {
    this.#frozen.set(article.id, null);
  }

  /** @param {MessageElement} article */
  unfreeze(article) {
    const newer = this.#frozen.get(article.id);
    this.#frozen.delete(article.id);
    if (newer) this.#replace(article, newer);
  }

  /**
   * The first message in the list after a sequence number.
   * @param {number} seq
   * @returns {MessageElement | null}
   */
  firstAfter(seq) {
    const previous = this.#lastUpTo(seq);
    return previous ? this.#next(previous) : this.#list.querySelector('.message');
  }

  /**
   * The newest message of an author that isn't deleted.
   * @param {string} author
   */
  lastBy(author) {
    let article = this.#previous(this.#pending);
    while (article && (article.dataset.author !== author || article.matches('.message--deleted'))) {
      article = this.#previous(article);
    }
    return article;
  }

  /** A page is loading. Messages that arrive during that are newer than it, and must not be lost. */
  startLoading() {
    this.#unplaced = [];
  }

  /**
   * Inserts a page in place of the link to it. Without a link, it replaces the whole list.
   * @param {DocumentFragment | null} page null if loading has failed
   * @param {HTMLElement | null} [link]
   */
  insertPage(page, link = null) {
    /** @type {MessageElement[]} */
    const articles = page ? queryAll(page, '.message') : [];
    if (page) this.#takeSavedMarks(page);
    page?.querySelector('.unread-divider')?.remove(); // the unread divider is placed by the page on screen
    if (page && !link) {
      for (const element of Array.from(this.#list.children)) if (element !== this.#pending) element.remove();
    }
    if (link) link.replaceWith(page ?? link);
    else if (page) this.#pending.before(page);
    this.#prepare(articles);
    const last = articles.at(-1);
    if (last) this.#group(this.#next(last));
    this.#latestSeq = Math.max(this.#latestSeq, this.newestSeq);
    if (link?.dataset.newer && page && !last) this.#latestSeq = this.newestSeq;
    this.#insertUnplaced();
    this.#updateLinks();
    this.#group(/** @type {MessageElement | null} */ (this.#pending.firstElementChild));
  }

  get isOverLimit() {
    return this.#list.getElementsByClassName('message').length - this.#pending.childElementCount > MAX_MESSAGES;
  }

  /**
   * Removes chunks at the end of the list that is further from the reader.
   * @param {(chunk: HTMLElement) => boolean} isVisible
   */
  prune(isVisible) {
    while (this.isOverLimit) {
      const chunks = this.#chunks();
      const visible = chunks.map(isVisible);
      const above = visible.indexOf(true);
      const below = chunks.length - 1 - visible.lastIndexOf(true);
      const furthest = above >= below ? chunks[0] : chunks[chunks.length - 1];
      if (above < 0 || Math.max(above, below) <= KEPT_CHUNKS) return;
      if (furthest.querySelector('.message--editing, .message--deleting')) return;
      if (furthest.contains(document.activeElement)) this.#list.parentElement?.focus({ preventScroll: true });
      if (furthest === chunks[0]) {
        for (const element of queryAll(this.#list, ':scope > [data-older], :scope > [id$="start"]')) element.remove();
      }
      furthest.remove();
      this.#updateLinks();
    }
  }

  /** @param {MessageElement} article */
  addPending(article) {
    this.#pending.append(article);
    this.#group(article);
  }

  /** @param {MessageElement} article */
  removePending(article) {
    const next = this.#next(article);
    article.remove();
    this.#group(next);
  }

  /**
   * @param {string} author
   * @param {string} nonce
   */
  findStored(author, nonce) {
    const selector = `[data-author="${CSS.escape(author)}"][data-nonce="${CSS.escape(nonce)}"]`;
    return this.#list.querySelector(`.message[data-seq]${selector}`);
  }

  /**
   * @param {MessageElement} existing
   * @param {MessageElement} article
   */
  #update(existing, article) {
    if (existing === this.#head) {
      const part = new DocumentFragment();
      part.append(article);
      prefixIds(part, idPrefixOf(this.#list)); // beside its room, the head is in the page twice
    }
    const newest = this.#frozen.get(article.id) ?? existing;
    if (Number(article.dataset.rev) <= Number(newest.dataset.rev)) return;
    if (this.#frozen.has(article.id)) this.#frozen.set(article.id, article);
    else this.#replace(existing, article);
  }

  /**
   * @param {MessageElement} existing
   * @param {MessageElement} article
   */
  #replace(existing, article) {
    const focused = existing.contains(document.activeElement) ? document.activeElement : null;
    const toolbar = existing.querySelector('.message-actions');
    article.tabIndex = existing.tabIndex;
    keepFiles(existing, article);
    existing.replaceWith(article);
    if (existing === this.#head) this.#head = article;
    if (toolbar) article.append(toolbar);
    this.#prepare([article]);
    if (focused) counterpart(article, focused).focus({ preventScroll: true });
  }

  #insertUnplaced() {
    const unplaced = (this.#unplaced ?? []).sort((one, other) => seqOf(one) - seqOf(other));
    this.#unplaced = null;
    for (const article of unplaced) {
      const latestSeq = this.#latestSeq;
      if (seqOf(article) === this.newestSeq + 1) this.#latestSeq = this.newestSeq; // it directly continues the list
      this.upsert(article);
      this.#latestSeq = Math.max(this.#latestSeq, latestSeq);
    }
  }

  /** @param {MessageElement[]} articles */
  #prepare(articles) {
    for (const article of articles) {
      this.#decorate(article);
      this.#group(article);
    }
  }

  /** @param {MessageElement} article */
  #decorate(article) {
    decorateForViewer(article, this.#me, article === this.#head);
    this.#enhance(article);
    if (this.isSaved(article)) this.#showSaved(article, true);
  }

  /**
   * The server puts a mark before each message that the user has saved. In the message it moves along with it.
   * @param {ParentNode} page
   */
  #takeSavedMarks(page) {
    for (const mark of queryAll(page, '.saved-mark')) {
      this.#saved.add(/** @type {MessageElement} */ (mark.nextElementSibling).dataset.id);
      mark.remove();
    }
  }

  /** @param {MessageElement} article */
  isSaved(article) {
    return this.#saved.has(article.dataset.id);
  }

  /**
   * @param {number | string} id of the message
   * @param {boolean} isSaved
   */
  setSaved(id, isSaved) {
    const key = String(id);
    this.#saved[isSaved ? 'add' : 'delete'](key);
    const article = this.#find(key);
    if (article) this.#showSaved(article, isSaved);
  }

  /**
   * @param {MessageElement} article
   * @param {boolean} isSaved
   */
  #showSaved(article, isSaved) {
    const mark = article.querySelector('.saved-mark');
    // The toolbar may be over the message.
    for (const button of queryAll(article, '[data-act$="save"]')) {
      button.hidden = isSaved === (button.dataset.act === 'save');
    }
    if (!isSaved) mark?.remove();
    else if (!mark) query(article, '.message__main').prepend(cloneTemplate(byId('saved-mark')));
  }

  /** @param {MessageElement | null} article */
  #group(article) {
    if (article && this.#list.contains(article))
      groupMessage(article, this.#previous(article), article.parentElement === this.#pending);
  }

  /** @param {number} seq */
  #lastUpTo(seq) {
    let article = this.#previous(this.#pending);
    while (article && seqOf(article) > seq) article = this.#previous(article);
    return article;
  }

  /**
   * Whether the last message of the list completes its chunk.
   * @param {MessageElement} article
   */
  #isChunkFull(article) {
    const chunk = article.parentElement;
    const isLast = article === this.#previous(this.#pending);
    return chunk !== null && isLast && queryAll(chunk, ':scope > .message').length >= CHUNK_SIZE;
  }

  #appendChunk() {
    const chunk = document.createElement('div');
    chunk.className = 'chunk';
    this.#pending.before(chunk);
    return chunk;
  }

  /** There is a link at each end where the list doesn't reach to the end of the room. */
  #updateLinks() {
    const [older, newer] = /** @type {HTMLAnchorElement[]} */ (Array.from(this.#links.children));
    /** @type {MessageElement | null} */
    const first = this.#list.querySelector('.message[data-seq]');
    if (first && !this.#list.querySelector(':scope > [data-older], :scope > [id$="start"]')) {
      const link = /** @type {HTMLAnchorElement} */ (older.cloneNode(true));
      link.href += first.dataset.seq;
      link.dataset.older += first.dataset.seq;
      this.#chunks()[0].before(link);
      this.#group(first);
    }
    const existing = /** @type {HTMLElement | null} */ (this.#list.querySelector(':scope > [data-newer]'));
    if (this.hasNewest) {
      existing?.remove();
      return;
    }
    const link = existing ?? /** @type {HTMLElement} */ (newer.cloneNode(true));
    link.dataset.newer = `${newer.dataset.newer}${this.newestSeq}`;
    if (!existing) this.#lastChunk().after(link);
  }

  #chunks() {
    return queryAll(this.#list, ':scope > .chunk');
  }

  #lastChunk() {
    const chunks = this.#chunks();
    return chunks[chunks.length - 1];
  }

  /** @param {Node} node */
  #previous(node) {
    this.#walker.currentNode = node;
    return /** @type {MessageElement | null} */ (this.#walker.previousNode());
  }

  /** @param {Node} node */
  #next(node) {
    this.#walker.currentNode = node;
    return /** @type {MessageElement | null} */ (this.#walker.nextNode());
  }
}
