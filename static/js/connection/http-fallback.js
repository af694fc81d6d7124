// Without a WebSocket: polls the server for the same frames over HTTP, and posts messages with their room's form.
import { parseHtml } from '../core/html-fragment.js';
import { errorMessage, isPatioPage, isSignedOut } from '../core/page-response.js';

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
export async function postOverHttp({ room, created, body, nonce }, author, onSignedOut) {
  const fields = new URLSearchParams({ nonce, author, body, literal: 'true' }); // never a slash command
  if (created) fields.set('room_created', created);
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
    if (response.ok && new URL(response.url).pathname === `/rooms/${room}`) return { stored: true };
    if (RETRYABLE.includes(response.status) || response.status >= 500) {
      return { wait: Number(response.headers.get('retry-after')) || DEFAULT_DELAY };
    }
    return { why: errorMessage(page), status: response.status };
  } catch {
    return { wait: DEFAULT_DELAY };
  }
}
