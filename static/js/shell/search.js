// Search: Ctrl+Shift+F (⇧⌘F on a Mac) leads to it; on its page, results are updated as the user types.
import { byId, query } from '../core/dom.js';
import { parseHtml } from '../core/html-fragment.js';
import { localizePage } from '../core/local-time.js';
import { isPatioPage } from '../core/page-response.js';

const DEBOUNCE = 250;
const RETRY_DELAY = 2_000;
const TIMEOUT = 10_000;
const TIMED_OUT = 'timeout';
const IS_MAC = /^(?:Mac|iP)/.test(navigator.platform);
/** @param {KeyboardEvent} event */
const isShortcut = ({ key, ctrlKey, metaKey, shiftKey, altKey }) =>
  key.toLowerCase() === 'f' && shiftKey && !altKey && ctrlKey !== IS_MAC && metaKey === IS_MAC;

/** @param {(isWaiting: boolean) => void} showWaiting */
export function startSearch(showWaiting) {
  const form = /** @type {HTMLFormElement | null} */ (document.getElementById('search'));
  const field = /** @type {HTMLInputElement | undefined} */ (form?.elements.namedItem('q'));
  const link = document.getElementById('to-search');
  if (!link) return;
  link.setAttribute('aria-keyshortcuts', IS_MAC ? 'Shift+Meta+F' : 'Control+Shift+F');

  addEventListener('keydown', (event) => {
    if (!isShortcut(event)) return;
    event.preventDefault();
    if (field) {
      field.focus();
      field.select();
    } else link.click();
  });

  if (field) searchWhileTyping(field, showWaiting);
}

/**
 * @param {DocumentFragment} page
 * @param {boolean} isSearch
 */
function showResults(page, isSearch) {
  const results = query(page, '#results');
  localizePage(results);
  byId('results').replaceWith(results);
  byId('search-said').textContent = isSearch ? (results.dataset.said ?? '') : '';
  document.title = query(page, 'title').textContent;
}

/**
 * @param {HTMLInputElement} field
 * @param {(isWaiting: boolean) => void} showWaiting
 */
function searchWhileTyping(field, showWaiting) {
  let timer = 0;
  /** @type {AbortController | null} */
  let running = null;
  let shownTerm = field.value.trim();

  async function search() {
    const term = field.value.trim();
    if (term === shownTerm) return;
    const request = new AbortController();
    running = request;
    const timeout = setTimeout(() => request.abort(TIMED_OUT), TIMEOUT);
    const address = term ? `/search?${new URLSearchParams({ q: term })}` : '/search';
    try {
      const response = await fetch(address, { signal: request.signal });
      const page = parseHtml(await response.text());
      if (!isPatioPage(page)) throw new Error(`${response.status} of a proxy`);
      showWaiting(false);
      if (!response.ok || response.redirected) return; // submitting the form shows what is wrong
      showResults(page, term !== '');
      history.replaceState(history.state, '', address);
      shownTerm = term;
    } catch {
      if (request.signal.aborted && request.signal.reason !== TIMED_OUT) return; // the user has typed on
      showWaiting(true);
      timer = setTimeout(search, RETRY_DELAY);
    } finally {
      clearTimeout(timeout);
    }
  }

  function searchSoon() {
    clearTimeout(timer);
    timer = setTimeout(search, DEBOUNCE);
  }

  field.addEventListener('input', (event) => {
    running?.abort();
    clearTimeout(timer);
    if (!(/** @type {InputEvent} */ (event).isComposing)) searchSoon();
  });
  field.addEventListener('compositionend', searchSoon);
}
