// The title of the tab: the unread count of all rooms, the room, the site. An installed app shows the count on its
// icon.
import { byId, query } from '../core/dom.js';

export function createDocumentTitle() {
  const site = query(document, '.brand__name').textContent;
  /** @type {number | null} */
  let unread = null;

  function update() {
    const room = byId('room-h').textContent.trim();
    document.title = `${unread ? `(${unread}) ` : ''}${room} · ${site}`;
  }

  return {
    update,
    /** @param {number} total */
    setUnread(total) {
      if (total === unread) return;
      unread = total;
      update();
      navigator.setAppBadge?.(total)?.catch(() => {}); // forbidden, or there is no icon
    },
  };
}
