// The tab's WebSocket: keeps it open, notices when it is dead without having been closed, and reconnects. Where it
// doesn't open or doesn't last although HTTP works, frames are polled over HTTP, and the WebSocket is tried again now
// and then.
import { errorMessage, isPatioPage, isSignedOut, parseHtml } from '../core/http.js';

// Without a WebSocket: polls the server for the same frames over HTTP, and posts messages with their room's form.

const TIMEOUT = 10_000;
const RETRYABLE = [429, 503];
const DEFAULT_DELAY = 2; // seconds, where the server names none

/**
 * True if the server answered. Long answers come in parts, which are fetched until all are here.
 * @param {() => PollQuery} buildQuery
 * @param {(frame: ServerFrame) => void} onFrame
 * @param {() => void} onSignedOut
 */
export async function pollFrames(buildQuery, onFrame, onSignedOut) {
  try {
    for (let isComplete = false; !isComplete; ) {
      const body = new URLSearchParams(/** @type {Record<string, string>} */ (/** @type {unknown} */ (buildQuery())));
      const response = await fetch('/live', { method: 'POST', body, signal: AbortSignal.timeout(TIMEOUT) });
      if (isSignedOut(response)) {
        onSignedOut();
        return false;
      }
      /** @type {ServerFrame[] | false} */
      const frames = response.ok && (await response.json());
      if (!Array.isArray(frames)) return false;
      frames.forEach(onFrame);
      isComplete = frames.every(({ type }) => type !== 'message') || frames.some(({ type }) => type === 'live');
    }
    return true;
  } catch {
    return false; // no network, or the answer of a proxy
  }
}

/**
 * @param {OutboxEntry} entry
 * @param {string} author
 * @param {() => void} onSignedOut
 * @returns {Promise<PostResult>}
 */
export async function postOverHttp(entry, author, onSignedOut) {
  const { room, created, body, nonce, reply_to: original, also, files = [] } = entry;
  const fields = new URLSearchParams({ nonce, author, body, literal: 'true' }); // never a slash command
  if (created) fields.set('room_created', created);
  if (original) fields.set('reply_to', String(original));
  if (also) fields.set('also', 'true');
  for (const { id } of files) fields.append('file', id);
  try {
    const response = await fetch(`/rooms/${Number(room)}/messages`, {
      method: 'POST',
      body: fields,
      headers: { accept: 'text/html' },
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (isSignedOut(response)) {
      onSignedOut();
      return { wait: DEFAULT_DELAY };
    }
    const page = parseHtml(await response.text());
    if (!isPatioPage(page)) return { wait: DEFAULT_DELAY };
    // A thread has its page under the id of its head.
    const { pathname } = new URL(response.url);
    const isStored = pathname === `/rooms/${room}` || pathname.startsWith('/threads/');
    if (response.ok && isStored) return { stored: true };
    if (RETRYABLE.includes(response.status) || response.status >= 500) {
      return { wait: Number(response.headers.get('retry-after')) || DEFAULT_DELAY };
    }
    return { why: errorMessage(page), status: response.status };
  } catch {
    return { wait: DEFAULT_DELAY };
  }
}

const PROTOCOL = 'patio-html.v1';
const CONNECTING = 0; // ready states of a WebSocket
const OPEN = 1;
const CLOSED_SIGNED_OUT = [4401, 4403];
const CLOSED_RESTART = 1012; // the server closes many at a time, which must not all come back at once
const CLOSED_RATE_LIMITED = 4429;
const CLOSED_TOO_LARGE = 1009;
const MAX_RETRY_DELAY = 15_000;
const TICK = 1_000;
const SLEEP_GAP = 4_000; // between two ticks: the page was frozen, or the computer slept
const STABLE_AFTER = 3_000; // a connection that has lasted this long works
const OPEN_TIMEOUT = 5_000;
const ANSWER_TIMEOUT = 3_000; // for a frame that the server answers, before the connection is probed
const ANSWERED_FRAMES = ['post', 'open'];
const POLL_AFTER_ATTEMPTS = 3;
const POLL_AFTER = 4_000;

/** Monotonic: setting the computer's clock doesn't change it. */
const now = () => performance.now();

/**
 * @typedef {object} ConnectionTiming in milliseconds
 * @property {number} ping silence before a ping
 * @property {number} dead silence before the connection counts as dead
 * @property {number} retry before the first reconnect
 * @property {number} restart up to which clients reconnect at random after a restart of the server
 * @property {number} poll between two polls over HTTP
 * @property {number} blocked between two attempts to connect while HTTP works
 *
 * @typedef {object} ConnectionOptions
 * @property {() => URL} url called for each attempt
 * @property {(onFrame: (frame: ServerFrame) => void) => Promise<boolean>} poll polls over HTTP; true if it was answered
 * @property {ConnectionTiming} timing
 * @property {(frame: ServerFrame) => void} onFrame
 * @property {(frame: ServerFrame) => void} onPolledFrame
 * @property {() => void} onDisconnected
 * @property {() => void} onPolling a poll was answered
 * @property {() => void} onFrameTooLarge
 * @property {() => void} onSignedOut
 */

export class Connection {
  #options;
  /** @type {WebSocket | null} */
  #socket = null;
  #isReady = false; // the server has sent `ready`
  #attempts = 0;
  #disconnectedAt = now();
  #openedAt = 0;
  #receivedAt = 0;
  #pingedAt = 0; // 0 once anything has arrived since
  #awaitingSince = 0; // when a frame was sent that the server answers; 0 once anything has arrived since
  #tickedAt = now();
  #tickedAtTime = Date.now();
  #isPolling = false; // there is no WebSocket, and HTTP works
  /**
   * As far as is known since a connection was stable.
   * @type {boolean | null}
   */
  #httpWorks = null;
  #retryTimer = 0;
  #pollTimer = 0;

  /** @param {ConnectionOptions} options */
  constructor(options) {
    this.#options = options;
    setInterval(() => this.#tick(), Math.min(TICK, options.timing.ping / 4));
    addEventListener('online', () => this.retryNow());
    addEventListener('offline', () => this.#disconnected());
    // A page with an open socket isn't kept in the back/forward cache.
    addEventListener('pagehide', () => {
      this.#closeSocket();
      this.#stopPolling();
    });
    addEventListener('pageshow', (event) => {
      if (event.persisted) this.retryNow();
    });
    addEventListener('focus', () => this.#probe());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#probe();
    });
    this.#connect();
  }

  /** @param {ClientFrame} frame */
  send(frame) {
    if (this.#socket?.readyState !== OPEN) return false;
    if (ANSWERED_FRAMES.includes(frame.type)) this.#awaitingSince ||= now();
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  retryNow() {
    if (!this.#isPolling) this.#attempts = 0;
    this.#connect();
  }

  /** A message was posted over HTTP: fetches it without waiting for the next poll. */
  pollNow() {
    if (this.#pollTimer) this.#poll();
  }

  #connect() {
    this.#closeSocket();
    try {
      this.#socket = new WebSocket(this.#options.url(), PROTOCOL);
    } catch {
      this.#disconnected(); // a browser extension forbids it
      return;
    }
    const socket = this.#socket;
    this.#openedAt = this.#receivedAt = now();
    this.#pingedAt = this.#awaitingSince = 0;
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#receive(JSON.parse(data));
    };
    socket.onclose = ({ code }) => {
      if (socket === this.#socket) this.#onClose(code);
    };
  }

  /** @param {ServerFrame} frame */
  #receive(frame) {
    this.#receivedAt = now();
    this.#pingedAt = this.#awaitingSince = 0;
    if (frame.type === 'ready') {
      this.#isReady = true;
      this.#stopPolling();
    }
    if (frame.type === 'posted') this.#markStable(); // it is of use, however short it lasts
    this.#options.onFrame(frame);
  }

  /** @param {number} code */
  #onClose(code) {
    if (CLOSED_SIGNED_OUT.includes(code)) {
      this.#closeSocket();
      this.#stopPolling();
      this.#options.onSignedOut();
      return;
    }
    if (code === CLOSED_TOO_LARGE) this.#options.onFrameTooLarge();
    const isRateLimited = code === CLOSED_RATE_LIMITED;
    if (isRateLimited) this.#attempts = Math.max(this.#attempts, POLL_AFTER_ATTEMPTS);
    const { blocked, restart } = this.#options.timing;
    const spread = code === CLOSED_RESTART ? Math.random() * restart : 0;
    this.#disconnected(isRateLimited ? blocked : spread);
  }

  #markStable() {
    this.#attempts = 0;
    this.#httpWorks = null;
  }

  #markStableIfLasting() {
    if (this.#isReady && now() - this.#openedAt > STABLE_AFTER) this.#markStable();
  }

  /** The monotonic clock may stand still during sleep, the other one may be set: a gap in either means a probe. */
  #tick() {
    const elapsed = now() - this.#tickedAt;
    const hasSlept = elapsed > SLEEP_GAP || Math.abs(Date.now() - this.#tickedAtTime - elapsed) > SLEEP_GAP;
    this.#tickedAt = now();
    this.#tickedAtTime = Date.now();
    if (hasSlept) this.#probe();
    else if (this.#socket?.readyState === CONNECTING) {
      if (now() - this.#openedAt > OPEN_TIMEOUT) this.#disconnected();
    } else if (this.#socket) this.#checkAlive();
  }

  /** Only an unanswered ping counts as death: in a hidden tab, ticks may come a minute apart. */
  #checkAlive() {
    const { ping, dead } = this.#options.timing;
    this.#markStableIfLasting();
    if (this.#pingedAt) {
      if (now() - this.#pingedAt >= dead - ping) this.#disconnected();
      return;
    }
    const isSilent = now() - this.#receivedAt >= ping;
    const isUnanswered = this.#awaitingSince && now() - this.#awaitingSince >= ANSWER_TIMEOUT;
    if (isSilent || isUnanswered) this.#ping();
  }

  #ping() {
    this.#pingedAt = now();
    this.send({ type: 'ping' });
  }

  /** After a pause nothing is known about the connection: pings it again, whenever the last ping was, or reconnects. */
  #probe() {
    if (this.#socket?.readyState === OPEN) this.#ping();
    else if (this.#socket?.readyState !== CONNECTING && !this.#isPolling) this.retryNow();
  }

  #closeSocket() {
    clearTimeout(this.#retryTimer);
    const socket = this.#socket;
    this.#socket = null;
    this.#isReady = false;
    socket?.close();
  }

  #disconnected(minDelay = 0) {
    const { retry, blocked } = this.#options.timing;
    if (this.#isReady) this.#disconnectedAt = now();
    this.#markStableIfLasting();
    this.#closeSocket();
    this.#attempts += 1;
    const backoff = Math.min(MAX_RETRY_DELAY, retry * 2 ** (this.#attempts - 1)) * (0.5 + Math.random() / 2);
    const delay = this.#httpWorks && this.#attempts > POLL_AFTER_ATTEMPTS ? blocked : backoff;
    this.#retryTimer = setTimeout(() => this.#connect(), Math.max(delay, minDelay));
    if (!this.#isPolling) this.#options.onDisconnected();
    const isLasting = this.#attempts >= POLL_AFTER_ATTEMPTS || now() - this.#disconnectedAt > POLL_AFTER;
    if (isLasting && !this.#pollTimer) this.#poll();
  }

  /** Polls until there is a WebSocket. Once HTTP works again after an outage, the WebSocket is tried at once. */
  async #poll() {
    clearTimeout(this.#pollTimer);
    const id = setTimeout(() => {}, 0); // a timer id that identifies this poll, to ignore it once there is another
    this.#pollTimer = id;
    const isAnswered = await this.#options.poll((frame) => {
      if (id === this.#pollTimer) this.#options.onPolledFrame(frame);
    });
    if (id !== this.#pollTimer) return;
    // An overloaded server is not asked by all pages at once.
    const delay = this.#options.timing.poll * (isAnswered ? 1 : 1 + Math.random());
    this.#pollTimer = setTimeout(() => this.#poll(), delay);
    const wasDown = this.#httpWorks === false;
    this.#httpWorks = isAnswered;
    if (isAnswered) {
      this.#isPolling = true;
      this.#options.onPolling();
      if (wasDown && !this.#socket) this.#connect();
    } else if (this.#isPolling) {
      this.#isPolling = false;
      this.#options.onDisconnected();
    }
  }

  #stopPolling() {
    clearTimeout(this.#pollTimer);
    this.#pollTimer = 0;
    this.#isPolling = false;
  }
}
