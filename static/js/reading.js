// How far the reader has read: to the newest message when the end of the log is on a page that is seen and in use. The server hears of it now and then.
const EVERY = 2_000;

export const isInUse = () => !document.hidden && document.hasFocus();

/** `upTo` is what the page itself counts as read; `newest()` the greatest seq in the log, `near()` whether its end is seen. */
export function createReading({ upTo, newest, near, onRead, tell, signal }) {
  let told = upTo;
  let timer = 0;

  function flush() {
    clearTimeout(timer);
    timer = 0;
    if (upTo > told && tell(upTo)) told = upTo;
  }

  function look() {
    if (!isInUse() || !near() || newest() <= upTo) return;
    upTo = newest();
    onRead(upTo);
    timer ||= setTimeout(flush, EVERY);
  }

  addEventListener('focus', look, { signal });
  document.addEventListener('visibilitychange', () => (document.hidden ? flush() : look()), { signal });
  addEventListener('pagehide', flush, { signal, capture: true }); // while the line is still there
  signal.addEventListener('abort', flush);

  return {
    look,
    get upTo() { return upTo; },
    /** Read so far, here by writing or somewhere else: nobody needs to be told. */
    known(seq) {
      upTo = Math.max(upTo, seq);
      told = Math.max(told, seq);
    },
    /** The line is back; what it missed is told now. */
    resume() {
      onRead(upTo);
      flush();
      look();
    },
  };
}
