// Messages that still wait in rooms which are not on screen: they are offered too, so that nobody must go back for them.
import { Outbox } from './outbox.js';
import { TRY_LATER, USUAL_DELAY } from './sender.js';

/** `onScreen()` is the room whose own sender takes care of what waits in it. */
export function createElsewhere({ epoch, me, transmit, onScreen }) {
  let timer = 0;

  function offer() {
    clearTimeout(timer);
    for (const room of Outbox.rooms(epoch, me)) {
      if (room === onScreen()) continue;
      for (const { body, nonce, failed } of new Outbox(epoch, me, room).entries) {
        if (!failed) transmit({ type: 'post', room, body, nonce });
      }
    }
  }

  function offerIn(seconds) {
    clearTimeout(timer);
    timer = setTimeout(offer, seconds * 1000);
  }

  return {
    offer,
    /** A room was left: what it had on its way is likely to be stored in a moment. */
    offerSoon() { offerIn(USUAL_DELAY); },
    posted({ room, nonce }) { new Outbox(epoch, me, room).remove(nonce); },

    refused({ room, nonce, status, detail, retry_after: delay = USUAL_DELAY }) {
      if (TRY_LATER.includes(status)) { offerIn(delay); return; }
      const outbox = new Outbox(epoch, me, room);
      const entry = outbox.get(nonce);
      if (entry) outbox.fail(entry, detail);
    },
  };
}
