// The field to write in: Enter sends, the field grows, what is begun waits in a draft, and every message gets a nonce of its own.
import { newNonce } from './nonce.js';

/** `onSend(body, nonce)` takes a message over; without it the form posts as forms do. */
export function startComposer(form, { error, draft, onSend, signal }) {
  const field = form.elements.body;
  const nonce = form.elements.nonce;
  const touch = matchMedia('(pointer: coarse)');
  const growsItself = CSS.supports('field-sizing', 'content');

  function fit() {
    if (growsItself) return;
    field.style.blockSize = 'auto';
    field.style.blockSize = `${field.scrollHeight}px`;
  }

  function put(text) {
    field.value = text;
    draft.write(text);
    fit();
  }

  field.addEventListener('input', () => { draft.write(field.value); fit(); });
  field.addEventListener('keydown', (event) => {
    // 229: Safari ends a composition before it tells of the Enter that ended it.
    if (event.key !== 'Enter' || event.shiftKey || event.altKey || event.isComposing || event.keyCode === 229) return;
    if (touch.matches && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    if (field.value.trim()) form.requestSubmit();
  });
  // A page that the back button brings still has the nonce of what was sent then; the server would take new text for the old.
  addEventListener('pageshow', () => { nonce.value = newNonce(); }, { signal });

  if (onSend) form.noValidate = true; // an empty field is no mistake worth a message
  form.addEventListener('submit', (event) => {
    draft.write('');
    if (!onSend) return;
    event.preventDefault();
    const body = field.value.trim();
    field.focus();
    if (!body) return;
    put('');
    error.textContent = '';
    onSend(body, newNonce());
  });

  if (!field.value) field.value = draft.read();
  fit();
  return {
    field,
    /** Gives back what could not be sent, unless something new stands there. */
    giveBack(text, why) {
      error.textContent = why;
      if (!field.value) put(text);
    },
  };
}
