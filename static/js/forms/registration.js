// The registration form as it is filled in: whether the password is repeated correctly, and that what was said about a
// name is gone once another one is being typed. Whether a name is available is asked by its field itself (hx-get).
import { createFieldNote } from './field-note.js';

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
