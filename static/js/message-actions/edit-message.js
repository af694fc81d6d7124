// Editing a message in its place: the form of its page, put where its text was. Enter saves, Escape gives up; what comes from others meanwhile waits. An open edit is unsent text: it is kept, and is there again whenever its message is.

import { excess, watchLength } from '../forms/field-length.js';
import { createDraft, placesOf } from '../outbox/draft.js';
import { change, editForm } from './message-api.js';

/** Of an open edit: not another message that has got this id since the server's data was replaced. */
export const placeOf = ({ dataset }) => `${dataset.id}.${dataset.at}`;

export function createEditing({ log, me, timeline, keep, show, tell, signal }) {
  const touch = matchMedia('(pointer: coarse)');
  let current = null; // { article, form, home }
  let asked = null;

  /** `home` gets the focus afterwards; without it the message does. */
  async function start(article, home) {
    if (current) {
      current.form.elements.body.focus();
      return;
    }
    if (!(await begin(article, home))) return;
    const field = current.form.elements.body;
    field.focus();
    field.scrollIntoView({ block: 'nearest' });
  }

  async function begin(article, home) {
    asked = article.id;
    try {
      const draft = createDraft('edit', placeOf(article));
      const text = draft.read() || (await draft.inherit());
      const form = await editForm(article.dataset.id);
      const here = document.getElementById(article.id);
      if (asked !== article.id || !here || current || signal.aborted) return false;
      open(here, form, home, draft, text);
      return true;
    } catch (error) {
      tell(error);
      return false;
    }
  }

  function open(article, form, home, draft, text) {
    current = { article, form, home, draft };
    timeline.hold(article);
    keep(() => {
      article.classList.add('msg--editing');
      article.querySelector('.msg__body').after(form);
    });
    const field = form.elements.body;
    field.value = text || field.value;
    field.addEventListener('input', () => draft.write(field.value));
    watchLength(field, form.querySelector('[role="alert"]')).check();
    field.setSelectionRange(field.value.length, field.value.length);
    form.querySelector('a').addEventListener('click', (event) => {
      event.preventDefault();
      finish();
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      save();
    });
    form.addEventListener('keydown', press);
  }

  function press(event) {
    event.stopPropagation(); // the log's own keys mean something else
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Escape') {
      event.preventDefault();
      finish();
      return;
    }
    if (event.target !== current.form.elements.body || event.key !== 'Enter' || event.shiftKey || event.altKey) return;
    if (touch.matches && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    current.form.requestSubmit();
  }

  async function save() {
    const { article, form } = current;
    const field = form.elements.body;
    if (field.readOnly || excess(field) > 0) return;
    field.readOnly = true;
    try {
      finish(await change(article.dataset.id, 'edit', { body: field.value }), form);
    } catch (error) {
      field.readOnly = false;
      form.querySelector('[role="alert"]').textContent = tell.words(error);
      field.focus();
    }
  }

  function finish(fresh, form = current?.form) {
    if (form !== current?.form) {
      if (fresh) show(fresh);
      return;
    } // given up while it was saved
    const { article, home, draft } = current;
    draft.clear();
    current = null;
    keep(() => {
      form.remove();
      article.classList.remove('msg--editing');
      timeline.release(article);
      if (fresh) timeline.put(fresh);
    });
    (home ?? document.getElementById(article.id)).focus({ preventScroll: true });
  }

  /** What was open when the page, the room or the tab was left. */
  async function resume() {
    const places = placesOf('edit');
    for (const article of places.size ? log.querySelectorAll(`.msg[data-author="${CSS.escape(me)}"][data-seq]`) : []) {
      if (places.has(placeOf(article)) && !signal.aborted && !current) await begin(article);
    }
  }

  resume();
  return { start };
}
