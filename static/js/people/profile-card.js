// Shows who a user is in a card over the page, when their name or picture is pressed. Without this script the name is a
// link to the same as a page. Loaded when it is first needed.
import { query } from '../core/dom.js';
import { fetchPage, isSignedOut, parseHtml } from '../core/http.js';

const GAP = 8; // px between the card and what was pressed, or the edge of the window

let request = new AbortController(); // of the card that was asked for last

/**
 * Below what was pressed, or above it where there is more room. On small screens the style sheet ignores this.
 * @param {HTMLElement} card
 * @param {DOMRect} pressed
 */
function place(card, { top, bottom, left }) {
  const { offsetWidth: width, offsetHeight: height } = card;
  const fitsBelow = bottom + GAP + height <= innerHeight - GAP;
  const y = fitsBelow ? bottom + GAP : Math.max(GAP, Math.min(top - GAP - height, innerHeight - height - GAP));
  card.style.setProperty('--card-y', `${y}px`);
  card.style.setProperty('--card-x', `${Math.max(GAP, Math.min(left, innerWidth - width - GAP))}px`);
}

/**
 * @param {HTMLAnchorElement} link to the profile
 * @param {Element} pressed
 * @param {(address: string) => void} goTo
 */
export async function openProfileCard(link, pressed, goTo) {
  request.abort();
  request = new AbortController();
  const { signal } = request;
  const answer = await fetchPage(link.href, { headers: { 'patio-part': 'card' }, signal });
  if (signal.aborted) return;
  const content = answer?.ok && !isSignedOut(/** @type {Response} */ (answer)) ? parseHtml(await answer.text()) : null;
  if (!content?.querySelector('.profile-card__body') || !link.isConnected) {
    goTo(link.href);
    return;
  }
  const card = Object.assign(document.createElement('div'), {
    className: 'profile-card',
    popover: 'auto',
    role: 'dialog',
  });
  card.setAttribute('aria-labelledby', 'profile-card-name');
  card.append(content);
  card.addEventListener('toggle', ({ newState }) => newState === 'closed' && card.remove());
  card.addEventListener('click', ({ target }) => {
    if (/** @type {Element} */ (target).closest('a')) card.hidePopover();
  });
  document.body.append(card);
  link.focus(); // which gets it back when the card closes
  card.showPopover();
  place(card, pressed.getBoundingClientRect());
  query(card, '.btn').focus();
}
