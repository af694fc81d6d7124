// The strip that says what is wrong with the connection. It appears after a delay, so that short gaps go unnoticed.

/**
 * @typedef {'away' | 'polling' | 'going'} BannerState `polling`: no WebSocket, but HTTP works; `going`: a navigation
 *   waits
 */

import { queryAll } from '../core/dom.js';

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
