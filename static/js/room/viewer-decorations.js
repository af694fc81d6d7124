// The server renders a message the same for all readers. This adds what depends on the viewer: times in the local zone,
// their own reactions, and a single tab stop for the whole log.
import { queryAll } from '../core/dom.js';
import { localizeMessage } from '../core/local-time.js';

const TAB_STOPS = '.message__link, .mention, .reaction, .message-actions button';

/**
 * @param {MessageElement} article
 * @param {string} me
 */
export function decorateForViewer(article, me) {
  localizeMessage(article);
  for (const reaction of queryAll(article, '.reaction')) {
    const users = (reaction.dataset.users ?? '').split(' ');
    reaction.ariaPressed = String(users.includes(me));
  }
  setTabStops(article, false);
}

/**
 * Only the controls of the message with the focus are tab stops.
 * @param {HTMLElement} article
 * @param {boolean} isOn
 */
export function setTabStops(article, isOn) {
  for (const control of queryAll(article, TAB_STOPS)) control.tabIndex = isOn ? 0 : -1;
}
