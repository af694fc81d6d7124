// The form to edit a message on the message's own page. What is typed there is kept and saved as an edit in the message's place is, and is there again whenever that is opened, here or there.

import { excess } from '../forms/field-length.js';
import { createDraft } from '../outbox/draft.js';
import { placeOf } from './edit-message.js';
import { change, SignedOut } from './message-api.js';

export const findEditForm = () => document.querySelector('form.edit[data-failed]');

export function startEditForm() {
  const form = findEditForm();
  if (!form) return;
  const article = document.querySelector('.msg');
  const field = form.elements.body;
  const draft = createDraft('edit', placeOf(article));

  /** What was begun before, unless somebody is at it already. */
  function offer(text) {
    if (!text || field.value !== field.defaultValue) return;
    field.value = text;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }

  async function save() {
    if (field.readOnly || excess(field) > 0) return;
    field.readOnly = true;
    try {
      await change(article.dataset.id, 'edit', { body: field.value });
      draft.clear();
      location.assign(`/messages/${Number(article.dataset.id)}`);
    } catch (error) {
      field.readOnly = false;
      const { failed, signedOut } = form.dataset;
      form.querySelector('[role="alert"]').textContent =
        error instanceof SignedOut ? signedOut : error.message || failed;
      field.focus();
    }
  }

  field.addEventListener('input', () => draft.write(field.value));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    save();
  });
  form.querySelector('a').addEventListener('click', ({ ctrlKey, metaKey, shiftKey }) => {
    if (!ctrlKey && !metaKey && !shiftKey) draft.clear();
  }); // given up
  if (field.value !== field.defaultValue) draft.write(field.value); // the browser brought it back
  offer(draft.read());
  draft.inherit().then(offer);
}
