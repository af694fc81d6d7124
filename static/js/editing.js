// Editing a message in its place: the form of its page, put where its text was. Enter saves, Escape gives up; what comes from others meanwhile waits.
import { change, editForm } from './change.js';

export function createEditing({ timeline, keep, show, tell }) {
  const touch = matchMedia('(pointer: coarse)');
  let current = null; // { article, form, home }
  let asked = null;

  /** `home` gets the focus afterwards; without it the message does. */
  async function start(article, home) {
    if (current) { current.form.elements.body.focus(); return; }
    asked = article.id;
    try {
      const form = await editForm(article.dataset.id);
      const here = document.getElementById(article.id);
      if (asked === article.id && here && !current) open(here, form, home);
    } catch (error) { tell(error); }
  }

  function open(article, form, home) {
    current = { article, form, home };
    timeline.hold(article);
    keep(() => {
      article.classList.add('msg--editing');
      article.querySelector('.msg__body').after(form);
    });
    const field = form.elements.body;
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
    field.scrollIntoView({ block: 'nearest' });
    form.querySelector('a').addEventListener('click', (event) => { event.preventDefault(); finish(); });
    form.addEventListener('submit', (event) => { event.preventDefault(); save(); });
    form.addEventListener('keydown', press);
  }

  function press(event) {
    event.stopPropagation(); // the log's own keys mean something else
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Escape') { event.preventDefault(); finish(); return; }
    if (event.target !== current.form.elements.body || event.key !== 'Enter' || event.shiftKey || event.altKey) return;
    if (touch.matches && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    current.form.requestSubmit();
  }

  async function save() {
    const { article, form } = current;
    const field = form.elements.body;
    if (field.readOnly) return;
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
    if (form !== current?.form) { if (fresh) show(fresh); return; } // given up while it was saved
    const { article, home } = current;
    current = null;
    keep(() => {
      form.remove();
      article.classList.remove('msg--editing');
      timeline.release(article);
      if (fresh) timeline.put(fresh);
    });
    (home ?? document.getElementById(article.id)).focus({ preventScroll: true });
  }

  return { start };
}
