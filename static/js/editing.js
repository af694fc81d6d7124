// Editing a message in its place: the form of its page, put where its text was. Enter saves, Escape gives up; what comes from others meanwhile waits. An edit that was left with its room is there again on the way back.
import { change, editForm } from './change.js';

const left = new Map(); // the id of a message → the text that somebody had come to

export function createEditing({ timeline, keep, show, tell, signal }) {
  const touch = matchMedia('(pointer: coarse)');
  let current = null; // { article, form, home }
  let asked = null;

  /** `home` gets the focus afterwards; without it the message does. */
  async function start(article, home) {
    if (current) { current.form.elements.body.focus(); return; }
    if (!await begin(article, home)) return;
    const field = current.form.elements.body;
    field.focus();
    field.scrollIntoView({ block: 'nearest' });
  }

  async function begin(article, home) {
    asked = article.id;
    try {
      const form = await editForm(article.dataset.id);
      const here = document.getElementById(article.id);
      if (asked !== article.id || !here || current || signal.aborted) return false;
      open(here, form, home);
      return true;
    } catch (error) {
      tell(error);
      return false;
    }
  }

  function open(article, form, home) {
    current = { article, form, home };
    timeline.hold(article);
    keep(() => {
      article.classList.add('msg--editing');
      article.querySelector('.msg__body').after(form);
    });
    const field = form.elements.body;
    field.value = left.get(article.dataset.id) ?? field.value;
    left.delete(article.dataset.id);
    field.setSelectionRange(field.value.length, field.value.length);
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

  signal.addEventListener('abort', () => { if (current) left.set(current.article.dataset.id, current.form.elements.body.value); });
  for (const id of left.keys()) {
    const article = document.getElementById(`m${id}`);
    if (article) begin(article);
  }

  return { start };
}
