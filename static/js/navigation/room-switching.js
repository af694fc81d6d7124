// Goes to another room by a click in the sidebar, or with Alt and the arrow keys to the one above or below.
import { closestTo, hasModifier } from '../core/dom.js';
import { closeDrawer } from '../shell/drawers.js';

/** @type {Record<string, number>} */
const STEPS = { ArrowUp: -1, ArrowDown: 1 };

/**
 * @param {object} options
 * @param {import('../shell/sidebar.js').Sidebar} options.sidebar
 * @param {import('./page-navigation.js').PageNavigation} options.navigation
 * @param {() => void} options.onStay the room asked for is on screen already
 */
export function startRoomSwitching({ sidebar, navigation, onStay }) {
  /**
   * @param {string} address
   * @param {number} room
   */
  function goTo(address, room) {
    if (navigation.isShown(address)) {
      closeDrawer('side');
      navigation.cancel();
      onStay();
      return;
    }
    navigation.goTo(address, room);
  }

  /** @param {HTMLAnchorElement} link */
  function follow(link) {
    const row = /** @type {HTMLElement} */ (link.closest('[data-room]'));
    goTo(link.href, Number(row.dataset.room));
  }

  document.addEventListener('click', (event) => {
    /** @type {HTMLAnchorElement | null} */
    const link = closestTo(event, '.sidebar .room');
    if (!link || event.button !== 0 || hasModifier(event)) return;
    event.preventDefault();
    follow(link);
  });

  addEventListener('keydown', (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !(event.key in STEPS)) return;
    const links = sidebar.links();
    const next = links[links.findIndex((link) => link.ariaCurrent) + STEPS[event.key]];
    event.preventDefault();
    if (next) follow(next);
  });
  return goTo;
}
