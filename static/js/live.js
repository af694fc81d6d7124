// The tab's one socket to the server: keeps it open, notices when it is dead although nobody said so, and comes back by itself.
const PROTOCOL = 'patio-html.v1';
const LONGEST_WAIT = 15_000;
const SIGNED_OUT = [4401, 4403];
const TOO_FAST = 4429;

/** `address()` is asked for each connection; `timing` is in milliseconds: `ping` of silence before asking, `dead` of silence before giving up, `retry` before the first new try. */
export function openLive({ address, timing, onFrame, onLost, onSignedOut }) {
  let socket = null;
  let tries = 0;
  let heard = 0;
  let asked = 0; // when a ping went out that nothing has followed yet
  let retryTimer, beatTimer;

  function connect() {
    drop();
    const mine = new WebSocket(address(), PROTOCOL);
    socket = mine;
    heard = Date.now();
    asked = 0;
    mine.onmessage = (event) => {
      if (mine !== socket) return;
      heard = Date.now();
      asked = 0;
      const frame = JSON.parse(event.data);
      if (frame.type === 'ready') tries = 0;
      onFrame(frame);
    };
    mine.onclose = (event) => {
      if (mine !== socket) return;
      if (SIGNED_OUT.includes(event.code)) { drop(); onSignedOut(); }
      else lose(event.code === TOO_FAST ? 5_000 : 0);
    };
    beatTimer = setInterval(beat, timing.ping / 4);
  }

  /** Timers of a hidden tab may come a minute apart, so only a question without an answer counts as death. */
  function beat() {
    const now = Date.now();
    if (asked && now - asked >= timing.dead - timing.ping) lose();
    else if (!asked && now - heard >= timing.ping) {
      asked = now;
      send({ type: 'ping' });
    }
  }

  function drop() {
    clearTimeout(retryTimer);
    clearInterval(beatTimer);
    const old = socket;
    socket = null;
    old?.close();
  }

  function lose(atLeast = 0) {
    drop();
    const wait = Math.min(LONGEST_WAIT, timing.retry * 2 ** tries++) * (0.5 + Math.random() / 2);
    retryTimer = setTimeout(connect, Math.max(wait, atLeast));
    onLost();
  }

  function retryNow() {
    tries = 0;
    connect();
  }

  function send(frame) {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(frame));
    return true;
  }

  addEventListener('online', retryNow);
  addEventListener('offline', () => lose());
  addEventListener('pagehide', drop); // a page with an open socket may not wait in the back/forward cache
  addEventListener('pageshow', (event) => { if (event.persisted) retryNow(); });
  document.addEventListener('visibilitychange', () => {
    const busy = socket?.readyState === WebSocket.OPEN || socket?.readyState === WebSocket.CONNECTING;
    if (!document.hidden && !busy) retryNow();
  });
  connect();
  return { send, retryNow };
}
