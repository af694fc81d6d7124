// The commands, while a text begins with a slash. The server has written the list.
import { startChoices } from './autocomplete.js';

const NAME = /^\/[^\s/]*$/;

export function startCommandMenu(form, menu) {
  if (!menu) return;
  const field = form.elements.body;
  const all = Array.from(menu.querySelectorAll('[role="option"]'));
  const needs = (option) => option.dataset.needs === 'true';

  startChoices(form, menu, {
    find() {
      const name = NAME.exec(field.value)?.[0].toLowerCase();
      if (!name) return null;
      const shown = all.filter((option) => option.dataset.command.startsWith(name));
      for (const option of all) option.hidden = !shown.includes(option);
      return { shown, first: shown.find((option) => option.dataset.command === name) };
    },
    isDone: (option) => !needs(option) && field.value.toLowerCase() === option.dataset.command,
    complete(option) {
      field.value = option.dataset.command + (needs(option) ? ' ' : '');
    },
  });
}
