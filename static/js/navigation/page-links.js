// Follows links to pages of this site within the shell, and goes to the room above or below with Alt and the arrow keys,
// with Shift to the next unread one. A picture opens over the page, under the page's address with the picture's name at
// its end, so that Back closes it.
import { closestTo, hasModifier, query } from '../core/dom.js';
import { closeDrawer } from '../shell/sidebar.js';
import { roomIdIn } from './page-navigation.js';

/** @type {Record<string, number>} */
const STEPS = { ArrowUp: -1, ArrowDown: 1 };

/** Links that show the profile card instead of the page. */
const PROFILE = '.message__profile, .member__name > a';

/** Links to pictures that open over the page: `#m12-3` is the third of message 12. */
const PICTURE = 'a.shot[data-picture]';

/** @type {import('../files/lightbox.js').Lightbox | null} */
let lightbox = null;
let isPictureEntered = false; // its address is an entry of the history, after that of the page

/** Shows the picture that the address names, or none. */
async function followAddress() {
  const name = /^#m\d+-\d+$/.test(location.hash) ? location.hash.slice(1) : '';
  const find = () =>
    /** @type {HTMLAnchorElement | null} */ (name && document.querySelector(`[data-picture="${name}"]`));
  if (!find()) {
    lightbox?.close();
    return;
  }
  const { Lightbox } = await import('../files/lightbox.js').catch(() => ({ Lightbox: null }));
  const link = find();
  if (!Lightbox) {
    if (link) location.assign(link.href);
    return;
  }
  lightbox ??= new Lightbox({
    onStep: (other) => history.replaceState(history.state, '', `#${other}`),
    onClose: () => {
      if (isPictureEntered) history.back();
      else history.replaceState(history.state, '', location.pathname + location.search);
      if (!isPictureEntered) lightbox?.close();
    },
  });
  if (link && location.hash === `#${name}`) lightbox.open(link);
}

/**
 * A link to another language changes the frame itself, and the API and its reference have none.
 * @param {HTMLAnchorElement} link
 */
function leadsToPage(link) {
  const isWithinPage = link.hash !== '' && link.pathname === location.pathname && link.search === location.search;
  return (
    link.origin === location.origin &&
    !isWithinPage &&
    !link.target &&
    !link.hreflang &&
    !link.hasAttribute('download') &&
    !link.pathname.startsWith('/api')
  );
}

/**
 * After the last room comes the first.
 * @param {HTMLAnchorElement[]} links
 * @param {number} current
 * @param {number} step 1 or -1
 */
function nextUnread(links, current, step) {
  const onward = [...links.slice(current + 1), ...links.slice(0, Math.max(current, 0))];
  if (step < 0) onward.reverse();
  return onward.find((link) => link.classList.contains('room--unread'));
}

/**
 * @param {object} options
 * @param {import('../shell/sidebar.js').Sidebar} options.sidebar
 * @param {import('./page-navigation.js').PageNavigation} options.navigation
 * @param {() => void} options.onStay the page asked for is on screen already
 */
export function startPageLinks({ sidebar, navigation, onStay }) {
  /**
   * @param {string} address
   * @param {number} [room]
   */
  function goTo(address, room = roomIdIn(new URL(address))) {
    if (navigation.isShown(address)) {
      closeDrawer('side');
      navigation.cancel();
      onStay();
      return;
    }
    navigation.goTo(address, room);
  }

  /** @param {HTMLAnchorElement} link @param {Element} pressed */
  function showProfile(link, pressed) {
    import('../people/profile-card.js').then(
      ({ openProfileCard }) => openProfileCard(link, pressed, goTo),
      () => goTo(link.href),
    );
  }

  document.addEventListener('click', (event) => {
    const picture = closestTo(event, '.message > .avatar, .member > .avatar');
    /** @type {HTMLAnchorElement | null} */
    const link = picture ? query(/** @type {Element} */ (picture.parentElement), PROFILE) : closestTo(event, 'a[href]');
    if (!link || event.defaultPrevented || event.button !== 0 || hasModifier(event) || !leadsToPage(link)) return;
    event.preventDefault();
    if (link.matches(PICTURE)) location.hash = link.dataset.picture ?? '';
    else if (link.matches(PROFILE)) showProfile(link, picture ?? link);
    else goTo(link.href);
  });

  addEventListener('hashchange', () => {
    isPictureEntered = true;
    followAddress();
  });
  if (location.hash) followAddress();

  addEventListener('keydown', (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || !(event.key in STEPS)) return;
    const links = sidebar.links();
    const current = links.findIndex((link) => link.ariaCurrent);
    const step = STEPS[event.key];
    const next = event.shiftKey ? nextUnread(links, current, step) : links[current + step];
    event.preventDefault();
    if (next) goTo(next.href);
  });
  return goTo;
}
