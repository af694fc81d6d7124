// Deletes a message after a few seconds, during which the user can undo it; afterwards it is final.
import { byId, cloneTemplate, query } from '../core/dom.js';
import { submitMessageForm } from './message-api.js';

const UNDO_WITHIN = 5_000;

/** @param {import('./toolbar.js').MessageActionContext} context */
export function createMessageDeleter({ messageList, updateBelow, showMessage, showError, signal }) {
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
