// Changes messages on the server, by the forms that their own pages have; a deletion waits for an undo first.
import { byId, cloneTemplate, query } from '../core/dom.js';
import { errorMessage, isPatioPage, isSignedOut, parseHtml } from '../core/http.js';

const DEFAULT_TIMEOUT = 15_000;
const timeout = () => Number(document.getElementById('app')?.dataset.patience ?? DEFAULT_TIMEOUT);

/** `message` is the server's reason; empty if there was no answer. */
class RequestError extends Error {}

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
 * @param {'edit' | 'delete' | 'reactions' | 'pin' | 'unpin' | 'unread' | 'saved'} action
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
 * The message's own page.
 * @param {string} id
 */
export const fetchMessagePage = (id) => fetchPage(`/messages/${Number(id)}`);

/**
 * The form to edit a message, with its source text.
 * @param {string} id
 */
export async function fetchEditForm(id) {
  const page = await fetchMessagePage(id);
  const form = /** @type {BodyForm | null} */ (page.querySelector('.edit-form'));
  if (!form) throw new RequestError('');
  return form;
}

// Deletes a message after a few seconds, during which the user can undo it; afterwards it is final.

const UNDO_WITHIN = 10_000;

/** @param {import('./toolbar.js').MessageActionContext} context */
export function createMessageDeleter({ messageList, updateBelow, showMessage, showError, announce, signal }) {
  /** @type {HTMLTemplateElement} */
  const template = byId('deleting');
  /** @type {Map<MessageElement, number>} */
  const timers = new Map();

  /** @param {MessageElement} article */
  function start(article) {
    if (timers.has(article)) return;
    const note = cloneTemplate(template);
    messageList.freeze(article);
    updateBelow(() => {
      article.classList.add('message--deleting');
      query(article, '.message__main').append(note);
    });
    const undoButton = query(note, 'button');
    undoButton.addEventListener('click', () => {
      cancel(article);
      document.getElementById(article.id)?.focus({ preventScroll: true });
    });
    undoButton.focus();
    announce(query(note, '.note__text').textContent);
    timers.set(
      article,
      setTimeout(() => send(article), UNDO_WITHIN),
    );
  }

  /** @param {MessageElement} article */
  function cancel(article) {
    clearTimeout(timers.get(article));
    timers.delete(article);
    const note = query(article, '.note');
    const hadFocus = note.contains(document.activeElement);
    updateBelow(() => {
      article.classList.remove('message--deleting');
      note.remove();
      messageList.unfreeze(article);
    });
    if (hadFocus) document.getElementById(article.id)?.focus({ preventScroll: true });
  }

  /** @param {MessageElement} article */
  async function send(article) {
    cancel(article);
    try {
      showMessage(await submitMessageForm(article.dataset.id, 'delete', {}));
    } catch (error) {
      showError(error);
    }
  }

  // Leaving the page or the room confirms.
  function sendAll() {
    for (const article of timers.keys()) send(article);
  }
  addEventListener('pagehide', sendAll, { signal });
  signal.addEventListener('abort', sendAll);
  return { start };
}
