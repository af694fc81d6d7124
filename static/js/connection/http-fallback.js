// Without a live line: asks the server for the same frames over HTTP, and posts messages by their room's form.

import { parse } from '../core/html-fragment.js';
import { isOurs, isSignedOut, reasonIn } from '../core/page-response.js';

const PATIENCE = 10_000;
const TRY_LATER = [429, 503];
const USUAL_DELAY = 2; // seconds, when the server names none

/** `question()` says what the page knows; true if it was answered. What comes in pieces is asked for until it is all here. */
export async function poll(question, onFrame, onSignedOut) {
  try {
    for (let isAll = false; !isAll; ) {
      const answer = await fetch('/live', {
        method: 'POST',
        body: new URLSearchParams(question()),
        signal: AbortSignal.timeout(PATIENCE),
      });
      if (isSignedOut(answer)) {
        onSignedOut();
        return false;
      }
      const frames = answer.ok && (await answer.json());
      if (!Array.isArray(frames)) return false;
      frames.forEach(onFrame);
      const has = (type) => frames.some((frame) => frame.type === type);
      isAll = !has('message') || has('live');
    }
    return true;
  } catch {
    return false;
  } // no network, or an answer of somebody else
}

/** `{ stored }`, `{ wait }` in seconds, or `{ why, status }`: it never will be. */
export async function postForm({ room, created, body, nonce }, author, onSignedOut) {
  const fields = new URLSearchParams({ nonce, author, body, literal: true }); // whatever it looks like, it is no command
  if (created) fields.set('room_created', created);
  try {
    const answer = await fetch(`/rooms/${Number(room)}/messages`, {
      method: 'POST',
      body: fields,
      headers: { accept: 'text/html' },
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (isSignedOut(answer)) {
      onSignedOut();
      return { wait: USUAL_DELAY };
    }
    const page = parse(await answer.text());
    if (!isOurs(page)) return { wait: USUAL_DELAY };
    if (answer.ok && new URL(answer.url).pathname === `/rooms/${room}`) return { stored: true };
    if (TRY_LATER.includes(answer.status) || answer.status >= 500)
      return { wait: Number(answer.headers.get('retry-after')) || USUAL_DELAY };
    return { why: reasonIn(page), status: answer.status };
  } catch {
    return { wait: USUAL_DELAY };
  }
}
