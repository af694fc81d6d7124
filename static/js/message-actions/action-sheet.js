// On touch: what one can do with a message, in a sheet from the foot of the screen. A long press on the message opens it, or its time, which leads screen readers and keys there too.
import { watchLongPress } from './long-press.js';

/** `may(act, article)` says what its reader may do, `run(act, article)` does it. */
export function createActsSheet({ log, may, run, toggle, say, signal }) {
  const sheet = document.getElementById('acts-sheet');
  const touch = matchMedia('(hover: none)');
  const quick = Array.from(sheet.querySelectorAll('button[value]'));
  const part = (act) => sheet.querySelector(`[data-act="${act}"]`);
  let id = ''; // of the message, which may be rendered anew while this is open
  const article = () => document.getElementById(id);

  function open(message) {
    id = message.id;
    sheet.ariaLabel = sheet.dataset.by.replace('{name}', () => message.querySelector('.msg__by').textContent);
    for (const button of quick)
      button.ariaPressed = String(
        message.querySelector(`.react[value="${CSS.escape(button.value)}"]`)?.ariaPressed === 'true',
      );
    for (const act of ['edit', 'delete']) part(act).hidden = !may(act, message);
    part('copy').hidden = !navigator.clipboard; // browsers have none where the page came unencrypted
    part('select').hidden = !part('copy').hidden;
    part('page').href = message.querySelector('.msg__link').href;
    if (!message.contains(document.activeElement)) message.focus({ preventScroll: true }); // and has the focus again afterwards
    sheet.showModal();
    sheet.scrollTop = 0;
  }

  /** All of it, so that one sees what was copied, and can take less with the device's own means. */
  async function copy() {
    const body = article().querySelector('.msg__body');
    getSelection().selectAllChildren(body);
    if (!navigator.clipboard) return;
    await navigator.clipboard.writeText(body.innerText);
    say(sheet.dataset.copied);
  }

  sheet.addEventListener(
    'click',
    async ({ target }) => {
      const button = target.closest('button');
      if (target === sheet || button) sheet.close(); // beside it, or a choice
      if (!button || !article()) return;
      const { act } = button.dataset;
      if (button.value) toggle(article().dataset.id, button.value);
      else if (act === 'copy' || act === 'select')
        copy().catch(() => {}); // it is selected
      else if (act !== 'close') run(act, article());
    },
    { signal },
  );
  sheet.addEventListener(
    'close',
    () => {
      if (document.activeElement === document.body) article()?.focus({ preventScroll: true });
    },
    { signal },
  );
  signal.addEventListener('abort', () => sheet.close());

  const canBeDone = '.msg[data-seq]:not(.msg--deleted, .msg--deleting, .msg--editing)';
  watchLongPress(
    log,
    (target) => {
      const message = target.closest(canBeDone);
      if (message) open(message);
    },
    signal,
  );
  log.addEventListener('click', (event) => {
    const message = touch.matches && event.target.closest('.msg__link')?.closest(canBeDone);
    if (!message) return;
    event.preventDefault();
    open(message);
  });
}
