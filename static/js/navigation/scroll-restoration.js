// Remembers where the user was reading while the page reloads without their having asked for it.

const KEY = 'patio:place';

/** @param {import('../room/room.js').Room | null} room */
export function rememberScroll(room) {
  const position = room?.isLive && room.scrollAnchor.position();
  try {
    if (position) sessionStorage.setItem(KEY, JSON.stringify({ room: room.id, ...position }));
  } catch {}
}

/**
 * Returns it once.
 * @param {import('../room/room.js').Room} room
 * @returns {ScrollPosition | null}
 */
export function takeRememberedScroll(room) {
  try {
    const position = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    sessionStorage.removeItem(KEY);
    return room.isLive && position?.room === room.id ? position : null;
  } catch {
    return null;
  }
}
