// Where somebody was reading, over a page that is shown anew without their having asked for it.
const KEY = 'patio:place';

export function rememberPlace(room) {
  const place = room.isLive && room.place();
  try {
    if (place) sessionStorage.setItem(KEY, JSON.stringify({ room: room.id, ...place }));
  } catch {}
}

/** Once. */
export function rememberedPlace(room) {
  try {
    const place = JSON.parse(sessionStorage.getItem(KEY));
    sessionStorage.removeItem(KEY);
    return room.isLive && place?.room === room.id ? place : null;
  } catch {
    return null;
  }
}
