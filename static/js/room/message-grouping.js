// Groups messages that follow each other: a heading before each day, and the author's name only above the first of
// several messages in a row.
import { query } from '../core/dom.js';
import { dayLabel, localDay } from '../core/local-time.js';

const GROUP_WITHIN = 5 * 60_000;

/** @param {MessageElement} article */
const timeOf = (article) => Number(article.dataset.at);

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
