// The field to write in: Enter sends, the field grows, and what is begun waits in a draft until it is sent.

import { newNonce } from '../core/uuid.js';
import { excess, watchLength } from '../forms/field-length.js';

const touch = matchMedia('(pointer: coarse)');
const growsItself = CSS.supports('field-sizing', 'content');

/** Whether a key means to send. 229: Safari ends a composition before it tells of the Enter that ended it. */
export function isSendKey(event) {
  if (event.key !== 'Enter' || event.shiftKey || event.altKey || event.isComposing || event.keyCode === 229)
    return false;
  return !touch.matches || event.ctrlKey || event.metaKey;
}

/** Indentation belongs to a text, empty lines before it and white space at its end do not. */
export const bodyOf = (text) => text.replace(/^\s*\n/, '').trimEnd();

/** `onSend(body, nonce, isLiteral)` takes over a text that fits, a literal one whatever it looks like; it is true where the text is out of the author's hands with that, else the field keeps it until the answer is here. */
export function startComposer(form, { error, draft, onSend, signal }) {
  const field = form.elements.body;

  function fit() {
    if (growsItself) return;
    field.style.blockSize = 'auto';
    field.style.blockSize = `${field.scrollHeight}px`;
  }

  function put(text) {
    field.value = text;
    draft.write(text);
    fit();
    length.check();
  }

  /** Behind what stands there already. */
  function append(text) {
    if (!text.trim()) return;
    put([field.value, text].filter((part) => part.trim()).join('\n'));
    field.setSelectionRange(field.value.length, field.value.length);
  }

  function submit(isLiteral) {
    const body = bodyOf(field.value);
    if (!body || excess(field) > 0) {
      length.check();
      return;
    }
    error.textContent = '';
    if (!onSend(body, draft.nonceFor(field.value), isLiteral)) return;
    draft.clear();
    put('');
  }

  const length = watchLength(field, error);
  field.addEventListener('input', () => {
    draft.write(field.value);
    fit();
  });
  field.addEventListener('keydown', (event) => {
    if (!isSendKey(event)) return;
    event.preventDefault();
    if (field.value.trim()) form.requestSubmit();
  });
  form.noValidate = true; // an empty field is no mistake worth a message
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    field.focus();
    submit(event.submitter?.name === 'literal'); // the button of the answer to what looks like a command
  });
  draft.onTaken((text) => {
    if (field.value === text) {
      field.value = '';
      fit();
    }
  }, signal);

  if (field.value) draft.write(field.value);
  else field.value = draft.read();
  fit();
  length.check();
  const inherit = () => {
    if (!field.value)
      draft.inherit().then((text) => {
        if (text && !field.value && !signal.aborted) {
          put(text);
        }
      });
  };
  inherit();
  // The tab with the text may have ended since, or was just about to when this page was loaded.
  addEventListener('focus', inherit, { signal });

  return {
    field,
    append,
    clear() {
      draft.clear();
    },
    complain(why) {
      error.textContent = why;
    },

    /** What was typed before this room was there: first what was sent, then what was not. A command goes out only where nothing is behind it. */
    take({ sent, rest }, isText) {
      const texts = [...sent];
      while (texts.length && isText(texts[0])) onSend(bodyOf(texts.shift()), newNonce());
      const isLast = texts.length === 1 && !rest.trim() && !field.value;
      append([...texts, rest].filter((text) => text.trim()).join('\n'));
      if (isLast) form.requestSubmit();
    },
  };
}
