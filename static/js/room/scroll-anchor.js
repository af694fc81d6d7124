// The end of the log: who reads there stays there, who reads further up is not moved and learns how much is new.
import { count } from '../core/i18n.js';

const NEAR = 80; // px that still count as "at the end"
const ANCHORS = CSS.supports('overflow-anchor', 'auto');

/** `isWhole()` says whether the list reaches to the end of the room; `bring()` makes it do so. */
export function createEnd(log, list, pill, { isWhole, bring }) {
  let unseen = 0;

  // The log is column-reverse: 0 is the end, further up is negative.
  const near = () => isWhole() && log.scrollTop > -NEAR;

  async function go() {
    log.scrollTop = 0;
    if (isWhole()) {
      forget();
      return;
    }
    await bring();
    if (!isWhole()) return;
    log.scrollTop = 0;
    forget();
  }

  function forget() {
    unseen = 0;
    pill.hidden = true;
  }

  function firstSeen() {
    const { top } = log.getBoundingClientRect();
    const reaches = (element) => element.getBoundingClientRect().bottom > top;
    const chunk = Array.from(list.querySelectorAll('.chunk')).find(reaches);
    return chunk && Array.from(chunk.querySelectorAll('.msg[data-seq]')).find(reaches);
  }

  /** Changes what is below the reader without moving the reader. */
  function keep(change) {
    const wasNear = near();
    const height = list.offsetHeight;
    change();
    if (wasNear) log.scrollTop = 0;
    else if (!ANCHORS) log.scrollTop -= list.offsetHeight - height;
  }

  /** Changes anything but what the reader sees, who does not move, wherever they are. */
  function still(change) {
    const anchor = firstSeen();
    const before = anchor?.getBoundingClientRect().top;
    log.style.overflowAnchor = 'none'; // one of two has to do it
    change();
    if (anchor?.isConnected) log.scrollTop += anchor.getBoundingClientRect().top - before;
    log.style.overflowAnchor = '';
  }

  function countNew(more = 1) {
    unseen += more;
    pill.lastElementChild.textContent = count(pill.dataset, unseen);
    pill.hidden = false;
  }

  /** Which message is at the top for who reads further up; null for who is at the end. */
  function place() {
    if (near()) return null;
    const { top } = log.getBoundingClientRect();
    const article = firstSeen();
    return article
      ? { id: article.id, seq: Number(article.dataset.seq), offset: article.getBoundingClientRect().top - top }
      : null;
  }

  /** Brings that message back to where it was; if it is further up than this page goes, as far as it goes. */
  function restore({ id, offset }) {
    const article = document.getElementById(id);
    const chunks = list.querySelectorAll('.chunk');
    const showAll = (how) =>
      chunks.forEach((chunk) => {
        chunk.style.contentVisibility = how;
      });
    showAll('visible'); // a chunk that was never drawn is not yet as high as it will be
    requestAnimationFrame(() => requestAnimationFrame(() => showAll('')));
    if (article) log.scrollTop += article.getBoundingClientRect().top - log.getBoundingClientRect().top - offset;
    else log.scrollTop = -log.scrollHeight;
  }

  log.addEventListener(
    'scroll',
    () => {
      if (unseen && near()) forget();
    },
    { passive: true },
  );
  pill.addEventListener('click', () => {
    go();
    log.focus({ preventScroll: true }); // the button under the focus is gone now
  });
  return { near, go, keep, still, countNew, place, restore };
}
