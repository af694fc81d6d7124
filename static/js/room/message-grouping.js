// How a message looks where it stands: what it shares with the one before it, and what only its reader sees.
import { query, queryAll } from '../core/dom.js';
import { dayLabel, localDay, localizeMessage, timeOf } from '../core/local-time.js';

const GROUP_WITHIN = 5 * 60_000;

/**
 * Updates whether a message continues the previous one, and whether a day starts with it. A pending message starts
 * none: the server decides on its time.
 * @param {MessageElement} article
 * @param {MessageElement | null} previous
 * @param {boolean} isPending
 */
export function groupMessage(article, previous, isPending) {
  const isSameDay = previous !== null && localDay(timeOf(previous)) === localDay(timeOf(article));
  const isContinuation =
    isSameDay &&
    previous.dataset.author === article.dataset.author &&
    Math.abs(timeOf(article) - timeOf(previous)) < GROUP_WITHIN;
  article.classList.toggle('message--continued', isContinuation);
  const divider = siblingBefore(article, '.unread-divider');
  const heading = siblingBefore(divider ?? article, '.day-divider');
  if (isSameDay || isPending) heading?.remove();
  else labelHeading(heading ?? insertHeading(divider ?? article), localDay(timeOf(article)));
}

/**
 * "Today" has become "Yesterday".
 * @param {HTMLElement} list
 */
export function refreshDayLabels(list) {
  for (const heading of list.querySelectorAll('.day-divider')) labelHeading(heading);
}

/**
 * @param {Element} element
 * @param {string} selector
 */
function siblingBefore({ previousElementSibling: sibling }, selector) {
  return sibling?.matches(selector) ? sibling : null;
}

/** @param {Element} element */
function insertHeading(element) {
  const heading = document.createElement('h2');
  heading.className = 'day-divider';
  heading.append(document.createElement('time'));
  element.before(heading);
  return heading;
}

/**
 * @param {Element} heading
 * @param {string} [day] as YYYY-MM-DD
 */
function labelHeading(heading, day) {
  /** @type {HTMLTimeElement} */
  const time = query(heading, 'time');
  time.dateTime = day ?? time.dateTime;
  time.textContent = dayLabel(time.dateTime);
}

// The server renders a message the same for all readers. This adds what depends on the viewer: times in the local zone,
// their own reactions, and a single tab stop for the whole log.

const TAB_STOPS = `.message__profile, .message__link, .message__edited, a.mention, a.quote, .reaction, .thread-line,
  .link-preview a, .message-actions button, .code-block button, .message__body :is(pre, .table),
  .attachments :is(a, video, audio)`;

/**
 * @param {MessageElement} article
 * @param {string} me
 * @param {boolean} isAlone no day divider stands above it
 */
export function decorateForViewer(article, me, isAlone) {
  localizeMessage(article, isAlone);
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
