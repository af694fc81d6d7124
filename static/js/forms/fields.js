// The fields of forms: their length limit, the note below them, passwords that can be shown, and what the registration
// says while it is filled in.
import { byId, closestTo, queryAll } from '../core/dom.js';
import { pluralize } from '../core/i18n.js';

// The length limit of text fields. Pasted text is never cut: the field says by how much it is too long, and isn't
// submitted until it fits.

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

// The note below a field: its hint, an error, or a confirmation.

// A note that appears moves what is below it. While the pointer is down, notes wait: otherwise a button would move away
// between press and release, and the click would be lost.
let isPressed = false;
/** @type {Map<object, () => void>} */
const waiting = new Map();

document.addEventListener('pointerdown', () => (isPressed = true), true);
for (const type of ['pointerup', 'pointercancel']) {
  document.addEventListener(
    type,
    () => {
      isPressed = false;
      // The click comes right after this event.
      setTimeout(() => {
        for (const show of waiting.values()) show();
        waiting.clear();
      });
    },
    true,
  );
}

/** @returns {Promise<void>} */
export const whenReleased = async () => (isPressed ? new Promise((resolve) => waiting.set({}, resolve)) : undefined);

/**
 * Returns the function that shows an error, or a confirmation, or else the hint.
 * @param {HTMLInputElement} input
 */
function createFieldNote(input) {
  const id = `${input.id}-note`;
  const existing = document.getElementById(id);
  const note = existing ?? Object.assign(document.createElement('p'), { id, className: 'field__note' });
  const hint = input.ariaInvalid === 'true' ? '' : note.textContent;
  if (!existing) input.closest('.field')?.append(note);
  note.ariaLive = 'polite';
  input.setAttribute('aria-describedby', id);

  /**
   * @param {string} error
   * @param {string} confirmation
   */
  const show = (error, confirmation) => {
    const text = error || confirmation || hint;
    if (note.textContent !== text) note.textContent = text; // a screen reader would read the same text again
    note.classList.toggle('field__note--error', Boolean(error));
    note.classList.toggle('field__note--success', !error && confirmation !== '');
    input.closest('.input')?.classList.toggle('input--error', Boolean(error));
    input.ariaInvalid = error ? 'true' : null;
  };

  /** @param {string} error */
  return (error, confirmation = '') => {
    if (isPressed) waiting.set(note, () => show(error, confirmation));
    else show(error, confirmation);
  };
}

// "Show password". The button is hidden without scripts.

/** @param {ParentNode} content */
export function showRevealButtons(content) {
  for (const button of queryAll(content, '[data-reveal]')) button.hidden = false;
}

export function startPasswordReveal() {
  document.addEventListener('click', (event) => {
    const button = closestTo(event, '[data-reveal]');
    if (!button) return;
    /** @type {HTMLInputElement} */
    const input = byId(button.dataset.reveal ?? '');
    const isShown = input.type === 'text';
    input.type = isShown ? 'password' : 'text';
    button.ariaPressed = String(!isShown);
  });
}

// The registration form as it is filled in: whether the password is repeated correctly, and that what was said about a
// name is gone once another one is being typed. Whether a name is available is asked by its field itself (hx-get).

const DEBOUNCE = 400;

/**
 * @param {HTMLInputElement} password
 * @param {HTMLInputElement} repetition
 * @param {string} error
 */
function watchRepetition(password, repetition, error) {
  const showNote = createFieldNote(repetition);
  let timer = 0;

  function check() {
    clearTimeout(timer);
    showNote(repetition.value && repetition.value !== password.value ? error : '');
  }

  function checkSoon() {
    clearTimeout(timer);
    // While the user is still repeating it, an incomplete password is no mistake.
    if (password.value.startsWith(repetition.value)) showNote('');
    else timer = setTimeout(check, DEBOUNCE);
  }

  for (const input of [password, repetition]) {
    input.addEventListener('input', checkSoon);
    input.addEventListener('blur', () => {
      if (repetition.value) check();
    });
  }
}

export function startRegistration() {
  const form = /** @type {HTMLFormElement | null} */ (document.getElementById('register'));
  if (!form) return;
  /** @param {string} name */
  const input = (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
  for (const field of [input('name'), input('email')]) {
    const showNote = createFieldNote(field);
    field.addEventListener('input', () => showNote(''));
  }
  watchRepetition(input('password'), input('password_confirmation'), form.dataset.differs ?? '');
}
