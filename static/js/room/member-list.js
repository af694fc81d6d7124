// The members of the room: who is online, in which of the two lists, in which order, and how many.
import { byId, query, queryAll } from '../core/dom.js';
import { parseHtml } from '../core/html-fragment.js';
import { pluralize } from '../core/i18n.js';

export function createMemberList() {
  const online = byId('online');
  const offline = byId('offline');
  const button = query(document, '.people');

  /**
   * @param {number} user
   * @returns {MemberElement | null}
   */
  const rowOf = (user) => document.querySelector(`.member[data-user="${Number(user)}"]`);

  /**
   * @param {MemberElement} row
   * @param {boolean} isOnline
   */
  function insert(row, isOnline) {
    const list = isOnline ? online : offline;
    query(row, '.presence').classList.toggle('presence--off', !isOnline);
    if (row.parentElement === list) return;
    const others = /** @type {MemberElement[]} */ (Array.from(list.children));
    const next = others.find((other) => other.dataset.sort > row.dataset.sort);
    list.insertBefore(row, next ?? null);
  }

  function updateCounts() {
    const onlineCount = online.children.length;
    const offlineCount = offline.children.length;
    const total = onlineCount + offlineCount;
    byId('online-count').textContent = String(onlineCount);
    byId('offline-count').textContent = String(offlineCount);
    byId('offline-section').hidden = offlineCount === 0;
    byId('member-count').textContent = String(total);
    if (button.dataset.other) button.ariaLabel = pluralize(button.dataset, total);
  }

  return {
    /**
     * Nobody else is online.
     * @param {Set<number>} users
     */
    setOnline(users) {
      /** @type {MemberElement[]} */
      const rows = queryAll(document, '.member');
      for (const row of rows) insert(row, users.has(Number(row.dataset.user)));
      updateCounts();
    },

    /**
     * @param {number} user
     * @param {boolean} isOnline
     */
    setPresence(user, isOnline) {
      const row = rowOf(user);
      if (!row) return;
      insert(row, isOnline);
      updateCounts();
    },

    /** @param {MemberFrame} frame */
    updateMember({ user, joined, html }) {
      const row = rowOf(user.id);
      if (!joined) row?.remove();
      else if (!row && html) {
        /** @type {MemberElement} */
        const added = query(parseHtml(html), '.member');
        insert(added, !added.querySelector('.presence--off'));
      }
      updateCounts();
    },
  };
}
