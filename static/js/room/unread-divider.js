// The line above what is new: it stands above the first message that its reader has not read, by its number, and comes by itself above what arrives while nobody looks. A link leads to it, also where that message is not loaded.
import { isInUse } from './read-marker.js';

const byId = (id) => document.getElementById(id);

/** `reach(seq)` loads the part of the room in which that message is. */
export function createNews({ log, timeline, reach, signal }) {
  const jump = byId('jump');
  const template = byId('new-line');
  let from = null; // all up to here was read; the line is above the next one
  let isOpen = false; // it has not been seen yet
  let observer = null;

  /** Null where the first new message is not loaded. */
  function place() {
    let line = byId('new');
    const first = timeline.firstAfter(from);
    if (Number(first?.dataset.seq) !== from + 1) {
      line?.remove();
      return null;
    }
    if (line?.nextElementSibling === first) return line;
    line?.remove();
    line = template.content.firstElementChild.cloneNode(true);
    first.before(line);
    return line;
  }

  /** The link is there until its goal has been seen. */
  function lead() {
    observer?.disconnect();
    isOpen = true;
    const line = place();
    jump.hidden = line !== null;
    if (!line) return;
    observer = new IntersectionObserver(
      ([{ isIntersecting, boundingClientRect, rootBounds }]) => {
        if (!line.isConnected) {
          jump.hidden = false;
          return;
        } // let go of with the part of the log that it was in
        jump.hidden = isIntersecting || boundingClientRect.top > rootBounds.top;
        if (isIntersecting && isInUse()) end();
      },
      { root: log },
    );
    observer.observe(line);
  }

  /** It has been seen. */
  function end() {
    observer?.disconnect();
    isOpen = false;
  }

  async function go() {
    jump.hidden = true;
    if (!place()) await reach(from);
    const line = place();
    if (!line) {
      jump.hidden = false;
      return;
    } // no connection
    end();
    line.scrollIntoView();
    line.nextElementSibling.focus({ preventScroll: true }); // the link under the focus is gone now
  }

  jump?.addEventListener('click', (event) => {
    if (from === null) return;
    event.preventDefault();
    go();
  });
  // While nobody looked, nothing was seen.
  const lookAgain = () => {
    if (isOpen && isInUse()) lead();
  };
  addEventListener('focus', lookAgain, { signal });
  document.addEventListener('visibilitychange', lookAgain, { signal });
  signal.addEventListener('abort', () => observer?.disconnect());

  return {
    /** Once the log is where the reader will see it first. `read` is how far they had read. */
    start(read) {
      if (!jump || read < 0 || timeline.newest <= read) return;
      from = read;
      lead();
    },

    /** Something came that was not seen at once; `read` is how far its reader had read. */
    mark(read) {
      if (!template || (isOpen && from <= read) || (from !== null && from >= read && byId('new'))) return;
      from = read;
      lead();
    },
  };
}
