// A text that somebody has begun: the draft of a room, or the edit of a message. Each tab has its own, so that two tabs do not overwrite each other; what a tab that has ended left behind goes to the next one that opens its place.
import { newNonce } from '../core/uuid.js';
import { discard, idsOf, keep, kept, onDiscarded } from './storage.js';
import { livingTabs, tab } from './tab-id.js';

/** `place` is the room, or the message; `owner` whose it is, this tab or nobody's yet. */
export function createDraft(kind, place, owner = tab) {
  const beginning = `${encodeURIComponent(place)}:`;
  const own = beginning + owner;
  let nonce = kept(kind, own)?.nonce ?? newNonce();

  let sent = null; // the text that bears this nonce, once it was sent; another one needs another

  function renew() {
    nonce = newNonce();
    sent = null;
  }

  function clear() {
    discard(kind, own);
    renew();
  }

  function write(text) {
    if (sent !== null && text !== sent) renew();
    if (text.trim()) keep(kind, own, { text, nonce, at: Date.now() });
    else clear();
  }

  return {
    read: () => kept(kind, own)?.text ?? '',
    write,
    clear,
    /** The nonce to send this text under: however often that is, it is stored once. */
    nonceFor(text) {
      sent = text;
      return nonce;
    },

    /** The newest text of a tab that is no more; it is this tab's from here on. '' if there is none, or this tab has begun one meanwhile. */
    async inherit() {
      const others = idsOf(kind, beginning).filter((id) => id !== own);
      if (!others.length) return '';
      const living = await livingTabs();
      const left = others
        .filter((id) => !living?.has(id.slice(beginning.length)))
        .map((id) => ({ id, ...kept(kind, id) }));
      const [newest] = left.filter(({ text }) => text).sort((one, other) => other.at - one.at);
      if (!newest || kept(kind, own)) return '';
      nonce = newest.nonce ?? nonce;
      write(newest.text);
      discard(kind, newest.id);
      return newest.text;
    },

    /** Another tab took this text over: then it stands there. */
    onTaken(then, signal) {
      onDiscarded(
        kind,
        (id, old) => {
          if (id === own && old) then(old.text);
        },
        signal,
      );
    },
  };
}

/** The places in which a text of this kind has been begun. */
export const placesOf = (kind) => new Set(idsOf(kind).map((id) => decodeURIComponent(id.split(':')[0])));
