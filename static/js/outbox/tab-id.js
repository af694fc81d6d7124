// The id of this tab, to tell whose unsent text is whose. A tab keeps its id when it reloads; a duplicated tab and a
// new one get another.
import { newNonce } from '../core/uuid.js';

const KEY = 'patio:tab';
const LOCK_PREFIX = 'patio:tab:';

export let tabId = newNonce();

/** The id is in sessionStorage only while the tab has no living page, so that a duplicate of the tab doesn't get it. */
export function claimTabId() {
  restoreId();
  let release = lockId();
  addEventListener('pagehide', () => {
    release();
    try {
      sessionStorage.setItem(KEY, tabId);
    } catch {}
  });
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    restoreId();
    release = lockId();
  });
}

function restoreId() {
  try {
    tabId = sessionStorage.getItem(KEY) ?? tabId;
    sessionStorage.removeItem(KEY);
  } catch {}
}

/** Marks the tab as alive. The browser releases the lock with the page, however that ends. */
function lockId() {
  let release = () => {};
  /** @returns {Promise<void>} */
  const untilReleased = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  navigator.locks?.request(LOCK_PREFIX + tabId, untilReleased).catch(() => {});
  return () => release();
}

/** The ids of all living tabs; null where the browser has no Web Locks (it has them on HTTPS and localhost). */
export async function liveTabIds() {
  try {
    const { held = [] } = await navigator.locks.query();
    const names = held.map(({ name = '' }) => name);
    return new Set(names.filter((name) => name.startsWith(LOCK_PREFIX)).map((name) => name.slice(LOCK_PREFIX.length)));
  } catch {
    return null;
  }
}
