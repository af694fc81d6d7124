// Loads the page of history before the first message when the reader comes near it. Without this the link opens that page.
import { parse } from './fragment.js';

const EARLY = '800px 0px';

export function startOlder(log, timeline, signal) {
  const failed = new WeakSet(); // these are plain links again
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) load(entry.target);
  }, { root: log, rootMargin: EARLY });
  signal.addEventListener('abort', () => observer.disconnect());
  watch();

  function watch() {
    const link = log.querySelector('.older');
    if (link) observer.observe(link);
  }

  async function load(link) {
    if (log.ariaBusy === 'true') return;
    observer.unobserve(link);
    log.ariaBusy = 'true';
    try {
      const answer = await fetch(link.dataset.older, { signal });
      if (!answer.ok || answer.redirected) throw new Error(`${answer.status} for older messages`);
      const page = parse(await answer.text());
      const focused = link === document.activeElement;
      timeline.addPage(link, page);
      if (focused) log.focus({ preventScroll: true });
    } catch {
      failed.add(link); // or the room is not on screen any more
    } finally {
      log.ariaBusy = 'false';
    }
    if (!failed.has(link)) watch();
  }

  log.addEventListener('click', (event) => {
    const link = event.target.closest('.older');
    if (!link || failed.has(link) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    load(link);
  });
}
