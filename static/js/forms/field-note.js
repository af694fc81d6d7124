// What stands below a field: its hint, a complaint, or a word that all is well.
export function createNote(input) {
  const id = `${input.id}-note`;
  const known = document.getElementById(id);
  const note = known ?? Object.assign(document.createElement('p'), { id, className: 'field__note' });
  const hint = input.ariaInvalid === 'true' ? '' : note.textContent;
  if (!known) input.closest('.field').append(note);
  note.ariaLive = 'polite';
  input.setAttribute('aria-describedby', id);

  return (complaint, praise = '') => {
    const text = complaint || praise || hint;
    if (note.textContent !== text) note.textContent = text; // said twice it would be heard twice
    note.classList.toggle('field__note--bad', Boolean(complaint));
    note.classList.toggle('field__note--good', !complaint && praise !== '');
    input.closest('.input').classList.toggle('input--bad', Boolean(complaint));
    input.ariaInvalid = complaint ? 'true' : null;
  };
}
