// The server writes times in UTC; here they become the reader's own: clock times, dates and the names of days.
import { locale } from './i18n.js';

const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'short' });
const full = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'short' });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
const sameYear = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' });
const otherYear = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

const pad = (n) => String(n).padStart(2, '0');
const capital = (text) => text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);

/** The local day of a moment, as YYYY-MM-DD. */
export function dayOf(moment) {
  const date = new Date(moment);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** "Today", "Yesterday" or the date of a YYYY-MM-DD. */
export function nameOfDay(day) {
  const date = new Date(`${day}T12:00`);
  const today = new Date(`${dayOf(Date.now())}T12:00`);
  const away = Math.round((date - today) / 86_400_000);
  if (away === 0 || away === -1) return capital(relative.format(away, 'day'));
  return capital((date.getFullYear() === today.getFullYear() ? sameYear : otherYear).format(date));
}

export function localiseTime(article) {
  const time = article.querySelector('.msg__time');
  const date = new Date(Number(article.dataset.at));
  time.textContent = clock.format(date);
  time.title = full.format(date);
  const edited = article.querySelector('.msg__edited time');
  if (edited) edited.title = full.format(new Date(edited.dateTime));
}

/** A page beside the chat, or a part of one: messages that stand alone, and what a search found. */
export function localisePage(page) {
  for (const article of page.querySelectorAll('.msg')) localiseTime(article);
  for (const time of page.querySelectorAll('.result__link time'))
    time.textContent = full.format(new Date(time.dateTime));
}

/** Calls `then` when it is another day, also where the computer slept over midnight or its clock was set: soon, and at once when somebody looks. */
export function eachDay(then, signal) {
  let today = dayOf(Date.now());

  function look() {
    if (dayOf(Date.now()) === today) return;
    today = dayOf(Date.now());
    then();
  }

  const timer = setInterval(look, 20_000);
  signal.addEventListener('abort', () => clearInterval(timer));
  document.addEventListener('visibilitychange', look, { signal });
  for (const event of ['focus', 'pageshow']) addEventListener(event, look, { signal });
}
