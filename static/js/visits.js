// From room to room without loading a page anew: fetches the page, has it shown, and the address follows. What does not work out becomes a plain visit.
import { parse } from './fragment.js';

const place = ({ pathname, search }) => pathname + search;

/** `fits(page)` says whether a page can be shown in this one, `show(page)` does it. */
export function createVisits({ fits, show }) {
  let shown = place(location);
  let running = null;
  let posting = false; // or on the way to the page of the answer

  /** The answer and its page, or null if another visit has begun meanwhile. */
  async function load(address, options) {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    try {
      const answer = await fetch(address, { ...options, headers: { accept: 'text/html' }, signal: mine.signal });
      const page = parse(await answer.text());
      return mine.signal.aborted ? null : { answer, page };
    } catch (error) {
      if (mine.signal.aborted) return null;
      throw error;
    }
  }

  function arrive(page, address) {
    if (place(address) !== place(location)) history.pushState(null, '', address);
    shown = place(address);
    show(page);
  }

  async function visit(address, plainly) {
    try {
      const found = await load(address);
      if (!found) return;
      if (found.answer.ok && fits(found.page)) arrive(found.page, new URL(found.answer.url));
      else plainly();
    } catch {
      plainly();
    }
  }

  addEventListener('popstate', () => {
    if (place(location) !== shown) visit(location.href, () => location.reload());
  });

  addEventListener('pageshow', () => { posting = false; }); // back again, with everything as it was

  return {
    go(address) { return visit(address, () => location.assign(address)); },
    isShown: (address) => place(new URL(address)) === shown,
    isPosting: () => posting,

    /** Posts a form's fields. The answer's page is shown; if there is none, `refuse(why)` is called with what the server says. */
    async post(action, fields, refuse) {
      posting = true;
      let isLeaving = false;
      try {
        const found = await load(action, { method: 'POST', body: new URLSearchParams(fields) });
        if (!found) return;
        const { answer, page } = found;
        if (fits(page)) arrive(page, answer.redirected ? new URL(answer.url) : location);
        else if (answer.redirected) {
          isLeaving = true;
          location.assign(answer.url);
        } else refuse(page.querySelector('.fault__card h1 + p')?.textContent ?? '');
      } catch {
        refuse('');
      } finally {
        posting = isLeaving;
      }
    },
  };
}
