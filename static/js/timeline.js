// The list of messages: puts each one where its number belongs, and keeps day lines and runs of one author right around it.
import { personalise } from './personal.js';
import { dayOf, eachMidnight, nameOfDay } from './times.js';

const CHUNK = 50; // messages; the browser skips whole chunks that are off screen
const RUN = 5 * 60_000; // within this time the same author's next message needs no name

const seqOf = (article) => Number(article.dataset.seq);
const at = (article) => Number(article.dataset.at);

/** What takes the place of a part that had the focus in an older rendering. */
function sameIn(article, part) {
  if (article.contains(part)) return part; // the bar went along
  const match = part.matches('.react') ? `.react[value="${CSS.escape(part.value)}"]` : part.matches('.msg__link') && '.msg__link';
  return (match && article.querySelector(match)) || article;
}

export class Timeline {
  #list;
  #me;
  #held = new Map(); // id → the newest rendering of a message that must stay as it is for now
  #queue = document.createElement('div'); // messages that wait to be stored; always after the stored ones
  #walker;

  constructor(list, me, signal) {
    this.#list = list;
    this.#me = me;
    this.#walker = document.createTreeWalker(list, NodeFilter.SHOW_ELEMENT, (node) => (node.classList.contains('msg') ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_SKIP));
    this.#lastChunk().after(this.#queue);
    this.#settle(list.querySelectorAll('.msg'));
    eachMidnight(() => { for (const line of list.querySelectorAll('.day')) this.#label(line); }, signal);
  }

  /** The greatest seq in the list. */
  get newest() { return Number(this.#previous(this.#queue)?.dataset.seq ?? 0); }

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
    const before = this.#lastUpTo(seqOf(article));
    // Before all that is loaded: its place is on a page that is still to come.
    if (!before && this.#list.querySelector('.older')) return false;
    if (!before) this.#list.querySelector('.chunk').prepend(article);
    else if (this.#fills(before)) this.#newChunk().append(article);
    else before.after(article);
    personalise(article, this.#me);
    this.#regroup(article);
    this.#regroup(this.#next(article));
    return true;
  }

  /** The message stays as it is until it is released, whatever comes meanwhile. */
  hold(article) { this.#held.set(article.id, null); }

  release(article) {
    const newer = this.#held.get(article.id);
    this.#held.delete(article.id);
    if (newer) this.#replace(article, newer);
  }

  /** The newest message of this author that can still be edited. */
  lastOf(author) {
    let article = this.#previous(this.#queue);
    while (article && (article.dataset.author !== author || article.matches('.msg--deleted'))) article = this.#previous(article);
    return article;
  }

  /** Puts a page of history in place of the link to it. */
  addPage(link, page) {
    const articles = page.querySelectorAll('.msg');
    link.replaceWith(page);
    this.#settle(articles);
    const last = articles[articles.length - 1];
    if (last) this.#regroup(this.#next(last));
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

  findStored(author, nonce) { return this.#list.querySelector(`.msg[data-seq][data-author="${CSS.escape(author)}"][data-nonce="${CSS.escape(nonce)}"]`); }

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

  /** Says anew whether a message continues the one before it, and whether a day begins with it. */
  #regroup(article) {
    if (!article) return;
    const before = this.#previous(article);
    const sameDay = before !== null && dayOf(at(before)) === dayOf(at(article));
    const continues = sameDay && before.dataset.author === article.dataset.author && Math.abs(at(article) - at(before)) < RUN;
    article.classList.toggle('msg--cont', continues);
    const first = article.previousElementSibling?.matches('.new') ? article.previousElementSibling : article;
    const line = first.previousElementSibling?.matches('.day') ? first.previousElementSibling : null;
    if (sameDay || article.parentElement === this.#queue) line?.remove();
    else this.#label(line ?? this.#newLine(first), dayOf(at(article)));
  }

  #newLine(element) {
    const line = document.createElement('h2');
    line.className = 'day';
    line.append(document.createElement('time'));
    element.before(line);
    return line;
  }

  #label(line, day = line.firstElementChild.dateTime) {
    line.firstElementChild.dateTime = day;
    line.firstElementChild.textContent = nameOfDay(day);
  }

  #lastUpTo(seq) {
    let article = this.#previous(this.#queue);
    while (article && seqOf(article) > seq) article = this.#previous(article);
    return article;
  }

  #fills(article) {
    return article === this.#previous(this.#queue) && article.parentElement.querySelectorAll(':scope > .msg').length >= CHUNK;
  }

  #newChunk() {
    const chunk = document.createElement('div');
    chunk.className = 'chunk';
    this.#queue.before(chunk);
    return chunk;
  }

  #lastChunk() { return [...this.#list.querySelectorAll(':scope > .chunk')].at(-1); }
  #previous(node) { this.#walker.currentNode = node; return this.#walker.previousNode(); }
  #next(node) { this.#walker.currentNode = node; return this.#walker.nextNode(); }
}
