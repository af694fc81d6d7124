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
export function createFieldNote(input) {
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
