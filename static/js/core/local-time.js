// The server writes times in UTC; here they become the user's own: clock times, dates and the names of days.
import { query, queryAll } from './dom.js';
import { locale } from './i18n.js';

const DAY = 86_400_000; // ms
const CHECK_EVERY = 20_000;

const clockFormat = new Intl.DateTimeFormat(locale, { timeStyle: 'short' });
const fullFormat = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'short' });
const weekdayFormat = new Intl.DateTimeFormat(locale, { weekday: 'short', hour: 'numeric', minute: 'numeric' });
const dateFormat = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
const dateWithYearFormat = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' });
const shortFormat = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
const relativeFormat = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
const dayFormat = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' });
const dayWithYearFormat = new Intl.DateTimeFormat(locale, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
});

/** @param {number} n */
const twoDigits = (n) => String(n).padStart(2, '0');
/** @param {string} text */
const capitalize = (text) => text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);

/**
 * The local day of a timestamp, as YYYY-MM-DD.
 * @param {number} timestamp
 */
export function localDay(timestamp) {
  const date = new Date(timestamp);
  return `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())}`;
}

/**
 * "Today", "Yesterday" or the date.
 * @param {string} day as YYYY-MM-DD
 */
export function dayLabel(day) {
  const date = new Date(`${day}T12:00`);
  const today = new Date(`${localDay(Date.now())}T12:00`);
  const days = Math.round((date.getTime() - today.getTime()) / DAY);
  if (days === 0 || days === -1) return capitalize(relativeFormat.format(days, 'day'));
  return capitalize((date.getFullYear() === today.getFullYear() ? dayFormat : dayWithYearFormat).format(date));
}

/**
 * When a message was stored, in ms. A pending one has no time.
 * @param {MessageElement} article
 */
export function timeOf(article) {
  const time = /** @type {HTMLTimeElement | null} */ (article.querySelector('.message__time'));
  return time ? Date.parse(time.dateTime) : NaN;
}

/**
 * @param {MessageElement} article
 * @param {boolean} isAlone no day divider stands above it
 */
export function localizeMessage(article, isAlone) {
  const time = query(article, '.message__time');
  const date = new Date(timeOf(article));
  time.textContent = isAlone ? clockOrDate(date) : clockFormat.format(date);
  time.title = fullFormat.format(date);
  const edited = /** @type {HTMLTimeElement | null} */ (article.querySelector('.message__edited time'));
  if (edited) edited.title = fullFormat.format(new Date(edited.dateTime));
  localizeReplies(article);
}

/**
 * When the last replies in threads were written.
 * @param {ParentNode} part
 */
function localizeReplies(part) {
  for (const time of /** @type {HTMLTimeElement[]} */ (queryAll(part, '.thread-line time'))) {
    const at = new Date(time.dateTime);
    time.textContent = clockOrDate(at);
    time.title = fullFormat.format(at);
  }
}

/**
 * The time of day, after the date if that is not today.
 * @param {Date} at
 */
function clockOrDate(at) {
  return (localDay(at.getTime()) === localDay(Date.now()) ? clockFormat : shortFormat).format(at);
}

/**
 * The shortest words for a time in a list: the clock today, then the day of the week, then the date.
 * @param {Date} at
 */
function listTime(at) {
  const midnight = new Date(`${localDay(Date.now())}T00:00`).getTime();
  if (at.getTime() >= midnight) return clockFormat.format(at);
  if (at.getTime() >= midnight - 6 * DAY) return weekdayFormat.format(at);
  const isThisYear = at.getFullYear() === new Date(midnight).getFullYear();
  return (isThisYear ? dateFormat : dateWithYearFormat).format(at);
}

/**
 * The times on a page other than a room, or on a part of one: single messages and search results.
 * @param {ParentNode} page
 */
export function localizePage(page) {
  for (const article of /** @type {MessageElement[]} */ (queryAll(page, '.message'))) localizeMessage(article, true);
  for (const time of /** @type {HTMLTimeElement[]} */ (queryAll(page, '.result__link time'))) {
    const at = new Date(time.dateTime);
    time.textContent = listTime(at);
    time.title = fullFormat.format(at);
  }
  localizeReplies(page);
}

/**
 * Calls back when the local day has changed, also after sleep over midnight or a change of the clock: within seconds,
 * and immediately when the page becomes visible.
 * @param {() => void} onNewDay
 * @param {AbortSignal} signal
 */
export function watchDay(onNewDay, signal) {
  let today = localDay(Date.now());

  function check() {
    if (localDay(Date.now()) === today) return;
    today = localDay(Date.now());
    onNewDay();
  }

  const timer = setInterval(check, CHECK_EVERY);
  signal.addEventListener('abort', () => clearInterval(timer));
  document.addEventListener('visibilitychange', check, { signal });
  for (const event of ['focus', 'pageshow']) addEventListener(event, check, { signal });
}

// Tells the server the browser's time zone, so that days in search are the user's own. A zone that was chosen stays.
// A cookie remembers that the server knows.

/** @param {string} userId */
export async function suggestTimeZone(userId) {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const name = location.port ? `patio_zone_${location.port}` : 'patio_zone';
  const cookie = `${name}=${userId}.${timeZone}`;
  if (!timeZone || document.cookie.split('; ').includes(cookie)) return;
  const body = new URLSearchParams({ time_zone: timeZone, suggested: '1' });
  const response = await fetch('/settings/time-zone', { method: 'POST', body }).catch(() => null);
  if (!response?.ok && response?.status !== 422) return;
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing on plain HTTP
  document.cookie = `${cookie}; path=/; max-age=31536000; samesite=lax`;
}
