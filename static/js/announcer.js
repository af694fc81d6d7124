// Speaks new messages of others to screen readers: one at a time with its name, several at once only as a number.
import { fill } from './words.js';

const EVERY = 1_000;
const LONGEST = 150;

export function createAnnouncer(element) {
  let batch = [];

  function speak() {
    element.textContent = batch.length > 1 ? fill(element.dataset.many, batch.length) : batch[0];
    batch = [];
  }

  return (article) => {
    const name = article.querySelector('.msg__by').textContent;
    const text = article.querySelector('.msg__body').textContent.trim().slice(0, LONGEST);
    if (batch.push(`${name}: ${text}`) === 1) setTimeout(speak, EVERY);
  };
}
