// How far the reader has read: to the newest message when the end of the log is on a page that is seen and in use. The server hears of it now and then.
const EVERY = 2_000;
const DAY = 86_400; // seconds

/** Pages that are loaded from here on mark nothing as read by themselves; a day, for who switches scripts off. */
export function takeOver() {
  const name = location.port ? `patio_reading_${location.port}` : 'patio_reading'; // as the server names it: browsers keep cookies by host, and not by port
  document.cookie = `${name}=1; path=/; max-age=${DAY}; samesite=lax${location.protocol === 'https:' ? '; secure' : ''}`;
}

export const isInUse = () => !document.hidden && document.hasFocus();

/** `upTo` is what the page itself counts as read; `newest()` the greatest seq in the log, `near()` whether its end is seen. */
export function createReading({ upTo, newest, near, onRead, tell, signal }) {
  let told = upTo;
  let timer = 0;

  function flush() {
    if (upTo > told && tell(upTo)) told = upTo;
  }

  /** Tells at once, and what comes in the next moments together after them. */
  function rest() {
    flush();
    timer = setTimeout(() => {
      timer = 0;
      if (upTo > told) rest();
    }, EVERY);
  }

  function look() {
    if (!isInUse() || !near() || newest() <= upTo) return;
    upTo = newest();
    onRead(upTo);
    if (!timer) rest();
  }

  addEventListener('focus', look, { signal });
  document.addEventListener('visibilitychange', () => (document.hidden ? flush() : look()), { signal });
  addEventListener('pagehide', flush, { signal, capture: true }); // while the line is still there
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    flush();
  });

  return {
    look,
    get upTo() {
      return upTo;
    },
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
