// The members of the room: who is online, in which of the two lists, in which order, and how many.
import { byId, query, queryAll } from '../core/dom.js';
import { parseHtml } from '../core/html-fragment.js';
import { pluralize } from '../core/i18n.js';

export class MemberList {
  #online = byId('online');
  #offline = byId('offline');
  #button = query(document, '.people-button');

  /**
   * No other user is online.
   * @param {Set<number>} users
   */
  setOnline(users) {
    /** @type {MemberElement[]} */
    const rows = queryAll(document, '.member');
    for (const row of rows) this.#insert(row, users.has(Number(row.dataset.user)));
    this.#updateCounts();
  }

  /**
   * @param {number} user
   * @param {boolean} isOnline
   */
  setPresence(user, isOnline) {
    const row = this.#row(user);
    if (!row) return;
    this.#insert(row, isOnline);
    this.#updateCounts();
  }

  /** @param {MemberFrame} frame */
  updateMember({ user, joined, html }) {
    const row = this.#row(user.id);
    if (!joined) row?.remove();
    else if (!row && html) {
      /** @type {MemberElement} */
      const added = query(parseHtml(html), '.member');
      this.#insert(added, !added.querySelector('.presence--off'));
    }
    this.#updateCounts();
  }

  /**
   * @param {number} user
   * @returns {MemberElement | null}
   */
  #row(user) {
    return document.querySelector(`.member[data-user="${Number(user)}"]`);
  }

  /**
   * @param {MemberElement} row
   * @param {boolean} isOnline
   */
  #insert(row, isOnline) {
    const list = isOnline ? this.#online : this.#offline;
    query(row, '.presence').classList.toggle('presence--off', !isOnline);
    if (row.parentElement === list) return;
    const others = /** @type {MemberElement[]} */ (Array.from(list.children));
    const next = others.find((other) => other.dataset.sort > row.dataset.sort);
    list.insertBefore(row, next ?? null);
  }

  #updateCounts() {
    const online = this.#online.children.length;
    const offline = this.#offline.children.length;
    byId('online-count').textContent = String(online);
    byId('offline-count').textContent = String(offline);
    byId('offline-section').hidden = offline === 0;
    byId('member-count').textContent = String(online + offline);
    const { dataset } = this.#button;
    if (dataset.other) this.#button.ariaLabel = pluralize(dataset, online + offline);
  }
}
