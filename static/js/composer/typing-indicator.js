// Who is writing just now: a line above the composer, and the word to others that one writes oneself.

import { locale } from '../core/i18n.js';
import { isCommand } from './slash-commands.js';

const TELL_EVERY = 3_000;
const FADES_AFTER = 6_000; // two words that did not come
const SHOWN = 2; // names; more are "several people"

const names = new Intl.ListFormat(locale, { type: 'conjunction' });
const isolated = (name) => `\u2068${name}\u2069`;

/** `tell()` says to the server that somebody writes in `field`; the sentences stand in the element's data. */
export function createTyping({ element, field, tell, signal }) {
  const writers = new Map(); // id: name, and the timer after which they have stopped
  let told = -Infinity;

  function draw() {
    const all = Array.from(writers.values(), ({ name }) => isolated(name));
    const { one, other, many } = element.dataset;
    const sentence = all.length > SHOWN ? many : all.length > 1 ? other : one;
    const text = all.length ? sentence.replace('{names}', () => names.format(all)) : '';
    // The same words again would be read out again.
    if (element.textContent !== text) element.textContent = text;
  }

  function stop(id) {
    clearTimeout(writers.get(id)?.timer);
    if (writers.delete(id)) draw();
  }

  function clear() {
    for (const id of [...writers.keys()]) stop(id);
  }

  field.addEventListener(
    'input',
    () => {
      const now = performance.now();
      if (now - told < TELL_EVERY || !field.value.trim() || isCommand(field.value)) return;
      told = now;
      tell();
    },
    { signal },
  );
  signal.addEventListener('abort', clear);

  return {
    clear,
    receive({ user }) {
      clearTimeout(writers.get(user.id)?.timer);
      writers.set(user.id, { name: user.display_name, timer: setTimeout(stop, FADES_AFTER, user.id) });
      draw();
    },
    /** Somebody has said what they were writing. */
    said: stop,
    /** One has oneself: the next word is news again. */
    sent() {
      told = -Infinity;
    },
  };
}
