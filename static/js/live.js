// The tab's one socket to the server: keeps it open, notices when it is dead although nobody said so, and comes back by itself. Where it does not come up or does not stay while HTTP works, the page asks over HTTP instead, and tries the socket now and then.
const PROTOCOL = 'patio-html.v1';
const CONNECTING = 0; // states of a socket
const OPEN = 1;
const LONGEST_WAIT = 15_000;
const SIGNED_OUT = [4401, 4403];
const TOO_FAST = 4429;
const TOO_LARGE = 1009;
const BEAT = 1_000;
const GAP = 4_000; // between two beats: the page has slept, or the computer
const STEADY = 3_000; // a connection that has lived so long is one
const OPENS_WITHIN = 5_000;
const ANSWERS_WITHIN = 3_000; // what is sent and wants an answer, before the line is asked whether it lives
const WANT_ANSWERS = ['post', 'open'];
const TRIES = 3; // before HTTP is asked, or after so long
const TRIES_WITHIN = 4_000;

/** Runs on while the clock of the computer is set. */
const now = () => performance.now();

/**
 * `address()` is asked for each connection; `poll(take)` asks over HTTP and hands over the frames, true if it was answered.
 * `timing` is in milliseconds: `ping` of silence before asking, `dead` of silence before giving up, `retry` before the first new try, `poll` between two questions over HTTP, `blocked` between two tries of a line while HTTP works.
 */
export function openLive({ address, poll, timing, onFrame, onPolled, onLost, onPolling, onTooLarge, onSignedOut }) {
  let socket = null;
  let tries = 0;
  let lostAt = now(); // since when there is no line
  let opened = 0; // when the connection began
  let heard = 0;
  let asked = 0; // when a ping went out that nothing has followed yet
  let wanted = 0; // when something was sent that nothing has followed yet
  let lastBeat = now();
  let lastTime = Date.now();
  let isPolling = false; // there is no line, and HTTP is answered
  let httpWorks = null; // as far as is known since a line was steady
  let isUp = false; // greeted
  let retryTimer, pollTimer;

  function connect() {
    drop();
    try { socket = new WebSocket(address(), PROTOCOL); } catch { lose(); return; } // an extension forbids it
    const mine = socket;
    opened = heard = now();
    asked = wanted = 0;
    mine.onmessage = (event) => {
      if (mine !== socket) return;
      heard = now();
      asked = wanted = 0;
      const frame = JSON.parse(event.data);
      if (frame.type === 'ready') greeted();
      if (frame.type === 'posted') steady(); // it is of use, however long it lives
      onFrame(frame);
    };
    mine.onclose = (event) => {
      if (mine !== socket) return;
      if (SIGNED_OUT.includes(event.code)) { drop(); stopPolling(); onSignedOut(); return; }
      if (event.code === TOO_LARGE) onTooLarge();
      if (event.code === TOO_FAST) tries = Math.max(tries, TRIES);
      lose(event.code === TOO_FAST ? timing.blocked : 0);
    };
  }

  function greeted() {
    isUp = true;
    stopPolling();
  }

  function steady() {
    tries = 0;
    httpWorks = null;
  }

  function beat() {
    const slept = now() - lastBeat > GAP || Math.abs(Date.now() - lastTime - (now() - lastBeat)) > GAP;
    lastBeat = now();
    lastTime = Date.now();
    if (slept) { wake(); return; }
    if (!socket) return;
    if (socket.readyState === CONNECTING) { if (now() - opened > OPENS_WITHIN) lose(); return; }
    if (now() - opened > STEADY && isUp) steady();
    if (asked && now() - asked >= timing.dead - timing.ping) lose();
    else if (!asked && (now() - heard >= timing.ping || (wanted && now() - wanted >= ANSWERS_WITHIN))) ask();
  }

  function ask() {
    asked = now();
    send({ type: 'ping' });
  }

  /** Whatever was believed of the line is old: it is asked, and what was asked before does not count. */
  function wake() {
    if (socket?.readyState === OPEN) ask();
    else if (socket?.readyState !== CONNECTING && !isPolling) retryNow();
  }

  function drop() {
    clearTimeout(retryTimer);
    const old = socket;
    socket = null;
    isUp = false;
    old?.close();
  }

  function lose(atLeast = 0) {
    if (isUp) lostAt = now();
    if (isUp && now() - opened > STEADY) steady();
    drop();
    tries += 1;
    const soon = Math.min(LONGEST_WAIT, timing.retry * 2 ** (tries - 1)) * (0.5 + Math.random() / 2);
    retryTimer = setTimeout(connect, Math.max(httpWorks && tries > TRIES ? timing.blocked : soon, atLeast));
    if (!isPolling) onLost();
    if ((tries >= TRIES || now() - lostAt > TRIES_WITHIN) && !pollTimer) askOverHttp();
  }

  /** As long as there is no line. When the server was away and answers again, the line is tried at once. */
  async function askOverHttp() {
    clearTimeout(pollTimer);
    const mine = setTimeout(() => {}, 0); // names this question
    pollTimer = mine;
    const isAnswered = await poll((frame) => { if (mine === pollTimer) onPolled(frame); });
    if (mine !== pollTimer) return;
    pollTimer = setTimeout(askOverHttp, timing.poll);
    const wasAway = httpWorks === false;
    httpWorks = isAnswered;
    if (isAnswered) {
      isPolling = true;
      onPolling();
      if (wasAway && !socket) connect();
    } else if (isPolling) {
      isPolling = false;
      onLost();
    }
  }

  function stopPolling() {
    clearTimeout(pollTimer);
    pollTimer = 0;
    isPolling = false;
  }

  function retryNow() {
    if (!isPolling) tries = 0;
    connect();
  }

  function send(frame) {
    if (socket?.readyState !== OPEN) return false;
    if (WANT_ANSWERS.includes(frame.type)) wanted ||= now();
    socket.send(JSON.stringify(frame));
    return true;
  }

  setInterval(beat, Math.min(BEAT, timing.ping / 4));
  addEventListener('online', retryNow);
  addEventListener('offline', () => lose());
  addEventListener('pagehide', () => { drop(); stopPolling(); }); // a page with an open socket may not wait in the back/forward cache
  addEventListener('pageshow', (event) => { if (event.persisted) retryNow(); });
  addEventListener('focus', wake);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) wake(); });
  connect();
  return {
    send, retryNow,
    /** Something was posted over HTTP: asks at once. */
    pollSoon() { if (pollTimer) askOverHttp(); },
  };
}
