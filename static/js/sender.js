// Brings written messages to the server exactly once: each has a nonce, waits in the outbox, and is offered again until it is stored or refused. One for the whole tab: what waits in rooms that are not on screen goes out too.
import { newNonce } from './nonce.js';
import { outbox } from './outbox-store.js';
import { onDiscarded } from './storage.js';
import { livingTabs, tab } from './tabs.js';

const TRY_LATER = [429, 503];
const USUAL_DELAY = 2; // seconds, when the server names none
const EVERY = 2_500; // a look at what still waits
const OVERDUE = 15_000; // without an answer, on a line that is alive
const LEASE = 10_000; // so long a message is its own tab's to send
const LARGEST_FRAME = 48 * 1024; // bytes; what is larger goes as a form, which may be longer

const sizeOf = (frame) => new TextEncoder().encode(JSON.stringify(frame)).length;

/** `transmit(frame)` is false when there is no line; `nameOf(room)` is of a room that one has; `postForm(entry)` posts over HTTP: `{ stored }`, `{ wait }` in seconds, or `{ why }` it never will be. */
export function createSender({ me, epoch, transmit, nameOf, postForm, onPosted }) {
  let shown = null; // { room, waiting, isOpen }: the room on screen takes no posts before it has caught up
  let way = ''; // 'line', or 'http' where there is no line but HTTP works
  let pause = 0; // timer of a delay the server asked for
  let ticker = 0;
  const offered = new Map(); // nonce → when it went out on this line
  const forms = new Set(); // nonces of what did not get through as a frame
  const { gone } = document.getElementById('waiting').dataset; // in words
  let posting = false; // forms go one after the other

  /** Where a message is shown: in its room, and a refused one whose room is gone in any. */
  const waitingOf = ({ room, failed }) => (shown && (shown.room === room || (failed && nameOf(room) === undefined)) ? shown.waiting : null);
  /** After a restore another room may have this id. */
  const isElsewhere = (entry) => entry.epoch !== undefined && entry.epoch !== epoch && nameOf(entry.room) !== entry.name;
  const isMine = (entry) => entry.tab === tab;

  function remove(nonce) {
    outbox.remove(nonce);
    offered.delete(nonce);
    forms.delete(nonce);
  }

  function stored(nonce) {
    remove(nonce);
    shown?.waiting.remove(nonce);
  }

  function offer(entry) {
    if (entry.failed || pause) return;
    if (isElsewhere(entry)) { refused({ nonce: entry.nonce, detail: gone }); return; }
    if (shown?.room === entry.room && !shown.isOpen) return;
    const frame = { type: 'post', room: entry.room, body: entry.body, nonce: entry.nonce };
    if (forms.has(entry.nonce) || sizeOf(frame) > LARGEST_FRAME) forms.add(entry.nonce);
    else if (way === 'line' && transmit(frame)) offered.set(entry.nonce, performance.now());
  }

  function offerAll() {
    outbox.entries().filter(isMine).forEach(offer);
    postForms();
  }

  function pauseFor(seconds) {
    clearTimeout(pause);
    pause = setTimeout(() => { pause = 0; offerAll(); }, seconds * 1000);
  }

  function refused({ nonce, status, detail, retry_after: delay = USUAL_DELAY }) {
    const entry = outbox.get(nonce);
    offered.delete(nonce);
    if (!entry) return;
    if (TRY_LATER.includes(status)) { pauseFor(delay); return; }
    forms.delete(nonce);
    outbox.fail(entry, detail);
    const failed = { ...entry, failed: detail };
    const waiting = waitingOf(failed);
    waiting?.show(failed);
    waiting?.fail(failed);
  }

  /** In their order, and no further than the first that has to wait. */
  async function postForms() {
    if (posting || pause || !way) return;
    posting = true;
    const goes = (entry) => isMine(entry) && !entry.failed && (way === 'http' || forms.has(entry.nonce));
    for (let entry; (entry = outbox.entries().find(goes));) {
      const { stored: isStored, wait, why } = await postForm(entry); // meanwhile the line may be back
      if (isStored) { remove(entry.nonce); onPosted(entry); } else if (why !== undefined) refused({ nonce: entry.nonce, detail: why });
      else { pauseFor(wait); break; }
    }
    posting = false;
  }

  /** Its own tab has had its time; where nobody can say which tabs are alive, that is all there is to go by. */
  function isOverdue(entry, living) { return Math.abs(Date.now() - entry.at) > LEASE && (entry.failed ? !living : way !== ''); }

  /** What a tab that has ended left behind is this tab's now, and what another has not sent for long is anybody's. */
  async function adopt() {
    const others = outbox.entries().filter((entry) => !isMine(entry));
    if (!others.length) return;
    const living = await livingTabs();
    for (const entry of others) {
      if (!outbox.get(entry.nonce) || (!(living && !living.has(entry.tab)) && !isOverdue(entry, living))) continue;
      outbox.own(entry);
      showWaiting({ ...entry, tab });
      offer(entry);
    }
    tick();
  }

  function showWaiting(entry) {
    const waiting = waitingOf(entry);
    if (!waiting) return;
    if (waiting.isStored(me, entry.nonce)) remove(entry.nonce);
    else waiting.show(entry);
  }

  /** As long as something waits. */
  function tick() {
    ticker ||= setInterval(() => {
      if (!outbox.entries().some((entry) => !entry.failed || !isMine(entry))) { clearInterval(ticker); ticker = 0; return; }
      for (const [nonce, at] of offered) if (performance.now() - at > OVERDUE) { offered.delete(nonce); forms.add(nonce); }
      adopt();
      postForms();
    }, EVERY);
  }

  onDiscarded('outbox', (nonce) => stored(nonce)); // sent, or thrown away, by another tab

  return {
    stored,
    discard: stored,
    refused,

    post(room, body, nonce) {
      const entry = outbox.add({ room, name: nameOf(room), epoch, body, nonce });
      waitingOf(entry)?.show(entry);
      offer(entry);
      postForms();
      tick();
    },

    again(nonce) {
      const { room, body } = outbox.get(nonce);
      stored(nonce);
      this.post(room, body, newNonce());
    },

    /** It is on disk. The row stays until the message itself comes, unless that has been here before. */
    posted({ nonce }, isPast) {
      remove(nonce);
      if (isPast) shown?.waiting.remove(nonce);
    },

    /** Another room is on screen; what waits there is shown. */
    show(room, waiting) {
      shown = { room, waiting, isOpen: false };
      for (const entry of outbox.entries()) if (isMine(entry)) showWaiting(entry);
      adopt();
    },

    hide() {
      shown = null;
      setTimeout(offerAll, USUAL_DELAY * 1000); // what was on its way is likely to be stored by then
    },

    /** The line is there: what waits in other rooms goes out. */
    greeted() {
      way = 'line';
      offered.clear();
      offerAll();
      adopt();
      tick();
    },

    /** The room on screen has caught up. */
    opened() {
      shown.isOpen = true;
      clearTimeout(pause);
      pause = 0;
      offerAll();
    },

    lost() {
      way = '';
      offered.clear();
      if (shown) shown.isOpen = false;
    },

    /** The server cut the line at a frame that was too large for it: none of those on their way is sent so again. */
    tooLarge() { for (const nonce of offered.keys()) forms.add(nonce); },

    /** There is no line, but HTTP works. */
    postAll() {
      way = 'http';
      if (shown) shown.isOpen = true;
      offerAll();
      adopt();
    },
  };
}
