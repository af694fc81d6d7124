// From room to room without loading a page anew: fetches the page, has it shown, and the address follows. What does not work out leaves everything as it was and says why; where the server is away, it is gone to once that is back.
import { isOurs, reasonIn } from './answers.js';
import { parse } from './fragment.js';
import { signOutOnPurpose } from './storage.js';

const PATIENCE = 15_000;
const place = ({ pathname, search }) => pathname + search;
const failure = (why, isAway = false) => Object.assign(new Error(why), { why, isAway });

/** `fits(page)` says whether a page can be shown in this one, `show(page)` does it. `begin(room)` is called when a visit begins (0: not known which room), `fail(why, isAway)` when it came to nothing. */
export function createVisits({ fits, show, begin, fail }) {
  let shown = place(location);
  let index = history.state?.index ?? 0; // of this page in the tab's history
  let running = null;
  let posting = false; // or on the way to the page of the answer
  let wish = null; // where to go when the server is back
  let undo = () => {}; // of what the way there has changed already
  history.replaceState({ ...history.state, index }, '');

  /** The answer and its page, or null if another visit has begun meanwhile. */
  async function load(address, options) {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    const clock = setTimeout(() => mine.abort('late'), PATIENCE);
    try {
      const answer = await fetch(address, { ...options, headers: { accept: 'text/html' }, signal: mine.signal });
      const page = parse(await answer.text());
      if (!isOurs(page)) throw failure('', true);
      return running === mine ? { answer, page } : null;
    } catch {
      if (running !== mine) return null;
      throw failure('', true);
    } finally { clearTimeout(clock); }
  }

  function arrive(page, address) {
    running = null;
    if (place(address) !== place(location)) history.pushState({ index: ++index }, '', address);
    shown = place(address);
    show(page);
  }

  async function visit(address, room, putBack = () => {}) {
    wish = null;
    undo = putBack;
    begin(room);
    try {
      const found = await load(address);
      if (!found) return;
      const { answer, page } = found;
      if (answer.ok && fits(page)) arrive(page, new URL(answer.url));
      else if (answer.ok) location.assign(answer.url); // in another language, of another release, or to sign in
      else throw failure(reasonIn(page));
    } catch (error) {
      running = null;
      putBack();
      if (error.isAway) wish = { address, room };
      fail(error.why ?? '', error.isAway ?? true);
    }
  }

  addEventListener('popstate', ({ state }) => {
    const to = state?.index ?? index;
    if (place(location) === shown) { index = to; return; }
    const from = index;
    index = to;
    visit(location.href, 0, () => { index = from; history.go(from - to); });
  });

  addEventListener('pageshow', () => { posting = false; }); // back again, with everything as it was

  return {
    go: (address, room = 0) => visit(address, room),
    isShown: (address) => place(new URL(address)) === shown,

    /** Here, and nowhere else that was asked for before. */
    stay() {
      if (!running) return;
      running.abort();
      running = null;
      undo();
      fail('', false);
    },

    isPosting: () => posting,

    /** The server is back. */
    resume() { if (wish) visit(wish.address, wish.room); },

    /** Posts a form's fields. The answer's page is shown and `done()` called before; if there is none, `refuse(why)` is called with what the server says. */
    async post(action, fields, { done, refuse, isExit }) {
      posting = true;
      wish = null;
      undo = () => {};
      begin(0);
      let isLeaving = false;
      try {
        const found = await load(action, { method: 'POST', body: new URLSearchParams(fields) });
        if (!found) return;
        const { answer, page } = found;
        const isFitting = fits(page);
        if (!isFitting && !answer.redirected) throw failure(reasonIn(page));
        if (isFitting || isExit || !isGate(answer.url)) done();
        if (isFitting) arrive(page, answer.redirected ? new URL(answer.url) : location);
        else {
          isLeaving = true;
          if (isExit) signOutOnPurpose();
          location.assign(answer.url);
        }
      } catch (error) {
        running = null;
        fail('', false);
        refuse(error.why ?? '');
      } finally {
        posting = isLeaving;
      }
    },
  };
}

const isGate = (address) => new URL(address).pathname === '/login';
