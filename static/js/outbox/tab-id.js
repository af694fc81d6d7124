// Which tab a text belongs to. A tab keeps its id when it loads a page anew; a copy of a tab and a new one have another.
import { newNonce } from '../core/uuid.js';

const KEY = 'patio:tab';
const LOCK = 'patio:tab:';

export let tab = newNonce();

/** Only while the tab has no living page is the id in its storage, so that a duplicate of the tab does not get it. */
export function openTab() {
  take();
  let release = hold();
  addEventListener('pagehide', () => {
    release();
    try {
      sessionStorage.setItem(KEY, tab);
    } catch {}
  });
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    take();
    release = hold();
  });
}

function take() {
  try {
    tab = sessionStorage.getItem(KEY) ?? tab;
    sessionStorage.removeItem(KEY);
  } catch {}
}

/** The browser ends the lock with the page, however that ends. */
function hold() {
  let release = () => {};
  navigator.locks
    ?.request(
      LOCK + tab,
      () =>
        new Promise((done) => {
          release = done;
        }),
    )
    .catch(() => {});
  return () => release();
}

/** The tabs that are alive; null where the browser does not say (it does on HTTPS and on this machine). */
export async function livingTabs() {
  try {
    const { held } = await navigator.locks.query();
    return new Set(held.filter(({ name }) => name.startsWith(LOCK)).map(({ name }) => name.slice(LOCK.length)));
  } catch {
    return null;
  }
}
