// The note below a field: its hint, an error, or a confirmation.

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

  /** @param {string} error */
  return (error, confirmation = '') => {
    const text = error || confirmation || hint;
    if (note.textContent !== text) note.textContent = text; // a screen reader would read the same text again
    note.classList.toggle('field__note--error', Boolean(error));
    note.classList.toggle('field__note--success', !error && confirmation !== '');
    input.closest('.input')?.classList.toggle('input--error', Boolean(error));
    input.ariaInvalid = error ? 'true' : null;
  };
}
