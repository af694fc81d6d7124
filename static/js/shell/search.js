// Search: Control, Shift and F (⇧⌘F on a Mac) leads to it; there results come while one types.

import { parse } from '../core/html-fragment.js';
import { localisePage } from '../core/local-time.js';
import { isOurs } from '../core/page-response.js';

const PAUSE = 250;
const AGAIN = 2_000; // where there was no answer
const PATIENCE = 10_000; // a line may go mute without a word
const LATE = 'late';
const IS_MAC = /^(?:Mac|iP)/.test(navigator.platform);
const isShortcut = ({ key, ctrlKey, metaKey, shiftKey, altKey }) =>
  key.toLowerCase() === 'f' && shiftKey && !altKey && ctrlKey !== IS_MAC && metaKey === IS_MAC;

/** `say(isWaiting)` tells that there is no answer. */
export function startSearch(say) {
  const form = document.getElementById('search');
  const field = form?.elements.q;

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

  if (form) searchWhileTyping(field, say);
}

function searchWhileTyping(field, say) {
  let timer = 0;
  let running = null;
  let shown = field.value.trim();

  async function ask() {
    const sought = field.value.trim();
    if (sought === shown) return;
    const mine = (running = new AbortController());
    const clock = setTimeout(() => mine.abort(LATE), PATIENCE);
    const address = sought ? `/search?${new URLSearchParams({ q: sought })}` : '/search';
    try {
      const answer = await fetch(address, { signal: mine.signal });
      const page = parse(await answer.text());
      if (!isOurs(page)) throw new Error(`${answer.status} of a proxy`);
      say(false);
      if (!answer.ok || answer.redirected) return; // the button asks again, and shows what is wrong
      const results = page.querySelector('#results');
      localisePage(results);
      document.getElementById('results').replaceWith(results);
      document.getElementById('search-said').textContent = sought && results.dataset.said;
      document.title = page.querySelector('title').textContent;
      history.replaceState(history.state, '', address);
      shown = sought;
    } catch {
      if (mine.signal.aborted && mine.signal.reason !== LATE) return; // typed on meanwhile
      say(true);
      timer = setTimeout(ask, AGAIN);
    } finally {
      clearTimeout(clock);
    }
  }

  field.addEventListener('input', (event) => {
    running?.abort();
    clearTimeout(timer);
    if (!event.isComposing) timer = setTimeout(ask, PAUSE);
  });
  field.addEventListener('compositionend', () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
}
