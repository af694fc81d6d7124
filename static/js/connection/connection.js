// The tab's one socket to the server: keeps it open, notices when it is dead although nobody said so, and comes back by itself. Where it does not come up or does not stay while HTTP works, the page asks over HTTP instead, and tries the socket now and then.
const PROTOCOL = 'patio-html.v1';
const CONNECTING = 0; // states of a socket
const OPEN = 1;
const SIGNED_OUT = [4401, 4403];
const TOO_FAST = 4429;
const TOO_LARGE = 1009;
const LONGEST_WAIT = 15_000;
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

export class Live {
  #given;
  #socket = null;
  #isUp = false; // greeted
  #tries = 0;
  #lostAt = now(); // since when there is no line
  #opened = 0; // when the connection began
  #heard = 0;
  #asked = 0; // when a ping went out that nothing has followed yet
  #wanted = 0; // when something was sent that nothing has followed yet
  #lastBeat = now();
  #lastTime = Date.now();
  #isPolling = false; // there is no line, and HTTP is answered
  #httpWorks = null; // as far as is known since a line was steady
  #retryTimer = 0;
  #pollTimer = 0;

  /**
   * `address()` is asked for each connection; `poll(take)` asks over HTTP and hands over the frames, true if it was answered.
   * `timing` is in milliseconds: `ping` of silence before asking, `dead` of silence before giving up, `retry` before the first new try, `poll` between two questions over HTTP, `blocked` between two tries of a line while HTTP works.
   * Frames go to `onFrame`, over HTTP to `onPolled`; there are `onLost`, `onPolling` (HTTP was answered), `onTooLarge` and `onSignedOut`.
   */
  constructor(given) {
    this.#given = given;
    setInterval(() => this.#beat(), Math.min(BEAT, given.timing.ping / 4));
    addEventListener('online', () => this.retryNow());
    addEventListener('offline', () => this.#lose());
    addEventListener('pagehide', () => {
      this.#drop();
      this.#stopPolling();
    }); // a page with an open socket may not wait in the back/forward cache
    addEventListener('pageshow', (event) => {
      if (event.persisted) this.retryNow();
    });
    addEventListener('focus', () => this.#wake());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#wake();
    });
    this.#connect();
  }

  send(frame) {
    if (this.#socket?.readyState !== OPEN) return false;
    if (WANT_ANSWERS.includes(frame.type)) this.#wanted ||= now();
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  retryNow() {
    if (!this.#isPolling) this.#tries = 0;
    this.#connect();
  }

  /** Something was posted over HTTP: asks at once. */
  pollSoon() {
    if (this.#pollTimer) this.#askOverHttp();
  }

  #connect() {
    this.#drop();
    try {
      this.#socket = new WebSocket(this.#given.address(), PROTOCOL);
    } catch {
      this.#lose();
      return;
    } // an extension forbids it
    const mine = this.#socket;
    this.#opened = this.#heard = now();
    this.#asked = this.#wanted = 0;
    mine.onmessage = ({ data }) => {
      if (mine === this.#socket) this.#take(JSON.parse(data));
    };
    mine.onclose = ({ code }) => {
      if (mine === this.#socket) this.#closed(code);
    };
  }

  #take(frame) {
    this.#heard = now();
    this.#asked = this.#wanted = 0;
    if (frame.type === 'ready') {
      this.#isUp = true;
      this.#stopPolling();
    }
    if (frame.type === 'posted') this.#steady(); // it is of use, however long it lives
    this.#given.onFrame(frame);
  }

  #closed(code) {
    if (SIGNED_OUT.includes(code)) {
      this.#drop();
      this.#stopPolling();
      this.#given.onSignedOut();
      return;
    }
    if (code === TOO_LARGE) this.#given.onTooLarge();
    if (code === TOO_FAST) this.#tries = Math.max(this.#tries, TRIES);
    this.#lose(code === TOO_FAST ? this.#given.timing.blocked : 0);
  }

  #steady() {
    this.#tries = 0;
    this.#httpWorks = null;
  }

  #beat() {
    const slept =
      now() - this.#lastBeat > GAP || Math.abs(Date.now() - this.#lastTime - (now() - this.#lastBeat)) > GAP;
    this.#lastBeat = now();
    this.#lastTime = Date.now();
    if (slept) this.#wake();
    else if (this.#socket?.readyState === CONNECTING) {
      if (now() - this.#opened > OPENS_WITHIN) this.#lose();
    } else if (this.#socket) this.#check();
  }

  /** Only a question without an answer counts as death: timers of a hidden tab may come a minute apart. */
  #check() {
    const { ping, dead } = this.#given.timing;
    if (this.#isUp && now() - this.#opened > STEADY) this.#steady();
    if (this.#asked) {
      if (now() - this.#asked >= dead - ping) this.#lose();
    } else if (now() - this.#heard >= ping || (this.#wanted && now() - this.#wanted >= ANSWERS_WITHIN)) this.#ask();
  }

  #ask() {
    this.#asked = now();
    this.send({ type: 'ping' });
  }

  /** Whatever was believed of the line is old: it is asked, and what was asked before does not count. */
  #wake() {
    if (this.#socket?.readyState === OPEN) this.#ask();
    else if (this.#socket?.readyState !== CONNECTING && !this.#isPolling) this.retryNow();
  }

  #drop() {
    clearTimeout(this.#retryTimer);
    const old = this.#socket;
    this.#socket = null;
    this.#isUp = false;
    old?.close();
  }

  #lose(atLeast = 0) {
    const { retry, blocked } = this.#given.timing;
    if (this.#isUp) this.#lostAt = now();
    if (this.#isUp && now() - this.#opened > STEADY) this.#steady();
    this.#drop();
    this.#tries += 1;
    const soon = Math.min(LONGEST_WAIT, retry * 2 ** (this.#tries - 1)) * (0.5 + Math.random() / 2);
    this.#retryTimer = setTimeout(
      () => this.#connect(),
      Math.max(this.#httpWorks && this.#tries > TRIES ? blocked : soon, atLeast),
    );
    if (!this.#isPolling) this.#given.onLost();
    if ((this.#tries >= TRIES || now() - this.#lostAt > TRIES_WITHIN) && !this.#pollTimer) this.#askOverHttp();
  }

  /** As long as there is no line. When the server was away and answers again, the line is tried at once. */
  async #askOverHttp() {
    clearTimeout(this.#pollTimer);
    const mine = setTimeout(() => {}, 0); // names this question
    this.#pollTimer = mine;
    const isAnswered = await this.#given.poll((frame) => {
      if (mine === this.#pollTimer) this.#given.onPolled(frame);
    });
    if (mine !== this.#pollTimer) return;
    this.#pollTimer = setTimeout(() => this.#askOverHttp(), this.#given.timing.poll);
    const wasAway = this.#httpWorks === false;
    this.#httpWorks = isAnswered;
    if (isAnswered) {
      this.#isPolling = true;
      this.#given.onPolling();
      if (wasAway && !this.#socket) this.#connect();
    } else if (this.#isPolling) {
      this.#isPolling = false;
      this.#given.onLost();
    }
  }

  #stopPolling() {
    clearTimeout(this.#pollTimer);
    this.#pollTimer = 0;
    this.#isPolling = false;
  }
}
