// Holds links and forms that cause a page load while the server is unreachable or a proxy answers in its place: the
// page stays and says so, and goes on once the server is back.
import { closestTo, hasModifier } from '../core/dom.js';
import { cancelSigningOut, markSigningOut } from '../outbox/storage.js';

const TIMEOUT = 5_000;
const RETRY_DELAY = 2_000;
/**
 * Forms whose submission has been allowed.
 * @type {WeakSet<HTMLFormElement>}
 */
const allowed = new WeakSet();
let latestAttempt = 0; // a later attempt replaces the one before

async function isServerUp() {
  try {
    const response = await fetch('/up', { cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT) });
    return response.ok && (await response.text()) === 'ok\n';
  } catch {
    return false;
  }
}

/** The user goes elsewhere in another way. */
export function cancelGuarded() {
  latestAttempt += 1;
}

/** Whether the server has to be asked first: without a connection, a page doesn't know whether it is up. */
function isDoubtful() {
  const app = document.getElementById('app');
  return !app || app.dataset.line === 'away';
}

/** @param {HTMLAnchorElement} link */
function causesPageLoad(link) {
  const isSamePage = link.pathname === location.pathname && link.search === location.search;
  if (link.hash && isSamePage) return false;
  return link.origin === location.origin && !link.target && !link.hasAttribute('download');
}

/**
 * Waits until the server answers; false if it isn't wanted any more.
 * @param {(isWaiting: boolean) => void} showWaiting
 * @param {() => boolean} isWanted
 */
async function waitForServer(showWaiting, isWanted) {
  while (!(await isServerUp())) {
    if (!isWanted()) return false;
    showWaiting(true);
    await new Promise((resolve) => {
      setTimeout(resolve, RETRY_DELAY);
    });
    if (!isWanted()) return false;
  }
  if (!isWanted()) return false;
  showWaiting(false);
  return true;
}

/**
 * For a form that is sent without a page load: it waits whatever else the user does. Asks only where there is doubt.
 * @param {(isWaiting: boolean) => void} showWaiting
 */
export async function reachServer(showWaiting) {
  if (isDoubtful()) await waitForServer(showWaiting, () => true);
}

/**
 * @param {() => void} proceed
 * @param {(isWaiting: boolean) => void} showWaiting
 */
async function whenServerIsUp(proceed, showWaiting) {
  latestAttempt += 1;
  const attempt = latestAttempt;
  if (await waitForServer(showWaiting, () => attempt === latestAttempt)) proceed();
}

/** @param {(isWaiting: boolean) => void} showWaiting */
export function startNavigationGuard(showWaiting) {
  document.addEventListener('click', (event) => {
    /** @type {HTMLAnchorElement | null} */
    const link = closestTo(event, 'a[href]');
    if (!link || event.defaultPrevented || event.button !== 0 || hasModifier(event)) return;
    if (!isDoubtful() || !causesPageLoad(link)) return;
    event.preventDefault();
    whenServerIsUp(() => location.assign(link.href), showWaiting);
  });

  /** A user who goes on writing while a sign-out waits has changed their mind: signing out would delete the text. */
  function cancelOnInput() {
    const attempt = latestAttempt;
    addEventListener(
      'input',
      () => {
        if (attempt !== latestAttempt) return;
        cancelGuarded();
        showWaiting(false);
      },
      { once: true },
    );
  }

  document.addEventListener('submit', (event) => {
    const { submitter } = event;
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (event.defaultPrevented || form.method === 'dialog' || allowed.delete(form) || !isDoubtful()) return;
    event.preventDefault();
    whenServerIsUp(() => {
      allowed.add(form);
      form.requestSubmit(submitter?.isConnected ? submitter : null);
      allowed.delete(form);
    }, showWaiting);
    if (form.matches('form[action="/logout"]')) cancelOnInput();
  });

  /** @param {string} address */
  return (address) => whenServerIsUp(() => location.assign(address), showWaiting);
}

/** Says that a page without a connection banner waits for the server. */
export function createWaitNotice() {
  /** @type {HTMLElement | null} */
  let strip = null;
  /** @param {boolean} isWaiting */
  return (isWaiting) => {
    if (isWaiting && !strip) {
      strip = Object.assign(document.createElement('p'), {
        className: 'banner',
        role: 'status',
        textContent: document.body.dataset.going,
      });
      document.body.prepend(strip);
    } else if (!isWaiting) {
      strip?.remove();
      strip = null;
    }
  };
}

// Signing out with the button that every page has. It deletes unsent text, so it counts from the moment its form is
// submitted, and only until the user does something else instead of waiting for the answer.

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
