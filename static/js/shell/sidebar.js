// The sidebar: the user's rooms and direct messages in their order, and what is unread in each and in all, which the
// title of the tab says. Where the screen has no column for it, it is a drawer.
import { byId, cloneTemplate, insertSorted, query, queryAll } from '../core/dom.js';
import { parseHtml } from '../core/http.js';
import { pluralize } from '../core/i18n.js';
import { loadRecord, removeRecord, saveRecord } from '../outbox/storage.js';

// The title of the tab: the unread count of all rooms, the page, the site. An installed app shows the count on its icon.

/**
 * @param {string} title as the server wrote it
 * @param {string | undefined} unread the count at its beginning
 */
const withoutCount = (title, unread) => {
  const count = `(${unread}) `;
  return title.startsWith(count) ? title.slice(count.length) : title;
};

/** @param {string} shownUnread the count in the title of the moment */
function createDocumentTitle(shownUnread) {
  const site = query(document, '.brand__name').textContent;
  let page = withoutCount(document.title, shownUnread);
  /** @type {number | null} */
  let unread = null;

  function update() {
    document.title = unread ? `(${unread}) ${page}` : page;
  }

  return {
    /** Of the page on screen, without the count. */
    get page() {
      return page;
    },

    /** @param {string} title that of another page, without the count */
    restore(title) {
      page = title;
      update();
    },

    /**
     * Another page is on screen.
     * @param {ParentNode} document
     */
    adopt(document) {
      const shown = /** @type {AppElement} */ (query(document, '#app')).dataset.unread;
      page = withoutCount(query(document, 'title').textContent, shown);
      update();
    },

    /** @param {string} name the page on screen is called that now */
    setPage(name) {
      page = `${name} · ${site}`;
      update();
    },

    /** @param {number} total */
    setUnread(total) {
      if (total === unread) return;
      unread = total;
      update();
      navigator.setAppBadge?.(total)?.catch(() => {}); // forbidden, or there is no icon
    },
  };
}

// Sidebar and member list are drawers only on screens that have no column for them: an open drawer closes when its
// column appears, and before the page goes into the back/forward cache.

const COLUMN_FROM = { side: '(width >= 45em)', people: '(width >= 90em)' };

export function startDrawers() {
  for (const [id, mediaQuery] of Object.entries(COLUMN_FROM)) {
    matchMedia(mediaQuery).addEventListener('change', () => closeDrawer(id));
    addEventListener('pagehide', () => closeDrawer(id));
  }
}

/** @param {string} id */
export function closeDrawer(id) {
  byId(id)?.hidePopover();
}

/** @param {HTMLElement} details */
const listOf = ({ parentElement }) => `${parentElement?.dataset.list}:${parentElement?.dataset.section ?? ''}`;

/**
 * Whether a list is open is remembered in this browser.
 * @param {HTMLElement} target
 */
function keepFold(target) {
  if (!(target instanceof HTMLDetailsElement)) return;
  const list = listOf(target);
  const isOpenAtFirst = !list.startsWith('archived');
  if (target.open === isOpenAtFirst) removeRecord('fold', list);
  else saveRecord('fold', list, { isOpen: target.open });
}

/**
 * Of a room: two sequence numbers, and what is unread between them.
 * @typedef {object} RoomCounts
 * @property {number} last
 * @property {number} read
 * @property {number} unread
 * @property {number} mentions
 */

/** @param {(string | null | undefined)[]} numbers */
const sum = (numbers) => numbers.reduce((total, number) => total + Number(number), 0);

export class Sidebar {
  title;
  #element;
  /**
   * By room; empty while there is no connection to keep them up to date.
   * @type {Map<number, RoomCounts>}
   */
  #counts = new Map();
  /**
   * The threads that the user follows, with the rooms they belong to.
   * @type {Map<number, number>}
   */
  #threads = new Map();
  #current;

  /**
   * @param {HTMLElement} element
   * @param {string} unread the count that the server wrote into the title
   */
  constructor(element, unread) {
    this.#element = element;
    this.title = createDocumentTitle(unread);
    this.#current = Number(query(element, '[data-room]:has([aria-current])')?.dataset.room);
    this.#scrollToCurrent();
    element.addEventListener('toggle', () => this.#scrollToCurrent()); // a closed drawer can't scroll
    this.#restoreFolds();
    // Of a list that was opened or shut; it doesn't bubble.
    element.addEventListener('toggle', ({ target }) => keepFold(/** @type {HTMLElement} */ (target)), true);
  }

  #restoreFolds() {
    for (const details of /** @type {HTMLDetailsElement[]} */ (queryAll(this.#element, '.room-list > details'))) {
      details.open = loadRecord('fold', listOf(details))?.isOpen ?? details.open;
    }
  }

  /**
   * Undefined unless it is one of the user's rooms.
   * @param {number} room
   */
  roomName(room) {
    return this.#row(room)?.querySelector('.room__name')?.textContent ?? undefined;
  }

  /** @param {number} room */
  roomCreated(room) {
    return this.#row(room)?.dataset.created;
  }

  /**
   * Of the rooms in lists that are open.
   * @returns {HTMLAnchorElement[]}
   */
  links() {
    return queryAll(this.#element, 'details[open] .room');
  }

  /** @param {number} room */
  setCurrent(room) {
    this.#current = room;
    this.#element.querySelector('.room[aria-current]')?.removeAttribute('aria-current');
    const place = queryAll(this.#element, '.places a').find((link) => link.getAttribute('href') === location.pathname);
    const current = room ? this.#row(room)?.querySelector('.room') : place;
    current?.setAttribute('aria-current', 'page');
  }

  /**
   * The server has sent the state of all rooms.
   * @param {RoomState[]} rooms
   */
  resetCounts(rooms) {
    this.#counts.clear();
    this.#threads.clear();
    for (const { id, last_seq: last, last_read_seq: read, unread, mentions, parent } of rooms) {
      this.#counts.set(id, { last, read, unread, mentions });
      if (parent) this.#threads.set(id, parent.room_id);
      else this.#showCounts(id);
    }
    this.showTotals();
  }

  /** Without a connection the counts go stale. */
  forgetCounts() {
    this.#counts.clear();
  }

  /**
   * Sequence numbers only grow, unless the user moves a marker back, in whatever order updates arrive. The server's
   * latest unread count is the base; messages after it are added, also to the count of a room that was empty then. It
   * never exceeds what lies after the read marker, because deleted messages aren't unread.
   * @param {number} room
   * @param {Partial<RoomCounts> & { back?: boolean }} update `back`: the user marked messages as unread
   */
  updateCounts(room, { last, read = 0, unread, mentions, back = false }) {
    const counts = this.#counts.get(room);
    if (!counts) return;
    const next = {
      last: Math.max(counts.last, last ?? 0),
      read: back ? read : Math.max(counts.read, read),
      unread: 0,
      mentions: mentions ?? counts.mentions,
    };
    const estimate =
      unread === undefined ? counts.unread + next.last - counts.last : unread + next.last - (last ?? next.last);
    next.unread = Math.max(0, Math.min(estimate, next.last - next.read));
    if (next.read >= next.last) next.mentions = 0;
    this.#counts.set(room, next);
    this.#showCounts(room);
  }

  /**
   * A room has appeared or changed. Without HTML it isn't one of the user's rooms any more.
   * @param {RoomFrame} frame
   */
  updateRoom({ room, html }) {
    const { id, last_seq: last, last_read_seq: read, unread, mentions, parent } = room;
    if (parent) {
      this.#updateThread(room, parent.room_id, html !== '');
      return;
    }
    if (!html) {
      this.#counts.delete(id);
      if (id !== this.#current) this.removeRoom(id);
      return;
    }
    const previous = this.#row(id);
    const hadFocus = previous?.contains(document.activeElement);
    previous?.remove();
    const row = query(parseHtml(html), 'li');
    this.#insert(row);
    this.#hideEmptyLists();
    this.setCurrent(this.#current);
    if (hadFocus) query(row, '.room').focus();
    if (!this.#counts.has(id)) this.#counts.set(id, { last: 0, read: 0, unread: 0, mentions: 0 });
    this.updateCounts(id, { last, read, unread, mentions });
  }

  /**
   * A thread has changed, or its reader follows it now or does no longer. It has no row.
   * @param {FrameRoom} thread
   * @param {number} parent
   * @param {boolean} isFollowed
   */
  #updateThread({ id, last_seq: last, last_read_seq: read, unread, mentions }, parent, isFollowed) {
    if (!isFollowed) {
      this.removeRoom(id);
      return;
    }
    this.#threads.set(id, parent);
    if (!this.#counts.has(id)) this.#counts.set(id, { last: 0, read: 0, unread: 0, mentions: 0 });
    this.updateCounts(id, { last, read, unread, mentions });
  }

  /** @param {number} room */
  removeRoom(room) {
    for (const [thread, parent] of this.#threads) {
      if (thread !== room && parent !== room) continue;
      this.#threads.delete(thread);
      this.#counts.delete(thread);
    }
    this.#counts.delete(room);
    this.#row(room)?.remove();
    this.#hideEmptyLists();
    this.setCurrent(this.#current);
    this.showTotals();
  }

  /**
   * The user has a draft for the room, or has none any more.
   * @param {number} room
   * @param {boolean} hasDraft
   */
  setDraft(room, hasDraft) {
    const mark = /** @type {HTMLElement | null | undefined} */ (this.#row(room)?.querySelector('.room__draft'));
    if (mark) mark.hidden = !hasDraft;
  }

  /**
   * Takes over the rows of another page. A page that was asked for with a live connection has only the row of its room:
   * the others are up to date.
   * @param {ParentNode} page
   * @param {number} room the one on screen, or 0
   */
  replaceRows(page, room) {
    const isPartial = query(page, '#side').dataset.partial !== undefined;
    if (isPartial) this.#adoptRow(page, room);
    else {
      query(this.#element, '.sidebar__scroll').replaceChildren(...query(page, '#side .sidebar__scroll').children);
      this.#restoreFolds();
    }
    query(this.#element, '.current-user').replaceWith(query(page, '.current-user')); // its language links lead to the room on screen
    this.setCurrent(room);
    this.#scrollToCurrent();
    if (!isPartial) for (const id of this.#counts.keys()) this.#showCounts(id);
    this.showTotals();
  }

  /**
   * A room that is not the user's has a row while it is on screen.
   * @param {ParentNode} page
   * @param {number} room
   */
  #adoptRow(page, room) {
    // Without a connection it is not known which rooms are the user's.
    for (const other of this.#counts.size > 0 ? queryAll(this.#element, '[data-room]') : []) {
      const id = Number(other.dataset.room);
      if (id !== room && !this.#counts.has(id)) other.remove();
    }
    const row = /** @type {HTMLElement | null} */ (page.querySelector('#side [data-room]'));
    if (row && !this.#row(room)) this.#insert(row);
    this.#hideEmptyLists();
  }

  /**
   * The other user of a direct message is called something else now.
   * @param {UserFrame} frame
   */
  rename({ user, sort }) {
    const row = /** @type {HTMLElement | null | undefined} */ (
      this.#element.querySelector(`.avatar[data-user="${Number(user.id)}"]`)?.closest('[data-room]')
    );
    if (!row) return;
    row.dataset.sort = sort;
    this.#insert(row);
  }

  /** @param {URL} page the one on screen */
  updateLanguageLinks({ pathname, searchParams }) {
    for (const link of /** @type {HTMLAnchorElement[]} */ (queryAll(this.#element, 'a[hreflang]'))) {
      const query = new URLSearchParams(searchParams);
      query.set('lang', link.hreflang);
      link.href = `${pathname}?${query}`;
    }
  }

  /** Of all rooms: in the title, and on the button that opens the sidebar where it is a drawer. */
  showTotals() {
    this.#showThreads();
    const badges = queryAll(this.#element, '.badge:not([hidden])');
    const withMentions = badges.filter((badge) => badge.matches('.badge--mention'));
    const mentions = sum(withMentions.map((badge) => query(badge, '.badge__count').textContent));
    this.title.setUnread(sum(badges.map((badge) => badge.dataset.unread)));
    byId('mention-count').textContent = String(mentions);
    query(document, '.menu-button__mentions').hidden = mentions === 0;
  }

  /** How many threads have unread replies; clay where these mention the user. */
  #showThreads() {
    if (this.#counts.size === 0) return; // without a connection the page knows better
    const place = byId('threads');
    const unread = Array.from(this.#threads.keys(), (thread) => this.#counts.get(thread)).filter(
      (counts) => counts !== undefined && counts.unread > 0,
    );
    const mentions = unread.reduce((total, counts) => total + (counts?.mentions ?? 0), 0);
    const badge = query(place, '.badge');
    place.classList.toggle('place--unread', unread.length > 0);
    badge.classList.toggle('badge--mention', mentions > 0);
    badge.dataset.unread = String(mentions); // the title counts threads only where they mention the user
    badge.hidden = unread.length === 0;
    const dot = document.getElementById('dock-threads');
    if (dot) dot.hidden = badge.hidden;
    query(badge, '.badge__count').textContent = String(mentions || unread.length);
    this.markThreads(document);
  }

  /**
   * Says in the lines under messages how many replies are new.
   * @param {ParentNode} part of the page
   */
  markThreads(part) {
    for (const line of queryAll(part, '.thread-line[data-thread]')) {
      const thread = Number(line.dataset.thread);
      const unread = this.#threads.has(thread) ? (this.#counts.get(thread)?.unread ?? 0) : 0;
      const text = unread ? pluralize(byId('threads').dataset, unread) : '';
      const mark = line.querySelector('.thread-line__new');
      if ((mark?.textContent ?? '') === text) continue;
      mark?.remove();
      if (text)
        line.append(
          Object.assign(document.createElement('span'), { className: 'thread-line__new', textContent: text }),
        );
    }
  }

  /**
   * The place that the page on screen belongs to.
   * @param {string} pathname
   */
  showPlace(pathname) {
    for (const place of /** @type {HTMLAnchorElement[]} */ (queryAll(this.#element, '.place'))) {
      const isShown = pathname === place.pathname || pathname.startsWith(`${place.pathname}/`);
      if (isShown) place.setAttribute('aria-current', 'page');
      else place.removeAttribute('aria-current');
    }
  }

  /**
   * @param {number} room
   * @returns {HTMLElement | null}
   */
  #row(room) {
    return this.#element.querySelector(`[data-room="${Number(room)}"]`);
  }

  /** @param {number} room */
  #showCounts(room) {
    const row = this.#row(room);
    const counts = this.#counts.get(room);
    if (row && counts) {
      const { unread, mentions } = counts;
      const badge = query(row, '.badge');
      query(row, '.room').classList.toggle('room--unread', unread > 0);
      badge.classList.toggle('badge--mention', mentions > 0);
      query(badge, '.badge__count').textContent = String(mentions || unread);
      badge.dataset.unread = String(unread);
      badge.hidden = unread === 0;
    }
    this.showTotals();
  }

  #scrollToCurrent() {
    this.#element.querySelector('.room[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }

  /**
   * By name, into the list that it belongs to.
   * @param {HTMLElement} row
   */
  #insert(row) {
    const { place = 'rooms', section = '' } = row.dataset;
    const list = place === 'section' ? this.#section(section) : byId(place);
    insertSorted(list, row, (other) => other.dataset.room);
    /** @type {HTMLElement} */ (list.closest('.room-list')).hidden = false;
  }

  /**
   * The list of a section. A new one comes before the rooms; the next page puts the sections in order.
   * @param {string} name
   * @returns {HTMLElement}
   */
  #section(name) {
    const existing = this.#element.querySelector(`[data-list="section"][data-section="${CSS.escape(name)}"] ul`);
    if (existing) return /** @type {HTMLElement} */ (existing);
    const section = cloneTemplate(byId('section-list'));
    section.dataset.section = name;
    query(section, 'h2').textContent = name;
    const list = query(section, 'ul');
    list.ariaLabel = name;
    query(this.#element, '[data-list="rooms"]').before(section);
    return list;
  }

  /** Favourites, sections and archived rooms are there only if they hold something. */
  #hideEmptyLists() {
    for (const list of queryAll(this.#element, '.room-list:not([data-list="rooms"], [data-list="direct"])')) {
      list.hidden = !list.querySelector('[data-room]');
    }
  }
}
