// From room to room without loading a page anew: fetches the page, has it shown, and the address follows. There is one wish at most: where somebody wants to be and is not yet. It ends when its page is there, when the server says no, or when its author gives it up; while the server is away it waits.

import { parse } from '../core/html-fragment.js';
import { isOurs, reasonIn } from '../core/page-response.js';
import { signOutOnPurpose } from '../outbox/storage.js';

const PATIENCE = 15_000;
const place = ({ pathname, search }) => pathname + search;
const roomIn = ({ pathname }) => Number(/^\/rooms\/(\d+)$/.exec(pathname)?.[1] ?? 0);
const isGate = (address) => new URL(address).pathname === '/login';

/** `fits(page)` says whether a page can be shown in this one, `show(page, isAsked)` does it, and `isAsked` says whether the page is what was asked for. `begin(wish)` is called when there is another wish, `{ room, address }` (room 0: not known which; a command has no address), `wait()` when there was no answer, `giveUp(why)` when the wish came to nothing. */
export function createVisits({ fits, show, begin, wait, giveUp }) {
  const shown = { place: place(location), index: history.state?.index ?? 0 }; // the page, and where it is in the tab's history
  let { index } = shown; // where the tab is in its history: elsewhere while somebody goes back or forward
  let isReturning = false; // to where the page is, by no wish of anybody
  let wish = null;
  let running = null; // the request for it
  let isLeaving = false; // on the way to a page that is loaded anew
  history.replaceState({ ...history.state, index }, '');

  /** The answer and its page, `{}` without one of ours, or null if there is another wish meanwhile. */
  async function load(address, options) {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    const clock = setTimeout(() => mine.abort('late'), PATIENCE);
    let found = {};
    try {
      const answer = await fetch(address, { ...options, headers: { accept: 'text/html' }, signal: mine.signal });
      const page = parse(await answer.text());
      if (isOurs(page)) found = { answer, page };
    } catch {} // no network, or too late
    clearTimeout(clock);
    return running === mine ? found : null;
  }

  function ask(next) {
    wish = next;
    begin(wish);
  }

  function end() {
    running?.abort();
    running = null;
    wish = null;
  }

  /** The address is that of the page again. */
  function goHome() {
    if (place(location) === shown.place) return;
    isReturning = index !== shown.index; // going nowhere would load the page anew
    if (isReturning) history.go(shown.index - index);
    else history.replaceState({ index }, '', shown.place);
  }

  function drop(why) {
    end();
    goHome();
    giveUp(why);
  }

  function arrive(page, address, isAsked) {
    end();
    if (place(address) !== place(location)) history.pushState({ index: ++index }, '', address);
    Object.assign(shown, { place: place(address), index });
    show(page, isAsked);
  }

  async function visit() {
    const { address, room } = wish;
    const found = await load(address);
    if (!found) return;
    const { answer, page } = found;
    if (!answer) {
      running = null;
      wait();
    } else if (!answer.ok) drop(reasonIn(page));
    else if (fits(page))
      arrive(page, new URL(answer.url), !room || room === Number(page.querySelector('#app').dataset.room));
    else location.assign(answer.url); // in another language, of another release, or to sign in
  }

  function go(address, room) {
    ask({ address, room });
    visit();
  }

  /** The tab went to another place in its history. */
  function follow(state) {
    const isShown = place(location) === shown.place;
    const isOwn = isReturning && isShown;
    isReturning = false;
    if (state) ({ index } = state);
    else history.replaceState({ index: ++index }, ''); // a link to a place within the page made a new one
    if (!isShown) {
      go(location.href, roomIn(location));
      return;
    }
    shown.index = index;
    if (state && wish?.address && !isOwn) drop('');
  }

  addEventListener('popstate', ({ state }) => follow(state));

  addEventListener('pageshow', ({ persisted }) => {
    isLeaving = false;
    if (persisted && wish) drop(''); // back again, with everything as it was
  });

  return {
    go: (address, room = 0) => go(address, room),
    isShown: (address) => place(new URL(address)) === shown.place,

    /** Here, and nowhere else that was asked for before. */
    stay() {
      if (wish) drop('');
    },

    /** For the server, to go somewhere. */
    isWaiting: () => wish !== null && running === null,
    isPosting: () => isLeaving || Boolean(wish && !wish.address),

    /** The server is back. */
    resume() {
      if (wish && !running) visit();
    },

    /** Posts a form's fields. The answer's page is shown and `done()` called before; if there is none, `refuse(why)` is called with what the server says. */
    async post(action, fields, { done, refuse, isExit }) {
      ask({ room: 0 });
      const found = await load(action, { method: 'POST', body: new URLSearchParams(fields) });
      if (!found) return;
      const { answer, page } = found;
      const isFitting = Boolean(answer) && fits(page);
      if (!isFitting && !answer?.redirected) {
        drop('');
        refuse(answer ? reasonIn(page) : '');
        return;
      }
      if (isFitting || isExit || !isGate(answer.url)) done();
      if (isFitting) arrive(page, answer.redirected ? new URL(answer.url) : location, answer.ok);
      else {
        isLeaving = true;
        if (isExit) signOutOnPurpose();
        location.assign(answer.url);
      }
    },
  };
}
