// Brings written messages to the server exactly once: each has a nonce, waits in the outbox, and is offered again until it is stored or refused. One for the whole tab: what waits in rooms that are not on screen goes out too.
import { newNonce } from '../core/uuid.js';
import { outbox } from './outbox-store.js';
import { onDiscarded } from './storage.js';
import { livingTabs, tab } from './tab-id.js';

const TRY_LATER = [429, 503];
const GONE = 404;
const USUAL_DELAY = 2; // seconds, when the server names none
const EVERY = 2_500; // a look at what still waits
const OVERDUE = 15_000; // without an answer, on a line that is alive
const LEASE = 10_000; // so long a message is its own tab's to send
const LARGEST_FRAME = 48 * 1024; // bytes; what is larger goes as a form, which may be longer

const sizeOf = (frame) => new TextEncoder().encode(JSON.stringify(frame)).length;
const isMine = (entry) => entry.tab === tab;
const hasFailed = ({ failed }) => failed !== undefined;

export class Sender {
  #me;
  #epoch;
  #transmit;
  #nameOf;
  #createdOf;
  #postForm;
  #onPosted;
  #words = document.getElementById('waiting').dataset; // for a room that is gone, and a refusal without a reason
  #shown = null; // { room, waiting, isOpen }: the room on screen takes no posts before it has caught up
  #way = ''; // 'line', or 'http' where there is no line but HTTP works
  #pause = 0; // timer of a delay the server asked for
  #ticker = 0;
  #offered = new Map(); // nonce → when it went out on this line
  #forms = new Set(); // nonces of what did not get through as a frame
  #isPosting = false; // forms go one after the other

  /** `transmit(frame)` is false when there is no line; `nameOf(room)` is of a room that one has, `createdOf(room)` when it was made; `postForm(entry)` posts over HTTP: `{ stored }`, `{ wait }` in seconds, or `{ why, status }`: it never will be. */
  constructor({ me, epoch, transmit, nameOf, createdOf, postForm, onPosted }) {
    this.#me = me;
    this.#epoch = epoch;
    this.#transmit = transmit;
    this.#nameOf = nameOf;
    this.#createdOf = createdOf;
    this.#postForm = postForm;
    this.#onPosted = onPosted;
    onDiscarded('outbox', (nonce) => this.stored(nonce)); // sent, or thrown away, by another tab
  }

  post(room, body, nonce) {
    this.#add({ room, name: this.#nameOf(room), created: this.#createdOf(room), epoch: this.#epoch, body, nonce });
  }

  #add({ nonce = newNonce(), ...written }) {
    const entry = outbox.add({ ...written, nonce });
    this.#waitingOf(entry)?.show(entry);
    this.#offer(entry);
    this.#postForms();
    this.#tick();
  }

  again(nonce) {
    const { room, name, created, epoch, body } = outbox.get(nonce); // it is for the room it was for
    this.stored(nonce);
    this.#add({ room, name, created, epoch, body });
  }

  /** The message itself is here, or its author does not want it any more. */
  stored(nonce) {
    this.#remove(nonce);
    this.#shown?.waiting.remove(nonce);
  }

  /** It is on disk. The row stays until the message itself comes, unless that has been here before. */
  posted({ nonce }, isPast) {
    this.#remove(nonce);
    if (isPast) this.#shown?.waiting.remove(nonce);
  }

  refused({ nonce, status, detail, retry_after: delay = USUAL_DELAY }) {
    const entry = outbox.get(nonce);
    this.#offered.delete(nonce);
    if (!entry) return;
    if (TRY_LATER.includes(status)) {
      this.#pauseFor(delay);
      return;
    }
    this.#forms.delete(nonce);
    const why = (status === GONE ? this.#words.gone : detail) || this.#words.refused;
    outbox.fail(entry, why);
    const failed = { ...entry, failed: why };
    const waiting = this.#waitingOf(failed);
    waiting?.show(failed);
    waiting?.fail(failed);
  }

  /** Another room is on screen; what waits there is shown. */
  show(room, waiting) {
    this.#shown = { room, waiting, isOpen: false };
    outbox
      .entries()
      .filter(isMine)
      .forEach((entry) => this.#showWaiting(entry));
    this.#adopt();
  }

  hide() {
    this.#shown = null;
    setTimeout(() => this.#offerAll(), USUAL_DELAY * 1000); // what was on its way is likely to be stored by then
  }

  /** The line is there: what waits in other rooms goes out. */
  greeted() {
    this.#way = 'line';
    this.#offered.clear();
    this.#offerAll();
    this.#adopt();
    this.#tick();
  }

  /** The room on screen has caught up. */
  opened() {
    this.#shown.isOpen = true;
    clearTimeout(this.#pause);
    this.#pause = 0;
    this.#offerAll();
  }

  lost() {
    this.#way = '';
    this.#offered.clear();
    if (this.#shown) this.#shown.isOpen = false;
  }

  /** The server cut the line at a frame that was too large for it: none of those on their way is sent so again. */
  tooLarge() {
    for (const nonce of this.#offered.keys()) this.#forms.add(nonce);
  }

  /** There is no line, but HTTP works. */
  postAll() {
    this.#way = 'http';
    if (this.#shown) this.#shown.isOpen = true;
    this.#offerAll();
    this.#adopt();
  }

  /** Where a message is shown: in its room, and a refused one whose room is gone in any. */
  #waitingOf(entry) {
    const { room } = entry;
    const shown = this.#shown;
    return shown && (shown.room === room || (hasFailed(entry) && this.#nameOf(room) === undefined))
      ? shown.waiting
      : null;
  }

  #showWaiting(entry) {
    const waiting = this.#waitingOf(entry);
    if (!waiting) return;
    if (waiting.isStored(this.#me, entry.nonce)) this.#remove(entry.nonce);
    else waiting.show(entry);
  }

  #remove(nonce) {
    outbox.remove(nonce);
    this.#offered.delete(nonce);
    this.#forms.delete(nonce);
  }

  /** After a restore another room may have this id. Where the text says when its room was made, the server tells them apart. */
  #isElsewhere({ room, name, created, epoch }) {
    return !created && epoch !== undefined && epoch !== this.#epoch && this.#nameOf(room) !== name;
  }

  #offer(entry) {
    if (hasFailed(entry) || this.#pause) return;
    if (this.#isElsewhere(entry)) {
      this.refused({ nonce: entry.nonce, status: GONE });
      return;
    }
    if (this.#shown?.room === entry.room && !this.#shown.isOpen) return;
    const { room, created, body, nonce } = entry;
    const frame = { type: 'post', room, room_created: created, author: Number(this.#me), body, nonce }; // the server refuses it for another room, and from another account
    if (this.#forms.has(entry.nonce) || sizeOf(frame) > LARGEST_FRAME) this.#forms.add(entry.nonce);
    else if (this.#way === 'line' && this.#transmit(frame)) this.#offered.set(entry.nonce, performance.now());
  }

  #offerAll() {
    for (const entry of outbox.entries().filter(isMine)) this.#offer(entry);
    this.#postForms();
  }

  #pauseFor(seconds) {
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => {
      this.#pause = 0;
      this.#offerAll();
    }, seconds * 1000);
  }

  /** In their order, and no further than the first that has to wait. */
  async #postForms() {
    if (this.#isPosting || this.#pause || !this.#way) return;
    this.#isPosting = true;
    const tried = new Set(); // each once, whatever the answer is
    const goes = (entry) =>
      isMine(entry) &&
      !hasFailed(entry) &&
      !tried.has(entry.nonce) &&
      (this.#way === 'http' || this.#forms.has(entry.nonce));
    for (let entry; (entry = outbox.entries().find(goes)); ) {
      tried.add(entry.nonce);
      const { stored, wait, why, status } = await this.#postForm(entry); // meanwhile the line may be back
      if (stored) {
        this.#remove(entry.nonce);
        this.#onPosted(entry);
      } else if (why !== undefined) this.refused({ nonce: entry.nonce, status, detail: why });
      else {
        this.#pauseFor(wait);
        break;
      }
    }
    this.#isPosting = false;
  }

  /** Its own tab has had its time; where nobody can say which tabs are alive, that is all there is to go by. */
  #isOverdue(entry, living) {
    return Math.abs(Date.now() - entry.at) > LEASE && (hasFailed(entry) ? !living : this.#way !== '');
  }

  /** What a tab that has ended left behind is this tab's now, and what another has not sent for long is anybody's. */
  async #adopt() {
    const others = outbox.entries().filter((entry) => !isMine(entry));
    if (!others.length) return;
    const living = await livingTabs();
    for (const entry of others) {
      const isLeft = living !== null && !living.has(entry.tab);
      if (!outbox.get(entry.nonce) || !(isLeft || this.#isOverdue(entry, living))) continue;
      outbox.own(entry);
      this.#showWaiting({ ...entry, tab });
      this.#offer(entry);
    }
    this.#tick();
  }

  /** As long as something waits. */
  #tick() {
    this.#ticker ||= setInterval(() => {
      if (outbox.entries().every((entry) => hasFailed(entry) && isMine(entry))) {
        clearInterval(this.#ticker);
        this.#ticker = 0;
        return;
      }
      for (const [nonce, at] of this.#offered)
        if (performance.now() - at > OVERDUE) {
          this.#offered.delete(nonce);
          this.#forms.add(nonce);
        }
      this.#adopt();
      this.#postForms();
    }, EVERY);
  }
}
