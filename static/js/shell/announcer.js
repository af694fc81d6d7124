// Speaks to screen readers: new messages of others, one at a time with its name, several at once only as a number; and answers to commands.
import { fill } from '../core/i18n.js';

const EVERY = 1_000;
const SOON = 100; // the same words twice are heard twice only if there was silence between them
const LONGEST = 150;

export function createAnnouncer(element) {
  let batch = [];

  function speak() {
    element.textContent = batch.length > 1 ? fill(element.dataset.many, batch.length) : batch[0];
    batch = [];
  }

  return {
    message(article) {
      const name = article.querySelector('.msg__by').textContent;
      const text = article.querySelector('.msg__body').textContent.trim().slice(0, LONGEST);
      if (batch.push(`${name}: ${text}`) === 1) setTimeout(speak, EVERY);
    },

    say(text) {
      element.textContent = '';
      setTimeout(() => {
        element.textContent = text;
      }, SOON);
    },
  };
}
