// How long a text may be. No field cuts what is put into it: it says by how much it is too long, and nothing is sent until it fits.
import { count } from '../core/i18n.js';

const LINE_END = /\r\n|[\r\v\f\x85\u2028\u2029]/g;
const CONTROL = /[^\P{Cc}\n\t]/gu;

/** Characters of Unicode as the server counts them: a line end is one, control characters, empty lines before a text and white space at its end are none. */
function lengthOf({ type, value }) {
  const text =
    type === 'textarea'
      ? value
          .replace(LINE_END, '\n')
          .replace(CONTROL, '')
          .replace(/^\s*\n/, '')
          .trimEnd()
      : value.trim();
  return [...text].length;
}

/** By how many characters the field's text is too long; below 1 it fits. */
export const excess = (field) =>
  field.dataset.longest && field.value.length > field.dataset.longest
    ? lengthOf(field) - Number(field.dataset.longest)
    : 0;

const complaint = (field) => {
  const { longOne: one, longOther: other } = document.body.dataset;
  return excess(field) > 0 ? count({ one, other }, excess(field)) : '';
};

/** Says in `note` by how much the field is too long, as long as it is; what others say there stays. */
export function watchLength(field, note) {
  let said = '';

  function check() {
    const text = complaint(field);
    if (text === said) return;
    if (text || note.textContent === said) note.textContent = text;
    said = text;
    field.setCustomValidity(text);
    field.ariaInvalid = text ? 'true' : null;
  }

  field.addEventListener('input', check);
  return { check };
}

/** The fields of the forms that a page has from the beginning, except the composer, which has more to do. */
export function startLengths() {
  for (const field of document.querySelectorAll('[data-longest]:not(#body)')) {
    const known = document.getElementById(field.getAttribute('aria-describedby'));
    const note = known ?? Object.assign(document.createElement('p'), { className: 'field__note field__note--bad' });
    note.role = 'alert';
    if (!known) (field.closest('.input') ?? field).after(note);
    watchLength(field, note).check();
  }
}
