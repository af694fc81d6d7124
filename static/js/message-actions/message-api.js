// Changes of messages. Each is a form of the message's own page; the response is that page again, with the message in
// its new state.
import { parseHtml } from '../core/html-fragment.js';
import { errorMessage, isPatioPage, isSignedOut } from '../core/page-response.js';

const DEFAULT_TIMEOUT = 15_000;
const timeout = () => Number(document.getElementById('app')?.dataset.patience ?? DEFAULT_TIMEOUT);

/** `message` is the server's reason; empty if there was no answer. */
export class RequestError extends Error {}

/** The session has ended. */
export class SignedOutError extends RequestError {}

/**
 * @param {string} address
 * @param {RequestInit} [init]
 */
async function fetchPage(address, init) {
  let response;
  let page;
  try {
    response = await fetch(address, { ...init, signal: AbortSignal.timeout(timeout()) });
    page = parseHtml(await response.text());
  } catch {
    throw new RequestError('');
  }
  if (!isPatioPage(page)) throw new RequestError('');
  if (isSignedOut(response)) throw new SignedOutError('');
  if (!response.ok) throw new RequestError(errorMessage(page));
  return page;
}

/**
 * Submits a form of the message's page and returns the message in its new state. Without one it throws: callers delete
 * the typed text only once the change is known to be stored.
 * @param {string} id
 * @param {'edit' | 'delete' | 'reactions'} action
 * @param {Record<string, string>} fields
 */
export async function submitMessageForm(id, action, fields) {
  const page = await fetchPage(`/messages/${Number(id)}/${action}`, {
    method: 'POST',
    body: new URLSearchParams(fields),
    keepalive: action === 'delete', // is sent even while the page is being left
  });
  const article = /** @type {MessageElement | null} */ (page.querySelector(`#m${Number(id)}`));
  if (!article) throw new RequestError('');
  return article;
}

/**
 * The form to edit a message, with its source text.
 * @param {string} id
 */
export async function fetchEditForm(id) {
  const page = await fetchPage(`/messages/${Number(id)}`);
  const form = /** @type {BodyForm | null} */ (page.querySelector('.edit-form'));
  if (!form) throw new RequestError('');
  return form;
}
