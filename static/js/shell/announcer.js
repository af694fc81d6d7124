// Speaks to screen readers through a live region: messages of others, one with its author, several at once as a number;
// and answers to slash commands.
import { query } from '../core/dom.js';
import { withNumber } from '../core/i18n.js';

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
      const text = query(article, '.message__body').textContent.trim().slice(0, MAX_LENGTH);
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
