// A list above the composer of what a word that one types may become: it opens while the word is typed, narrows, and completes it.
const KEYS = { ArrowUp: -1, ArrowDown: 1 };
const CARET = ['ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp', 'PageDown'];

/**
 * `find()` gives `{ shown, first }`, the options that fit and the one to begin with; null where no such word is typed.
 * `isDone(option)`: the word is that already, and Enter means what it always means. `complete(option)` writes it.
 */
export function startChoices(form, menu, { find, isDone, complete }) {
  const field = form.elements.body;
  let shown = [];
  let chosen = null;
  let dismissed = false; // by Escape; holds until another word is begun

  function choose(option) {
    chosen?.setAttribute('aria-selected', 'false');
    chosen = option;
    chosen.setAttribute('aria-selected', 'true');
    chosen.scrollIntoView({ block: 'nearest' });
    field.setAttribute('aria-activedescendant', chosen.id);
  }

  // A text area may not be called a combobox or expanded; which option is active is what it can say, and enough to hear it.
  function close() {
    if (menu.hidden) return;
    menu.hidden = true;
    for (const name of ['aria-controls', 'aria-autocomplete', 'aria-activedescendant']) field.removeAttribute(name);
  }

  function update() {
    const found = find();
    if (!found) dismissed = false;
    shown = found?.shown ?? [];
    if (dismissed || shown.length === 0) {
      close();
      return;
    }
    menu.hidden = false;
    field.setAttribute('aria-controls', menu.id);
    field.setAttribute('aria-autocomplete', 'list');
    choose(found.first ?? (shown.includes(chosen) ? chosen : shown[0]));
  }

  function take(option) {
    complete(option);
    field.dispatchEvent(new Event('input', { bubbles: true }));
    close();
  }

  function press(event) {
    if (event.key === 'Tab' && event.shiftKey) close(); // no stop on the way back
    if (
      menu.hidden ||
      event.isComposing ||
      event.keyCode === 229 ||
      event.ctrlKey ||
      event.altKey ||
      event.metaKey ||
      event.shiftKey
    )
      return;
    if (CARET.includes(event.key)) {
      close();
      return;
    } // to another word
    if (event.key in KEYS) choose(shown[(shown.indexOf(chosen) + KEYS[event.key] + shown.length) % shown.length]);
    else if (event.key === 'Escape') {
      dismissed = true;
      close();
    } else if (event.key === 'Tab') take(chosen);
    else if (event.key !== 'Enter') return;
    else if (isDone(chosen)) {
      close();
      return;
    } else take(chosen);
    event.preventDefault();
    event.stopPropagation();
  }

  menu.tabIndex = 0; // what scrolls must be open to the keyboard
  field.addEventListener('input', update);
  field.addEventListener('blur', close);
  form.addEventListener(
    'keydown',
    (event) => {
      if (event.target === field) press(event);
    },
    { capture: true },
  ); // before the field sends or leaves
  form.addEventListener('submit', close);
  menu.addEventListener('mousedown', (event) => event.preventDefault()); // the focus stays in the field
  menu.addEventListener('click', (event) => {
    const option = event.target.closest('[role="option"]');
    if (option) take(option);
  });
}
