// Says above the composer that the room on screen was deleted or its user removed, also on the page that comes next.
import { byId, query } from '../core/dom.js';

const KEY = 'patio:notice';
const notice = () => byId('notice');

/**
 * @param {string} text
 * @param {import('./announcer.js').Announcer} announcer
 */
function show(text, announcer) {
  query(notice(), 'p').textContent = text;
  notice().hidden = false;
  announcer.announce(text);
}

/**
 * @param {string} reason as the server names it; a user who left needs no notice
 * @param {string} roomName
 * @param {import('./announcer.js').Announcer} announcer
 */
export function showRoomClosed(reason, roomName, announcer) {
  const { removed, deleted } = notice().dataset;
  const text = reason === 'removed' ? removed : reason === 'deleted' && deleted;
  if (text)
    show(
      text.replace('{name}', () => roomName),
      announcer,
    );
}

/** Stores the notice for the page that comes next. If the browser stores nothing, it is lost. */
export function carryNotice() {
  if (notice().hidden) return;
  try {
    sessionStorage.setItem(KEY, query(notice(), 'p').textContent);
  } catch {}
}

/** @param {import('./announcer.js').Announcer} announcer */
export function showCarriedNotice(announcer) {
  try {
    const text = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    if (text) show(text, announcer);
  } catch {}
}
