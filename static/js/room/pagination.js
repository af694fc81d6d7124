// Loads more of the room when its reader comes near an end of what is here, and lets go of what is far from them. Without this the links open pages.
import { parse } from '../core/html-fragment.js';

const AGAIN = 2_000;
const EARLY = '800px 0px';
const BEFORE = 10; // messages above the one that is looked for
const LINKS = '[data-older], [data-newer]';

/** `end` keeps the reader where they are; after `patience` milliseconds an answer is not awaited any longer; `onAnswer(isThere)` hears whether one came. */
export function createHistory({ log, timeline, end, patience, onAnswer, signal }) {
  const newest =
    document.getElementById('further').content.querySelector('[data-older]').dataset.older + Number.MAX_SAFE_INTEGER;
  const newer = document.getElementById('further').content.querySelector('[data-newer]').dataset.newer;
  let failed = new WeakSet(); // these wait until they are tried again
  let running = null;
  let again = 0; // timer
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting && !running) load(target);
    },
    { root: log, rootMargin: EARLY },
  );
  signal.addEventListener('abort', () => {
    running?.abort();
    clearTimeout(again);
    observer.disconnect();
  });
  watch();

  /** Looks at all links as if for the first time: while a page was on its way none was followed. */
  function watch() {
    observer.disconnect();
    for (const link of log.querySelectorAll(LINKS)) if (!failed.has(link)) observer.observe(link);
  }

  /** Fetches a page and has it put into the log. What became of it: 'done' (or not wanted any more), 'late' or 'failed'. */
  async function bring(address, put) {
    running?.abort();
    const mine = new AbortController();
    // The request may have gone into a connection that is dead although nobody said so; giving up ends that.
    const clock = setTimeout(() => mine.abort(), patience);
    running = mine;
    log.ariaBusy = 'true';
    timeline.await();
    let page = null;
    try {
      const answer = await fetch(address, { signal: mine.signal });
      if (!answer.ok || answer.redirected) throw new Error(`${answer.status} for ${address}`);
      page = parse(await answer.text());
    } catch {
      // No network, or no answer, or another page is wanted, or the room is not on screen any more.
    }
    clearTimeout(clock);
    if (running !== mine || signal.aborted) return 'done';
    running = null;
    log.ariaBusy = 'false';
    onAnswer(page !== null);
    put(page);
    end.still(prune);
    if (page) return 'done';
    return mine.signal.aborted ? 'late' : 'failed';
  }

  async function load(link) {
    const before = Boolean(link.dataset.older);
    const outcome = await bring(link.dataset.older ?? link.dataset.newer, (page) => {
      const focused = link === document.activeElement;
      const add = () => timeline.addPage(page, link);
      if (before)
        add(); // the log is upside down: what is put in front moves nothing
      else end.still(add);
      if (focused && page) log.focus({ preventScroll: true });
    });
    if (outcome === 'failed') {
      failed.add(link);
      clearTimeout(again);
      again = setTimeout(resume, AGAIN);
    }
    watch();
  }

  function prune() {
    if (!timeline.isHeavy) return;
    const { top, bottom } = log.getBoundingClientRect();
    timeline.prune((chunk) => {
      const place = chunk.getBoundingClientRect();
      return place.bottom > top && place.top < bottom;
    });
  }

  /** The line is back, or a moment has passed: what could not be loaded can be tried again. */
  function resume() {
    failed = new WeakSet();
    if (!running) watch();
  }

  log.addEventListener('click', (event) => {
    const link = event.target.closest(LINKS);
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    failed.delete(link);
    if (!running) load(link);
  });

  return {
    /** Something was added: the rest may have become too much. */
    added() {
      if (!timeline.isHeavy) return;
      end.still(prune);
      if (!running) watch();
    },

    resume,

    /** Shows the part of the room in which this message is, with a few before it. */
    async reach(seq) {
      await bring(newer + Math.max(0, seq - BEFORE), (page) => {
        if (page) timeline.addPage(page);
      });
      watch();
    },

    /** Shows the end of the room, which is too far away to come to by scrolling. */
    async tail() {
      let outcome;
      do outcome = await bring(newest, (page) => timeline.addPage(page));
      while (outcome === 'late');
      watch();
    },
  };
}
