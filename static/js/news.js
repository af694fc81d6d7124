// The line above what is new: it stays where the reader found it, and comes by itself above what arrives while nobody looks. A link leads to it.
const byId = (id) => document.getElementById(id);

export function createNews(log, signal) {
  const jump = byId('jump');
  const template = byId('new-line');

  /** The link is there until its goal has been seen. */
  function lead(line) {
    const seen = new IntersectionObserver(([{ isIntersecting, boundingClientRect, rootBounds }]) => {
      jump.hidden = isIntersecting || boundingClientRect.top > rootBounds.top;
      if (isIntersecting) seen.disconnect();
    }, { root: log });
    seen.observe(line);
    signal.addEventListener('abort', () => seen.disconnect());
  }

  jump?.addEventListener('click', (event) => {
    const line = byId('new');
    if (!line) return;
    event.preventDefault();
    jump.hidden = true;
    line.scrollIntoView();
    line.nextElementSibling.focus({ preventScroll: true }); // the link under the focus is gone now
  });

  return {
    /** Once the log is where the reader will see it first. */
    start() {
      const line = byId('new');
      if (jump && line) lead(line);
    },

    /** This message came while nobody looked; `read` is how far they had read. */
    mark(article, read) {
      const line = byId('new');
      if (!template || Number(line?.nextElementSibling?.dataset.seq) > read) return;
      line?.remove();
      article.before(template.content.firstElementChild.cloneNode(true));
    },
  };
}
