// Who is typing: a line above the composer, and the frame that tells others that the user is typing.
import { locale } from '../core/i18n.js';
import { isSlashCommand } from './composer.js';

const SEND_EVERY = 3_000;
const EXPIRES_AFTER = 6_000; // two frames that didn't arrive
const MAX_NAMES = 2; // for more, the text says "several people"

const listFormat = new Intl.ListFormat(locale, { type: 'conjunction' });
/**
 * Keeps a name's text direction from affecting the sentence.
 * @param {string} name
 */
const isolateDirection = (name) => `\u2068${name}\u2069`;

/**
 * @typedef {object} TypingIndicatorOptions
 * @property {HTMLElement} element its data attributes hold the sentences
 * @property {HTMLTextAreaElement} field
 * @property {() => void} sendTyping
 * @property {AbortSignal} signal
 */

/** @param {TypingIndicatorOptions} options */
export function createTypingIndicator({ element, field, sendTyping, signal }) {
  /** @type {Map<number, { name: string, timer: number }>} */
  const typists = new Map();
  let sentAt = -Infinity;

  function render() {
    const names = Array.from(typists.values(), ({ name }) => isolateDirection(name));
    const { one, other, many } = element.dataset;
    const sentence = (names.length > MAX_NAMES ? many : names.length > 1 ? other : one) ?? '';
    const text = names.length ? sentence.replace('{names}', () => listFormat.format(names)) : '';
    // A screen reader would read the same text again.
    if (element.textContent !== text) element.textContent = text;
  }

  /**
   * The user has posted, or has stopped typing.
   * @param {number} id
   */
  function stopped(id) {
    clearTimeout(typists.get(id)?.timer);
    if (typists.delete(id)) render();
  }

  function clear() {
    for (const id of [...typists.keys()]) stopped(id);
  }

  field.addEventListener(
    'input',
    () => {
      const now = performance.now();
      if (now - sentAt < SEND_EVERY || !field.value.trim() || isSlashCommand(field.value)) return;
      sentAt = now;
      sendTyping();
    },
    { signal },
  );
  signal.addEventListener('abort', clear);

  return {
    clear,
    stopped,
    /** @param {FrameUser} user */
    show({ id, display_name: name }) {
      clearTimeout(typists.get(id)?.timer);
      typists.set(id, { name, timer: setTimeout(stopped, EXPIRES_AFTER, id) });
      render();
    },
    /** The next input is sent at once. */
    messageSent() {
      sentAt = -Infinity;
    },
  };
}
