// How messages read one after the other: a line before each day, and one name over what one author says in a row.
import { dayOf, nameOfDay } from '../core/local-time.js';

const RUN = 5 * 60_000; // within this time the same author's next message needs no name

const at = (article) => Number(article.dataset.at);

/** Says anew whether a message continues the one `before` it, if there is one, and whether a day begins with it. What `waits` begins none: its day is the server's to say. */
export function layOut(article, before, waits) {
  const sameDay = before !== null && dayOf(at(before)) === dayOf(at(article));
  const continues =
    sameDay && before.dataset.author === article.dataset.author && Math.abs(at(article) - at(before)) < RUN;
  article.classList.toggle('msg--cont', continues);
  const first = article.previousElementSibling?.matches('.new') ? article.previousElementSibling : article;
  const line = first.previousElementSibling?.matches('.day') ? first.previousElementSibling : null;
  if (sameDay || waits) line?.remove();
  else label(line ?? newLine(first), dayOf(at(article)));
}

/** The day is another one: "Today" has become "Yesterday". */
export function nameDays(list) {
  for (const line of list.querySelectorAll('.day')) label(line);
}

function newLine(element) {
  const line = document.createElement('h2');
  line.className = 'day';
  line.append(document.createElement('time'));
  element.before(line);
  return line;
}

function label(line, day = line.firstElementChild.dateTime) {
  line.firstElementChild.dateTime = day;
  line.firstElementChild.textContent = nameOfDay(day);
}
