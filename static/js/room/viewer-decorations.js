// What a reader's browser adds to a message that the server wrote the same for everybody: times in the own zone, the own reactions, and one stop for Tab in the whole log.
import { localiseTime } from '../core/local-time.js';

const STOPS = '.msg__link, .mention, .react, .acts button';

export function personalise(article, me) {
  localiseTime(article);
  for (const chip of article.querySelectorAll('.react'))
    chip.ariaPressed = String(chip.dataset.users.split(' ').includes(me));
  setStops(article, false);
}

/** Whether Tab stops at what can be done in a message; it does in the one message that has the focus. */
export function setStops(article, on) {
  for (const stop of article.querySelectorAll(STOPS)) stop.tabIndex = on ? 0 : -1;
}
