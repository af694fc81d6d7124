// A list on screen that the connection keeps current: saved messages, drafts. It is asked for again when something in it
// has changed, here or on another device.
import { query } from '../core/dom.js';
import { fetchPage, parseHtml } from '../core/http.js';
import { localizePage } from '../core/local-time.js';

const DELAY = 200; // ms, for changes that come together

let timer = 0;

/**
 * Something in this list has changed.
 * @param {'saved' | 'draft'} kind
 */
export function followList(kind) {
  const selector = `[data-follows="${kind}"]`;
  if (!document.querySelector(selector)) return;
  clearTimeout(timer);
  timer = setTimeout(() => refresh(selector), DELAY);
}

/** @param {string} selector */
async function refresh(selector) {
  const address = location.href;
  const { signal } = new AbortController();
  const answer = await fetchPage(address, { signal, headers: { 'patio-sidebar': 'live' } });
  const list = document.querySelector(selector);
  if (!answer?.ok || !list || location.href !== address) return;
  const next = query(parseHtml(await answer.text()), selector);
  if (!next) return;
  localizePage(next);
  const focused = document.activeElement;
  const row = list.contains(focused) ? focused?.closest('[id]')?.id : undefined;
  list.replaceChildren(...next.children);
  if (row === undefined) return;
  const target = document.getElementById(row)?.querySelector('button') ?? document.querySelector('.main h1');
  /** @type {HTMLElement | null} */ (target)?.focus();
}
