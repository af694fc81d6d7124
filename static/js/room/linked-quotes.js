// What a message says that another one links to. It needs a script: the HTML of a message is the same for all viewers,
// and only this one may be able to read what the link leads to. Without access the link stays as it is. Loaded with the
// first such link.
import { queryAll } from '../core/dom.js';
import { fetchPage, parseHtml } from '../core/http.js';

const MAX_QUOTES = 3;
const PATH = /^\/messages\/(\d+)(?:\/context)?$/;

/**
 * The id of the message that a link leads to: `/messages/9`, `/messages/9/context`, `/rooms/1#m9`.
 * @param {HTMLAnchorElement} link
 */
function linkedId({ origin, pathname, hash }) {
  if (origin !== location.origin) return null;
  const inRoom = /^\/rooms\/\d+$/.test(pathname) ? /^#m(\d+)$/.exec(hash) : null;
  return (PATH.exec(pathname) ?? inRoom)?.[1] ?? null;
}

/**
 * @param {string} id
 * @param {AbortSignal} signal
 */
async function fetchQuote(id, signal) {
  const answer = await fetchPage(`/messages/${id}/quote`, { signal });
  if (!answer?.ok || answer.redirected) return null;
  return /** @type {HTMLElement | null} */ (parseHtml(await answer.text()).querySelector('.quote'));
}

/**
 * @param {HTMLElement} article
 * @param {(change: () => void) => void} update runs a change of the message without moving what is read
 * @param {AbortSignal} signal
 */
export async function quoteLinks(article, update, signal) {
  const body = article.querySelector('.message__body');
  if (!body) return;
  const links = /** @type {HTMLAnchorElement[]} */ (queryAll(body, 'a[href]'));
  const own = links.filter((link) => !link.closest('blockquote'));
  const ids = [...new Set(own.map(linkedId))].filter((id) => id !== null).slice(0, MAX_QUOTES);
  const quotes = await Promise.all(ids.map((id) => fetchQuote(id, signal)));
  const found = quotes.filter((quote) => quote !== null);
  if (signal.aborted || found.length === 0) return;
  // As all controls of a message, they are tab stops while it has the focus.
  for (const quote of found) quote.tabIndex = article.matches(':focus-within') ? 0 : -1;
  update(() => body.after(...found));
}
