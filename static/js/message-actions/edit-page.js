// The form to edit a message on the message's own page. Its text is stored like that of an edit in place, and restored
// whenever either is opened.
import { hasModifier, query } from '../core/dom.js';
import { textExcess } from '../forms/field-length.js';
import { Draft } from '../outbox/draft.js';
import { editDraftTarget } from './edit-message.js';
import { SignedOutError, submitMessageForm } from './message-api.js';

/** @returns {BodyForm | null} */
const findEditForm = () => document.querySelector('form.edit-form[data-failed]');

export function startEditPage() {
  const form = findEditForm();
  if (form) enhanceEditForm(form);
}

/** @param {BodyForm} form */
function enhanceEditForm(form) {
  /** @type {MessageElement} */
  const article = query(document, '.message');
  const field = form.elements.body;
  const draft = new Draft('edit', editDraftTarget(article));

  /**
   * Unless the user is typing already.
   * @param {string} text
   */
  function restore(text) {
    if (!text || field.value !== field.defaultValue) return;
    field.value = text;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }

  async function save() {
    if (field.readOnly || textExcess(field) > 0) return;
    field.readOnly = true;
    try {
      await submitMessageForm(article.dataset.id, 'edit', { body: field.value });
      draft.clear();
      location.assign(`/messages/${Number(article.dataset.id)}`);
    } catch (error) {
      field.readOnly = false;
      const { failed = '', signedOut = '' } = form.dataset;
      const reason = /** @type {Error} */ (error).message || failed;
      query(form, '[role="alert"]').textContent = error instanceof SignedOutError ? signedOut : reason;
      field.focus();
    }
  }

  field.addEventListener('input', () => draft.write(field.value));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    save();
  });
  query(form, 'a').addEventListener('click', (event) => {
    if (!hasModifier(event)) draft.clear(); // cancelled
  });
  if (field.value !== field.defaultValue) draft.write(field.value); // the browser restored the form
  restore(draft.read());
  draft.takeOrphan().then(restore);
}
