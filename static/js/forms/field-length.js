// The length limit of text fields. Pasted text is never cut: the field says by how much it is too long, and isn't
// submitted until it fits.
import { queryAll } from '../core/dom.js';
import { pluralize } from '../core/i18n.js';

const LINE_END = /\r\n|[\r\v\f\x85\u2028\u2029]/g;
const CONTROL = /[^\P{Cc}\n\t]/gu;

/**
 * In Unicode characters as the server counts them: a line end is one; control characters, leading empty lines and
 * trailing white space are none.
 * @param {TextField} field
 */
function textLength({ type, value }) {
  const isTextarea = type === 'textarea';
  const text = isTextarea
    ? value
        .replace(LINE_END, '\n')
        .replace(CONTROL, '')
        .replace(/^\s*\n/, '')
        .trimEnd()
    : value.trim();
  return [...text].length;
}

/**
 * By how many characters the text is too long; below 1 it fits.
 * @param {TextField} field
 */
export function textExcess(field) {
  const limit = Number(field.dataset.longest);
  return limit && field.value.length > limit ? textLength(field) - limit : 0;
}

/** @param {TextField} field */
function lengthError(field) {
  const { longOne: one, longOther: other } = document.body.dataset;
  const excess = textExcess(field);
  return excess > 0 ? pluralize({ one, other }, excess) : '';
}

/**
 * Shows in `note` that the field is too long. Other texts shown there stay.
 * @param {TextField} field
 * @param {HTMLElement} note
 */
export function watchLength(field, note) {
  let shown = '';

  function check() {
    const text = lengthError(field);
    if (text === shown && (!text || note.textContent === text)) return;
    if (text || note.textContent === shown) note.textContent = text;
    shown = text;
    field.setCustomValidity(text);
    field.ariaInvalid = text ? 'true' : null;
  }

  field.addEventListener('input', check);
  return { check };
}

/** @type {WeakMap<TextField, { note: HTMLElement, check: () => void }>} */
const watched = new WeakMap();

/**
 * For the fields of a page or of a part that was swapped in. The composer watches its own.
 * @param {ParentNode} content
 */
export function startLengthChecks(content) {
  /** @type {TextField[]} */
  const fields = queryAll(content, '[data-longest]:not(#body)');
  for (const field of fields) {
    const before = watched.get(field);
    if (before?.note.isConnected) {
      before.check();
      continue;
    }
    const existing = document.getElementById(field.getAttribute('aria-describedby') ?? '');
    const note =
      existing ?? Object.assign(document.createElement('p'), { className: 'field__note field__note--error' });
    note.role = 'alert';
    if (!existing) (field.closest('.input') ?? field).after(note);
    const { check } = watchLength(field, note);
    watched.set(field, { note, check });
    check();
  }
}
