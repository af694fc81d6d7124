// Sidebar and member list are drawers only on screens that have no column for them: an open drawer closes when its
// column appears, and before the page goes into the back/forward cache.
import { byId } from '../core/dom.js';

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
