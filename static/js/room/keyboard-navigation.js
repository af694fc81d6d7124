// The keyboard in a room: from message to message in the log, back to the field with Escape.
import { setStops } from './viewer-decorations.js';

export function startKeys({ log, composer, toEnd }) {
  function step(key, from) {
    const all = Array.from(log.querySelectorAll('.msg'));
    const here = all.indexOf(from);
    if (key === 'Home') return all[0];
    if (key === 'End' || here < 0) return all.at(-1);
    return all[here + (key === 'ArrowUp' ? -1 : 1)];
  }

  // One message is in the tab order: the one that had the focus last.
  log.addEventListener('focusin', (event) => {
    const article = event.target.closest('.msg');
    if (!article) return;
    for (const other of log.querySelectorAll('.msg[tabindex="0"]')) {
      other.tabIndex = -1;
      setStops(other, false);
    }
    article.tabIndex = 0;
    setStops(article, true);
  });
  log.addEventListener('focusout', (event) => {
    const article = event.target.closest('.msg');
    if (article && !article.contains(event.relatedTarget)) setStops(article, false);
  });

  log.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if (!['ArrowUp', 'ArrowDown', 'Home', 'End'].includes(event.key)) return;
    event.preventDefault();
    step(event.key, event.target.closest('.msg') ?? log.querySelector('.msg[tabindex="0"]'))?.focus();
  });

  function home(event) {
    if (event.key !== 'Escape' || event.isComposing) return;
    toEnd();
    composer.focus();
  }
  log.addEventListener('keydown', home);
  composer.addEventListener('keydown', home);
}
