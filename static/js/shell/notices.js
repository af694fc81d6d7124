// What the page says, on screen and to screen readers: new messages and answers to slash commands, what became of an
// action, that a room was closed, and what is wrong with the connection.
import { byId, query, queryAll } from '../core/dom.js';
import { withNumber } from '../core/i18n.js';

// Speaks to screen readers through a live region: messages of others, one with its author, several at once as a number;
// and answers to slash commands.

const BATCH_FOR = 1_000;
const REPEAT_DELAY = 100; // the same text again is only spoken if the region was empty in between
const MAX_LENGTH = 150;

/** @typedef {ReturnType<typeof createAnnouncer>} Announcer */

/** @param {HTMLElement} region */
export function createAnnouncer(region) {
  /** @type {string[]} */
  let batch = [];

  function flush() {
    region.textContent = batch.length > 1 ? withNumber(region.dataset.many, batch.length) : batch[0];
    batch = [];
  }

  return {
    /** @param {MessageElement} article */
    announceMessage(article) {
      const author = query(article, '.message__author').textContent;
      const files = article.querySelector('.attachments')?.ariaLabel ?? '';
      const text = query(article, '.message__body').textContent.trim().slice(0, MAX_LENGTH) || files;
      if (batch.push(`${author}: ${text}`) === 1) setTimeout(flush, BATCH_FOR);
    },

    /** @param {string} text */
    announce(text) {
      region.textContent = '';
      setTimeout(() => {
        region.textContent = text;
      }, REPEAT_DELAY);
    },
  };
}

// Says above the composer that the room on screen was deleted or its user removed, also on the page that comes next.

const KEY = 'patio:notice';
const notice = () => byId('notice');

/**
 * @param {string} text
 * @param {Announcer} announcer
 */
function show(text, announcer) {
  query(notice(), 'p').textContent = text;
  notice().hidden = false;
  announcer.announce(text);
}

/**
 * @param {string} reason as the server names it; a user who left needs no notice
 * @param {string} roomName
 * @param {Announcer} announcer
 */
export function showRoomClosed(reason, roomName, announcer) {
  const { removed, deleted } = notice().dataset;
  const text = reason === 'removed' ? removed : reason === 'deleted' && deleted;
  if (text)
    show(
      text.replace('{name}', () => roomName),
      announcer,
    );
}

/** Stores the notice for the page that comes next. If the browser stores nothing, it is lost. */
export function carryNotice() {
  if (notice().hidden) return;
  try {
    sessionStorage.setItem(KEY, query(notice(), 'p').textContent);
  } catch {}
}

/** @param {Announcer} announcer */
export function showCarriedNotice(announcer) {
  try {
    const text = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    if (text) show(text, announcer);
  } catch {}
}

// The strip that says what is wrong with the connection. It appears after a delay, so that short gaps go unnoticed.

/**
 * @typedef {'away' | 'polling' | 'going'} BannerState `polling`: no WebSocket, but HTTP works; `going`: a navigation
 *   waits
 */

/**
 * @param {HTMLElement} element
 * @param {number} delay
 */
export function createBanner(element, delay) {
  const texts = queryAll(element, '[data-when]');
  let timer = 0;

  /** @param {BannerState} state */
  function showText(state) {
    for (const text of texts) text.hidden = text.dataset.when !== state;
  }

  return {
    /** @param {BannerState} state */
    showAfterDelay(state) {
      showText(state);
      timer ||= setTimeout(() => {
        element.hidden = false;
      }, delay);
    },
    /** A request of the user wasn't answered. */
    showOffline() {
      if (element.hidden) showText('away');
      element.hidden = false;
    },
    /** A navigation continues as soon as the server answers. */
    showNavigationWaits() {
      showText('going');
      element.hidden = false;
    },
    hide() {
      clearTimeout(timer);
      timer = 0;
      element.hidden = true;
    },
  };
}

// The sentence that says what became of an action. Its element is on the page from the start and stays, because screen
// readers don't reliably read a live region that comes with its text.

let statusTimer = 0;

/**
 * @param {string} text '' for none
 * @param {boolean} [isError]
 */
export function showStatus(text, isError = false) {
  const region = document.getElementById('status');
  if (!region) return;
  clearTimeout(statusTimer);
  region.textContent = '';
  region.classList.toggle('status--error', isError);
  if (text) statusTimer = setTimeout(() => (region.textContent = text), REPEAT_DELAY);
}
