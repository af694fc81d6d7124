// Checks the registration form as it is filled in: whether name and e-mail address are available, and whether the
// password is repeated correctly. It only informs; the server decides.
import { createFieldNote } from './field-note.js';

const DEBOUNCE = 400;
/** @type {Record<string, RegExp>} */
const PLAUSIBLE = { name: /^..+$/u, email: /^[^\s@]+@[^\s@]+\.[^\s@]+$/u };

/**
 * @param {HTMLInputElement} input
 * @param {string} [confirmation]
 */
function watchAvailability(input, confirmation) {
  const showNote = createFieldNote(input);
  /** @type {string | null} */
  let checked = input.value;
  /** @type {AbortController | null} */
  let request = null;
  let timer = 0;

  async function check() {
    clearTimeout(timer);
    const { name, value } = input;
    if (value === checked || !PLAUSIBLE[name].test(value.trim())) return;
    checked = value;
    request = new AbortController();
    const { signal } = request;
    try {
      const response = await fetch(`/register/available?${new URLSearchParams({ [name]: value })}`, { signal });
      // If it was rate limited, the form says so when it is submitted.
      if (response.ok) showNote((await response.json()).complaint, confirmation);
    } catch {
      // The user has typed on, or there is no network.
    }
  }

  input.addEventListener('input', () => {
    request?.abort();
    checked = null;
    showNote(''); // the note was about another text
    clearTimeout(timer);
    timer = setTimeout(check, DEBOUNCE);
  });
  input.addEventListener('blur', check);
}

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
  for (const name of Object.keys(PLAUSIBLE)) watchAvailability(input(name), form.dataset.available);
  watchRepetition(input('password'), input('password_confirmation'), form.dataset.differs ?? '');
}
