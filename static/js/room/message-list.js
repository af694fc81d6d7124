// The list of messages: puts each one where its number belongs. It holds a part of the room without a hole; links at its two ends lead further.

import { eachDay } from '../core/local-time.js';
import { layOut, nameDays } from './message-grouping.js';
import { personalise } from './viewer-decorations.js';

const CHUNK = 50; // messages; the browser skips whole chunks that are off screen
const MOST = 400; // messages that are kept; the others come again when somebody reads there
const SPARED = 2; // chunks next to the one that is read

const seqOf = (article) => Number(article.dataset.seq);

/** What takes the place of a part that had the focus in an older rendering. */
function sameIn(article, part) {
  if (article.contains(part)) return part; // the bar went along
  const match = part.matches('.react')
    ? `.react[value="${CSS.escape(part.value)}"]`
    : part.matches('.msg__link') && '.msg__link';
  return (match && article.querySelector(match)) || article;
}

export class Timeline {
  #list;
  #me;
  #held = new Map(); // id → the newest rendering of a message that must stay as it is for now
  #queue = document.createElement('div'); // messages that wait to be stored; always after the stored ones
  #walker;
  #links = document.getElementById('further').content;
  #latest; // the greatest seq that is known of, in the list or not
  #missed = null; // while a page is on its way: what had no place, and may have one on it

  constructor(list, me, signal) {
    this.#list = list;
    this.#me = me;
    this.#walker = document.createTreeWalker(list, NodeFilter.SHOW_ELEMENT, (node) =>
      node.classList.contains('msg') ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_SKIP,
    );
    this.#lastChunk().after(this.#queue);
    this.#settle(list.querySelectorAll('.msg'));
    this.#latest = this.newest;
    eachDay(() => this.nameDays(), signal);
  }

  /** The greatest seq in the list. */
  get newest() {
    return Number(this.#previous(this.#queue)?.dataset.seq ?? 0);
  }

  /** The greatest seq that is known of, in the list or not. */
  get latest() {
    return this.#latest;
  }

  /** "Today" may have become "Yesterday". */
  nameDays() {
    nameDays(this.#list);
  }

  /** Whether the list reaches to the end of the room. */
  get isWhole() {
    return this.newest >= this.#latest;
  }

  /** How many messages the room has that nobody here had heard of. What lies between is a page to be loaded if it is too much. */
  expect(seq) {
    const more = seq - this.#latest;
    if (more <= MOST) return 0;
    this.#latest = seq;
    this.#link();
    return more;
  }

  /** Takes a message of the server over, unless it is known already. True if it is a new one. */
  put(article) {
    const known = document.getElementById(article.id);
    if (known) {
      const newest = this.#held.get(article.id) ?? known;
      if (Number(article.dataset.rev) <= Number(newest.dataset.rev)) return false;
      if (this.#held.has(article.id)) this.#held.set(article.id, article);
      else this.#replace(known, article);
      return false;
    }
    const seq = seqOf(article);
    const isNews = seq > this.#latest;
    const before = this.#lastUpTo(seq);
    // Before or after all that is loaded: its place is on a page that is still to come.
    const isFurther = before ? !this.isWhole && seq > this.newest : this.#list.querySelector('[data-older]') !== null;
    this.#latest = Math.max(this.#latest, seq);
    if (isFurther) {
      this.#missed?.push(article);
      return isNews;
    }
    if (!before) this.#list.querySelector('.chunk').prepend(article);
    else if (this.#fills(before)) this.#newChunk().append(article);
    else before.after(article);
    personalise(article, this.#me);
    this.#regroup(article);
    this.#regroup(this.#next(article));
    this.#link();
    return true;
  }

  /** The message stays as it is until it is released, whatever comes meanwhile. */
  hold(article) {
    this.#held.set(article.id, null);
  }

  release(article) {
    const newer = this.#held.get(article.id);
    this.#held.delete(article.id);
    if (newer) this.#replace(article, newer);
  }

  /** The first message here that is newer than this one. */
  firstAfter(seq) {
    const before = this.#lastUpTo(seq);
    return before ? this.#next(before) : this.#list.querySelector('.msg');
  }

  /** The newest message of this author that can still be edited. */
  lastOf(author) {
    let article = this.#previous(this.#queue);
    while (article && (article.dataset.author !== author || article.matches('.msg--deleted')))
      article = this.#previous(article);
    return article;
  }

  /** A page is on its way. What comes meanwhile is newer than it, and is not lost. */
  await() {
    this.#missed = [];
  }

  /** Puts a page of history in place of the link to it; without a link it is the newest, and all that is here. Null: there is none. */
  addPage(page, link = null) {
    const articles = page?.querySelectorAll('.msg') ?? [];
    page?.querySelector('.new')?.remove(); // where the line stands is known here
    if (page && !link)
      for (const element of Array.from(this.#list.children)) if (element !== this.#queue) element.remove();
    if (link) link.replaceWith(page ?? link);
    else if (page) this.#queue.before(page);
    this.#settle(articles);
    const last = articles[articles.length - 1];
    if (last) this.#regroup(this.#next(last));
    this.#latest = Math.max(this.#latest, this.newest);
    if (link?.dataset.newer && page && !last) this.#latest = this.newest;
    this.#putMissed();
    this.#link();
    this.#regroup(this.#queue.firstElementChild);
  }

  #putMissed() {
    const missed = (this.#missed ?? []).sort((one, other) => seqOf(one) - seqOf(other));
    this.#missed = null;
    for (const article of missed) {
      const latest = this.#latest;
      if (seqOf(article) === this.newest + 1) this.#latest = this.newest; // this is the next one
      this.put(article);
      this.#latest = Math.max(this.#latest, latest);
    }
  }

  /** Whether there is more than may be kept. */
  get isHeavy() {
    return this.#list.getElementsByClassName('msg').length - this.#queue.childElementCount > MOST;
  }

  /** Lets go of chunks at the end of the list that is further from the reader, who sees those that `isSeen(chunk)` is true of. */
  prune(isSeen) {
    while (this.isHeavy) {
      const chunks = this.#chunks();
      const seen = chunks.map(isSeen);
      const above = seen.indexOf(true);
      const below = chunks.length - 1 - seen.lastIndexOf(true);
      const far = above >= below ? chunks[0] : chunks.at(-1);
      if (above < 0 || Math.max(above, below) <= SPARED || far.querySelector('.msg--editing, .msg--deleting')) return;
      if (far.contains(document.activeElement)) this.#list.parentElement.focus({ preventScroll: true });
      if (far === chunks[0])
        for (const element of this.#list.querySelectorAll(':scope > [data-older], :scope > #start')) element.remove();
      far.remove();
      this.#link();
    }
  }

  addWaiting(article) {
    this.#queue.append(article);
    this.#regroup(article);
  }

  removeWaiting(article) {
    const next = this.#next(article);
    article.remove();
    this.#regroup(next);
  }

  findStored(author, nonce) {
    return this.#list.querySelector(
      `.msg[data-seq][data-author="${CSS.escape(author)}"][data-nonce="${CSS.escape(nonce)}"]`,
    );
  }

  #replace(known, article) {
    const focused = known.contains(document.activeElement) ? document.activeElement : null;
    const acts = known.querySelector('.acts');
    article.tabIndex = known.tabIndex;
    known.replaceWith(article);
    if (acts) article.append(acts);
    this.#settle([article]);
    if (focused) sameIn(article, focused).focus({ preventScroll: true });
  }

  #settle(articles) {
    for (const article of articles) {
      personalise(article, this.#me);
      this.#regroup(article);
    }
  }

  #regroup(article) {
    if (article) layOut(article, this.#previous(article), article.parentElement === this.#queue);
  }

  #lastUpTo(seq) {
    let article = this.#previous(this.#queue);
    while (article && seqOf(article) > seq) article = this.#previous(article);
    return article;
  }

  #fills(article) {
    return (
      article === this.#previous(this.#queue) && article.parentElement.querySelectorAll(':scope > .msg').length >= CHUNK
    );
  }

  #newChunk() {
    const chunk = document.createElement('div');
    chunk.className = 'chunk';
    this.#queue.before(chunk);
    return chunk;
  }

  /** Links stand where the list does not reach to the end of the room. */
  #link() {
    const first = this.#list.querySelector('.msg[data-seq]');
    const [older, newer] = this.#links.children;
    if (first && !this.#list.querySelector(':scope > [data-older], :scope > #start')) {
      const link = older.cloneNode(true);
      link.href += first.dataset.seq;
      link.dataset.older += first.dataset.seq;
      this.#chunks()[0].before(link);
      this.#regroup(first);
    }
    const known = this.#list.querySelector(':scope > [data-newer]');
    if (this.isWhole) {
      known?.remove();
      return;
    }
    const link = known ?? newer.cloneNode(true);
    link.dataset.newer = newer.dataset.newer + this.newest;
    if (!known) this.#lastChunk().after(link);
  }

  #chunks() {
    return Array.from(this.#list.querySelectorAll(':scope > .chunk'));
  }
  #lastChunk() {
    return this.#chunks().at(-1);
  }
  #previous(node) {
    this.#walker.currentNode = node;
    return this.#walker.previousNode();
  }
  #next(node) {
    this.#walker.currentNode = node;
    return this.#walker.nextNode();
  }
}
