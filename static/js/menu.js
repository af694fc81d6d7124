// The list of commands above the composer: opens with "/", narrows while the command's name is typed, and completes it.
const NAME = /^\/[^\s/]*$/;
const KEYS = { ArrowUp: -1, ArrowDown: 1 };

export function startMenu(form, menu) {
  if (!menu) return;
  const field = form.elements.body;
  const all = Array.from(menu.querySelectorAll('[role="option"]'));
  let shown = [];
  let chosen = null;
  let dismissed = false; // by Escape; holds until another command is begun

  const needs = (option) => option.dataset.needs === 'true';

  function choose(option) {
    chosen?.setAttribute('aria-selected', 'false');
    chosen = option;
    chosen.setAttribute('aria-selected', 'true');
    chosen.scrollIntoView({ block: 'nearest' });
    field.setAttribute('aria-activedescendant', chosen.id);
  }

  // A text area may not be called a combobox or expanded; which option is active is what it can say, and enough to hear it.
  function close() {
    menu.hidden = true;
    for (const name of ['aria-controls', 'aria-autocomplete', 'aria-activedescendant']) field.removeAttribute(name);
  }

  function update() {
    const name = NAME.exec(field.value)?.[0].toLowerCase();
    if (!name) dismissed = false;
    shown = all.filter((option) => name && option.dataset.command.startsWith(name));
    if (dismissed || shown.length === 0) { close(); return; }
    for (const option of all) option.hidden = !shown.includes(option);
    menu.hidden = false;
    field.setAttribute('aria-controls', menu.id);
    field.setAttribute('aria-autocomplete', 'list');
    const exact = shown.find((option) => option.dataset.command === name);
    choose(exact ?? (shown.includes(chosen) ? chosen : shown[0]));
  }

  function complete(option) {
    field.value = option.dataset.command + (needs(option) ? ' ' : '');
    field.dispatchEvent(new Event('input', { bubbles: true }));
    close();
  }

  function press(event) {
    if (event.key === 'Tab' && event.shiftKey) close(); // no stop on the way back
    if (menu.hidden || event.isComposing || event.keyCode === 229 || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if (event.key in KEYS) choose(shown[(shown.indexOf(chosen) + KEYS[event.key] + shown.length) % shown.length]);
    else if (event.key === 'Escape') { dismissed = true; close(); }
    else if (event.key === 'Tab') complete(chosen);
    else if (event.key !== 'Enter') return;
    else if (!needs(chosen) && field.value.toLowerCase() === chosen.dataset.command) { close(); return; }
    else complete(chosen);
    event.preventDefault();
    event.stopPropagation();
  }

  menu.tabIndex = 0; // what scrolls must be open to the keyboard
  field.addEventListener('input', update);
  field.addEventListener('blur', close);
  form.addEventListener('keydown', (event) => { if (event.target === field) press(event); }, { capture: true }); // before the field sends or leaves
  form.addEventListener('submit', close);
  menu.addEventListener('mousedown', (event) => event.preventDefault()); // the focus stays in the field
  menu.addEventListener('click', (event) => {
    const option = event.target.closest('[role="option"]');
    if (option) complete(option);
  });
}
