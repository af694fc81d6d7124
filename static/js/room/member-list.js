// The members of the room: who is online, in which of the two lists, in which order, and how many. Of a large room the
// page lists the first ones by name. Further ones come on request, and so do those who come online while the page shows
// fewer than it could. The counts are of all members: the page knows their ids.
import { byId, closestTo, hasModifier, insertSorted, query, queryAll } from '../core/dom.js';
import { parseHtml } from '../core/http.js';
import { pluralize } from '../core/i18n.js';

const TIMEOUT = 10_000;
const MAX_ONLINE = 100; // more are only counted, as on the page that the server renders
const FETCH_DELAY = 1_000; // up to twice as long, so that not all pages ask at the same moment

/**
 * The ids in ranges such as `1-3,7`.
 * @param {string} ranges
 */
function parseIds(ranges) {
  /** @type {Set<number>} */
  const ids = new Set();
  for (const range of ranges.split(',')) {
    const [first, last = first] = range.split('-').map(Number);
    for (let id = first; id <= last; id++) ids.add(id);
  }
  return ids;
}

/** @param {MemberElement} row */
const userOf = (row) => Number(row.dataset.user);

/**
 * @param {string} address
 * @param {AbortSignal} signal
 */
async function fetchRows(address, signal) {
  const response = await fetch(address, {
    headers: { accept: 'text/html', 'patio-part': 'rows' },
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]),
  });
  if (!response.ok || response.redirected) throw new Error(`${response.status} for members`);
  return parseHtml(await response.text());
}

/**
 * The members of a room whose names have this text.
 * @param {string} path of the list of members
 * @param {string} text
 * @param {AbortSignal} signal
 * @returns {Promise<MemberElement[]>}
 */
export const searchMembers = async (path, text, signal) =>
  queryAll(await fetchRows(`${path}?q=${encodeURIComponent(text)}`, signal), '.member');

export class MemberList {
  #panel = query(document, '#people .card');
  #online = byId('online');
  #offline = byId('offline');
  #button = query(document, '.people-button');
  #path;
  #signal;
  /** Whether the page that the server rendered listed all members. */
  #isComplete;
  /** @type {Set<number>} */
  #members;
  /**
   * All users who are online, once the server has said so.
   * @type {Set<number> | null}
   */
  #usersOnline = null;
  #fetchTimer = 0;

  /**
   * @param {number} room
   * @param {AbortSignal} signal ends with the room
   */
  constructor(room, signal) {
    this.#path = `/rooms/${room}/members`;
    this.#signal = signal;
    const { all } = this.#panel.dataset;
    this.#isComplete = all === undefined;
    this.#members = all === undefined ? new Set(this.#rows.map(userOf)) : parseIds(all);
    this.#panel.addEventListener('click', (event) => this.#onClick(event), { signal });
    byId('people').addEventListener('toggle', () => this.#fetchOnlineSoon(), { signal });
    signal.addEventListener('abort', () => clearTimeout(this.#fetchTimer));
  }

  /**
   * No other user is online.
   * @param {Set<number>} users
   */
  setOnline(users) {
    this.#usersOnline = new Set(users);
    for (const row of this.#rows) this.#insert(row, users.has(userOf(row)));
    this.#updateCounts();
    this.#fetchOnlineSoon();
  }

  /**
   * @param {number} user
   * @param {boolean} isOnline
   */
  setPresence(user, isOnline) {
    if (isOnline) this.#usersOnline?.add(user);
    else this.#usersOnline?.delete(user);
    if (!this.#members.has(user)) return;
    const row = this.#row(user);
    if (row) this.#insert(row, isOnline);
    else this.#fetchOnlineSoon();
    this.#updateCounts();
  }

  /** @param {MemberFrame} frame */
  updateMember({ user, joined, html }) {
    if (!joined) {
      this.#members.delete(user.id);
      this.#row(user.id)?.remove();
    } else if (html) this.#add([query(parseHtml(html), '.member')]);
    this.#updateCounts();
  }

  /**
   * A user is called something else now.
   * @param {UserFrame} frame
   */
  rename({ user, sort }) {
    const row = this.#row(user.id);
    if (!row?.parentElement) return;
    row.dataset.sort = sort;
    insertSorted(row.parentElement, row, (member) => member.dataset.user);
  }

  /**
   * The rows of users who match and may not be listed: members, and users outside the room.
   * @param {string} text
   * @returns {Promise<MemberElement[]>}
   */
  async search(text) {
    const query = `?q=${encodeURIComponent(text)}`;
    const paths = this.#isComplete ? ['/people'] : [this.#path, '/people'];
    const pages = await Promise.all(paths.map((path) => fetchRows(path + query, this.#signal)));
    /** @type {MemberElement[]} */
    const rows = pages.flatMap((page) => queryAll(page, '.member'));
    for (const row of rows) row.toggleAttribute('data-outside', !this.#members.has(userOf(row)));
    return rows;
  }

  /** @returns {MemberElement[]} */
  get #rows() {
    return queryAll(this.#panel, '.member');
  }

  /**
   * @param {number} user
   * @returns {MemberElement | null}
   */
  #row(user) {
    return this.#panel.querySelector(`.member[data-user="${Number(user)}"]`);
  }

  /**
   * Adds the rows of members who are not listed yet.
   * @param {MemberElement[]} rows
   */
  #add(rows) {
    for (const row of rows) {
      const user = userOf(row);
      this.#members.add(user);
      if (!this.#row(user)) this.#insert(row, this.#usersOnline?.has(user) ?? !row.querySelector('.presence--off'));
    }
  }

  /**
   * @param {MemberElement} row
   * @param {boolean} isOnline
   */
  #insert(row, isOnline) {
    const list = isOnline ? this.#online : this.#offline;
    query(row, '.presence').classList.toggle('presence--off', !isOnline);
    if (row.parentElement !== list) insertSorted(list, row, (member) => member.dataset.user);
  }

  #countOnline() {
    if (this.#isComplete) return this.#online.children.length;
    const users = this.#usersOnline;
    // Too many users are online for the server to list them: what it counted stays.
    if (!users) return Math.min(Number(byId('online-count').textContent), this.#members.size);
    return Array.from(users).filter((user) => this.#members.has(user)).length;
  }

  #updateCounts() {
    const count = this.#members.size;
    const online = this.#countOnline();
    byId('online-count').textContent = String(online);
    byId('offline-count').textContent = String(count - online);
    byId('offline-section').hidden = count === online;
    byId('member-count').textContent = String(count);
    const { dataset } = this.#button;
    if (dataset.other) this.#button.ariaLabel = pluralize(dataset, count);
  }

  /** @param {string} address */
  #fetchPage(address) {
    return fetchRows(address, this.#signal);
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    /** @type {HTMLAnchorElement | null} */
    const link = closestTo(event, '#more-members a');
    if (!link || hasModifier(event)) return;
    event.preventDefault();
    this.#loadMore(link).catch(() => {
      if (!this.#signal.aborted) location.assign(link.href); // the same members as a page
    });
  }

  /** @param {HTMLAnchorElement} link */
  async #loadMore(link) {
    const page = await this.#fetchPage(link.href);
    /** @type {MemberElement[]} */
    const rows = queryAll(page, '.member');
    const hadFocus = document.activeElement === link;
    this.#add(rows);
    this.#updateCounts();
    /** @type {HTMLAnchorElement | null} */
    const next = page.querySelector('a[rel="next"]');
    if (next) link.href = next.href;
    else byId('more-members').remove();
    if (hadFocus && !next) rows.at(-1)?.querySelector('a')?.focus();
  }

  #fetchOnlineSoon() {
    if (this.#isComplete) return;
    clearTimeout(this.#fetchTimer);
    this.#fetchTimer = setTimeout(
      () => this.#fetchOnline().catch(() => {}), // the next change tries again
      FETCH_DELAY * (1 + Math.random()),
    );
  }

  /** Lists members who are online and were not listed, while the list has room for them and is visible. */
  async #fetchOnline() {
    const users = this.#usersOnline;
    if (!users || !this.#panel.checkVisibility()) return;
    const listed = new Set(this.#rows.map(userOf));
    const missing = Array.from(users).filter((user) => this.#members.has(user) && !listed.has(user));
    const some = missing.slice(0, MAX_ONLINE - this.#online.children.length);
    if (some.length === 0) return;
    this.#add(queryAll(await this.#fetchPage(`${this.#path}?users=${some}`), '.member'));
  }
}

/**
 * The files of a deleted message are gone.
 * @param {string} message
 */
export function removeFiles(message) {
  for (const row of queryAll(document, `#recent-files [data-message="${message}"]`)) row.remove();
}

// The header of the room: its current name, topic and pins, and the bar to join it.

/**
 * A room without a topic has no element for it.
 * @param {string} topic
 */
function showTopic(topic) {
  const element =
    document.querySelector('.page-header__subtitle') ??
    Object.assign(document.createElement('p'), { className: 'page-header__subtitle', dir: 'auto' });
  element.textContent = topic;
  if (topic) query(document, '.page-header__facts').append(element);
  else element.remove();
  byId('about').hidden = !topic;
  query(byId('about'), 'p').textContent = topic;
}

/**
 * The header counts the pins. A change may arrive more than once.
 * @param {MessageElement} article as it is now
 */
export function countPin(article) {
  const link = byId('pins');
  const pins = new Set(link.dataset.pinned?.match(/\d+/g));
  pins[article.matches('.message--pinned') ? 'add' : 'delete'](article.dataset.id);
  link.dataset.pinned = [...pins].join(' ');
  link.hidden = pins.size === 0;
  link.ariaLabel = pluralize(link.dataset, pins.size);
  query(link, 'span').textContent = String(pins.size);
}

/**
 * The star beside the name makes the room a favourite. The connection then says that it is one.
 * @param {() => void} onFailure
 */
export function startFavourite(onFailure) {
  const form = /** @type {HTMLFormElement | null} */ (document.getElementById('favourite'));
  form?.addEventListener('submit', async (event) => {
    event.preventDefault();
    const { value: favourite } = /** @type {HTMLButtonElement} */ (query(form, 'button'));
    try {
      const { ok } = await fetch(form.action, { method: 'POST', body: new URLSearchParams({ favourite }) });
      if (!ok) onFailure();
    } catch {
      onFailure();
    }
  });
}

/** @param {boolean} isFavourite */
function showFavourite(isFavourite) {
  /** @type {HTMLButtonElement | null} */
  const button = document.querySelector('#favourite button');
  if (!button) return;
  button.value = String(!isFavourite);
  button.ariaPressed = String(isFavourite);
}

/**
 * @param {FrameRoom} room
 * @param {boolean} isMember
 */
export function updateRoomHeader({ name, topic, favourite }, isMember) {
  query(byId('room-h'), 'bdi').textContent = name;
  showTopic(topic);
  showFavourite(favourite);
  const joinBar = /** @type {HTMLElement | null} */ (document.querySelector('.join-bar'));
  if (joinBar) joinBar.hidden = isMember;
}
