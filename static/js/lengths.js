// How long a text may be. No field cuts what is put into it: it says by how much it is too long, and nothing is sent until it fits.
import { count } from './words.js';

const CONTROL = /[^\P{Cc}\n\t]/gu;

/** Characters of Unicode as the server counts them: line ends are one, control characters and white space around the text none. */
function lengthOf(field) {
  if (field.type === 'password') return [...field.value].length;
  return [...field.value.replace(/\r\n?/g, '\n').replace(CONTROL, '').trim()].length;
}

/** By how many characters the field's text is too long; below 1 it fits. */
export const excess = (field) => (field.dataset.longest && field.value.length > field.dataset.longest ? lengthOf(field) - Number(field.dataset.longest) : 0);

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
