// Signing out by the button that every page has. It discards what is not sent, so it counts from the moment its form really goes, and no longer than somebody waits for the answer.
import { signOutOnPurpose, stayAfterAll } from '../outbox/storage.js';

let isLeaving = false;
let afterwards = null; // what was put off meanwhile

/** Whoever does something else stays, even if the answer was never seen. */
function stay() {
  isLeaving = false;
  stayAfterAll();
  afterwards?.();
  afterwards = null;
}

/** The answer to the form, and nothing else, takes the cookie away: until it is here, or given up, `go` has to wait. */
export function unlessLeaving(go) {
  if (isLeaving) afterwards = go;
  else go();
}

/** To be started behind what may hold a form back. */
export function startLeaving() {
  stay(); // a page that is shown to somebody signed in, or that says that signing out failed
  document.addEventListener('submit', ({ target, defaultPrevented }) => {
    if (defaultPrevented || !target.matches('form[action="/logout"]')) return;
    isLeaving = true;
    signOutOnPurpose();
  });
  for (const type of ['pageshow', 'input'])
    addEventListener(type, () => {
      if (isLeaving) stay();
    });
}
