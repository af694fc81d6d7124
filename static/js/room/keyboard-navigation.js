// The keyboard in a room: arrow keys move from message to message in the log, Escape goes back to the composer.
import { closestTo, hasModifier, queryAll } from '../core/dom.js';
import { setTabStops } from './message-grouping.js';

const KEYS = ['ArrowUp', 'ArrowDown', 'Home', 'End'];

/** @param {{ log: HTMLElement, field: HTMLTextAreaElement, scrollToEnd: () => void }} options */
export function startKeyboardNavigation({ log, field, scrollToEnd }) {
  /**
   * @param {string} key
   * @param {Element | null} from
   */
  function target(key, from) {
    const articles = queryAll(log, '.message');
    const index = articles.indexOf(/** @type {HTMLElement} */ (from));
    if (key === 'Home') return articles[0];
    if (key === 'End' || index < 0) return articles.at(-1);
    return articles[index + (key === 'ArrowUp' ? -1 : 1)];
  }

  // Roving tab index: only the message that had the focus last is in the tab order.
  log.addEventListener('focusin', (event) => {
    const article = closestTo(event, '.message');
    if (!article) return;
    for (const other of queryAll(log, '.message[tabindex="0"]')) {
      other.tabIndex = -1;
      setTabStops(other, false);
    }
    article.tabIndex = 0;
    setTabStops(article, true);
  });
  log.addEventListener('focusout', (event) => {
    const article = closestTo(event, '.message');
    const isInside = article?.contains(/** @type {Node | null} */ (event.relatedTarget));
    if (article && !isInside) setTabStops(article, false);
  });

  log.addEventListener('keydown', (event) => {
    if (hasModifier(event) || !KEYS.includes(event.key) || closestTo(event, 'video, audio')) return;
    event.preventDefault();
    target(event.key, closestTo(event, '.message') ?? log.querySelector('.message[tabindex="0"]'))?.focus();
  });

  /** @param {KeyboardEvent} event */
  function onEscape(event) {
    if (event.key !== 'Escape' || event.isComposing) return;
    scrollToEnd();
    field.focus();
  }
  log.addEventListener('keydown', onEscape);
  field.addEventListener('keydown', onEscape);
}
