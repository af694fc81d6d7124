// Signing out with the button that every page has. It deletes unsent text, so it counts from the moment its form is
// submitted, and only until the user does something else instead of waiting for the answer.
import { cancelSigningOut, markSigningOut } from '../outbox/storage.js';

let isSigningOut = false;
/**
 * What was put off during it.
 * @type {(() => void) | null}
 */
let deferred = null;

/** A user who does something else stays signed in, even if the answer never came. */
function stay() {
  isSigningOut = false;
  cancelSigningOut();
  deferred?.();
  deferred = null;
}

/**
 * Only the answer to the form deletes the session cookie: a navigation would abort it, and has to wait for it.
 * @param {() => void} navigate
 */
export function afterSignOut(navigate) {
  if (isSigningOut) deferred = navigate;
  else navigate();
}

/** To be started after everything that may prevent the submission of a form. */
export function startSignOut() {
  stay(); // the user is signed in, or signing out has failed
  document.addEventListener('submit', ({ target, defaultPrevented }) => {
    const form = /** @type {HTMLFormElement} */ (target);
    if (defaultPrevented || !form.matches('form[action="/logout"]')) return;
    isSigningOut = true;
    markSigningOut();
  });
  for (const type of ['pageshow', 'input']) {
    addEventListener(type, () => {
      if (isSigningOut) stay();
    });
  }
}
