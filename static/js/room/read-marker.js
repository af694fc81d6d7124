// How far the user has read: to the newest message, once the end of the log is visible on a page that is in use. The
// server is notified at intervals.
const SEND_EVERY = 2_000;
const DAY = 86_400; // seconds

/** From here on pages mark nothing as read just by being loaded. Lasts a day, in case scripts get disabled. */
export function claimReadMarking() {
  // The server uses the same name; cookies are shared between ports.
  const name = location.port ? `patio_reading_${location.port}` : 'patio_reading';
  const secure = location.protocol === 'https:' ? '; secure' : '';
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing on plain HTTP
  document.cookie = `${name}=1; path=/; max-age=${DAY}; samesite=lax${secure}`;
}

export const isPageActive = () => !document.hidden && document.hasFocus();

/**
 * @typedef {object} ReadMarkerOptions
 * @property {number} seq the sequence number up to which the page counts as read
 * @property {() => number} newestSeq of the messages in the log
 * @property {() => boolean} isAtEnd whether the end of the log is visible
 * @property {(seq: number) => void} onRead
 * @property {(seq: number) => boolean} sendRead false if it couldn't be sent
 * @property {AbortSignal} signal
 */

/** @param {ReadMarkerOptions} options */
export function createReadMarker({ seq, newestSeq, isAtEnd, onRead, sendRead, signal }) {
  let sentSeq = seq;
  let timer = 0;

  function send() {
    if (seq > sentSeq && sendRead(seq)) sentSeq = seq;
  }

  /** Sends at once; what is read in the next moments follows in one frame. */
  function sendThrottled() {
    send();
    timer = setTimeout(() => {
      timer = 0;
      if (seq > sentSeq) sendThrottled();
    }, SEND_EVERY);
  }

  function update() {
    if (!isPageActive() || !isAtEnd() || newestSeq() <= seq) return;
    seq = newestSeq();
    onRead(seq);
    if (!timer) sendThrottled();
  }

  addEventListener('focus', update, { signal });
  document.addEventListener('visibilitychange', () => (document.hidden ? send() : update()), { signal });
  addEventListener('pagehide', send, { signal, capture: true }); // before the connection closes
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    send();
  });

  return {
    update,
    get seq() {
      return seq;
    },
    /**
     * The server knows already: the user has posted, or has read elsewhere.
     * @param {number} to
     */
    advance(to) {
      seq = Math.max(seq, to);
      sentSeq = Math.max(sentSeq, to);
    },
    /** The connection is back: sends what couldn't be sent without it. */
    resume() {
      onRead(seq);
      send();
      update();
    },
  };
}
