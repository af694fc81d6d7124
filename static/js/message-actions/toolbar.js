// What one can do with a message: one bar for the whole log, in the message under the pointer or the focus, and on touch a sheet; chips that are pressed; the arrow up that edits what one wrote last.

import { setStops } from '../room/viewer-decorations.js';
import { createActsSheet } from './action-sheet.js';
import { createDeleting } from './delete-message.js';
import { createEditing } from './edit-message.js';
import { createPalette } from './emoji-picker.js';
import { change, SignedOut } from './message-api.js';

/** `keep(change)` does something to the log without moving its reader; `error` is where refusals are told, `say(text)` tells the ear. */
export function startActs({ log, timeline, composer, me, keep, error, say, signal }) {
  const template = document.getElementById('acts');
  const bar = template.content.firstElementChild.cloneNode(true);
  const words = (problem) =>
    problem instanceof SignedOut ? template.dataset.signedOut : problem.message || template.dataset.failed;
  const tell = Object.assign(
    (problem) => {
      error.textContent = words(problem);
    },
    { words },
  );
  const show = (article) => {
    if (article && !signal.aborted) keep(() => timeline.put(article));
  };
  const toggle = async (id, emoji) => show(await change(id, 'reactions', { emoji }));
  const tryToggle = (id, emoji) => toggle(id, emoji).catch(tell);
  const tools = { log, me, timeline, keep, show, tell, signal };
  const editing = createEditing(tools);
  const deleting = createDeleting(tools);
  const palette = createPalette({ choose: toggle, tell, signal });

  const may = (act, { dataset }) =>
    act === 'react' || dataset.author === me || (act === 'delete' && 'moderates' in template.dataset);
  const deeds = {
    react: (article, from) => palette.open(from, article.dataset.id),
    edit: (article) => editing.start(article),
    delete: (article) => deleting.start(article),
  };
  createActsSheet({ log, may, toggle: tryToggle, run: (act, article) => deeds[act](article, article), say, signal });

  function move(article) {
    if (!article?.matches('[data-seq]:not(.msg--deleted)')) {
      bar.remove();
      return;
    }
    if (bar.parentElement === article) return;
    for (const button of bar.children) button.hidden = !may(button.dataset.act, article);
    article.append(bar);
    setStops(article, article.contains(document.activeElement));
  }

  // Who works with keys has the bar where the focus is, whatever the pointer rests on.
  log.addEventListener('pointerover', (event) => {
    if (!log.querySelector('.msg:focus-visible, .msg :focus-visible')) move(event.target.closest('.msg'));
  });
  log.addEventListener('focusin', (event) => {
    const article = event.target.closest('.msg');
    if (article) move(article);
  });

  bar.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (button) deeds[button.dataset.act](bar.closest('.msg'), button);
  });

  log.addEventListener('submit', (event) => {
    if (!event.target.matches('.reacts')) return;
    event.preventDefault();
    tryToggle(event.target.closest('.msg').dataset.id, event.submitter.value);
  });

  composer.addEventListener('keydown', (event) => {
    if (
      event.key !== 'ArrowUp' ||
      event.isComposing ||
      event.ctrlKey ||
      event.altKey ||
      event.metaKey ||
      event.shiftKey ||
      composer.value
    )
      return;
    const last = timeline.lastOf(me);
    if (!last) return;
    event.preventDefault();
    editing.start(last, composer);
  });
}
