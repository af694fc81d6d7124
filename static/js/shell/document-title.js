// The title of the tab: the unread count of all rooms, the page, the site. An installed app shows the count on its icon.
import { query } from '../core/dom.js';

/**
 * @param {string} title as the server wrote it
 * @param {string | undefined} unread the count at its beginning
 */
const withoutCount = (title, unread) => {
  const count = `(${unread}) `;
  return title.startsWith(count) ? title.slice(count.length) : title;
};

/** @param {string} shownUnread the count in the title of the moment */
export function createDocumentTitle(shownUnread) {
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
