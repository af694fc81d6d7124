// Sidebar and people are drawers only where they have no column: an open one closes when its column appears, and before the page is kept for later.
const COLUMN_FROM = { side: '(width >= 45em)', people: '(width >= 90em)' };

export function startDrawers() {
  for (const [id, query] of Object.entries(COLUMN_FROM)) {
    matchMedia(query).addEventListener('change', () => closeDrawer(id));
    addEventListener('pagehide', () => closeDrawer(id));
  }
}

export function closeDrawer(id) {
  document.getElementById(id)?.hidePopover();
}
