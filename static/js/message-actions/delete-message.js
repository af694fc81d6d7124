// Deleting a message: it goes in a few seconds, and until then one can take it back, since afterwards nobody can.
import { change } from './message-api.js';

const TIME_TO_UNDO = 5_000;

export function createDeleting({ timeline, keep, show, tell, signal }) {
  const template = document.getElementById('deleting');
  const waiting = new Map(); // article → timer

  function start(article) {
    if (waiting.has(article)) return;
    const note = template.content.firstElementChild.cloneNode(true);
    timeline.hold(article);
    keep(() => {
      article.classList.add('msg--deleting');
      article.querySelector('.msg__main').append(note);
    });
    const undo = note.querySelector('button');
    undo.addEventListener('click', () => {
      end(article);
      document.getElementById(article.id).focus({ preventScroll: true });
    });
    undo.focus();
    waiting.set(
      article,
      setTimeout(() => send(article), TIME_TO_UNDO),
    );
  }

  function end(article) {
    clearTimeout(waiting.get(article));
    waiting.delete(article);
    const focused = article.querySelector('.note').contains(document.activeElement);
    keep(() => {
      article.classList.remove('msg--deleting');
      article.querySelector('.note').remove();
      timeline.release(article);
    });
    if (focused) document.getElementById(article.id)?.focus({ preventScroll: true });
  }

  async function send(article) {
    end(article);
    try {
      show(await change(article.dataset.id, 'delete', {}));
    } catch (error) {
      tell(error);
    }
  }

  // Who leaves has made up their mind.
  const sendAll = () => {
    for (const article of waiting.keys()) send(article);
  };
  addEventListener('pagehide', sendAll, { signal });
  signal.addEventListener('abort', sendAll);
  return { start };
}
