// Brings written messages to the server exactly once: each has a nonce, waits in the outbox, and is offered again until it is stored or refused.
import { newNonce } from './nonce.js';

export const TRY_LATER = [429, 503];
export const USUAL_DELAY = 2; // seconds, when the server names none

export function createSender({ room, me, outbox, waiting, transmit }) {
  let open = false; // the room is live
  let pause = 0; // timer of a delay the server asked for

  function offer(entry) {
    if (open && !pause && !entry.failed) transmit({ type: 'post', room, body: entry.body, nonce: entry.nonce });
  }

  function endPause() {
    clearTimeout(pause);
    pause = 0;
    outbox.entries.forEach(offer);
  }

  function post(body, nonce) {
    const entry = { nonce, body };
    outbox.add(entry);
    waiting.show(entry);
    offer(entry);
  }

  function stored(nonce) {
    outbox.remove(nonce);
    waiting.remove(nonce);
  }

  return {
    post,
    stored,
    discard: stored,
    resume() { open = true; endPause(); },
    suspend() { open = false; },

    /** What this tab still had to send before the page was loaded again. */
    restore() {
      for (const entry of outbox.entries) {
        if (waiting.isStored(me, entry.nonce)) outbox.remove(entry.nonce);
        else waiting.show(entry);
      }
    },

    /** It is on disk. The row stays until the message itself comes, unless that has been here before. */
    posted({ nonce }, isPast) {
      outbox.remove(nonce);
      if (isPast) waiting.remove(nonce);
    },

    refused({ nonce, status, detail, retry_after: delay = USUAL_DELAY }) {
      const entry = outbox.get(nonce);
      if (!entry) return;
      if (TRY_LATER.includes(status)) {
        clearTimeout(pause);
        pause = setTimeout(endPause, delay * 1000);
      } else {
        outbox.fail(entry, detail);
        waiting.fail(entry);
      }
    },

    again(nonce) {
      const { body } = outbox.get(nonce);
      stored(nonce);
      post(body, newNonce());
    },
  };
}
