// Completes slash commands. The server has rendered the list.
import { queryAll } from '../core/dom.js';
import { Autocomplete } from './autocomplete.js';

const COMMAND = /^\/[^\s/]*$/;

/**
 * @param {BodyForm} form
 * @param {HTMLElement | null} listbox
 */
export function startCommandAutocomplete(form, listbox) {
  if (!listbox) return;
  const field = form.elements.body;
  /** @type {OptionElement[]} */
  const allOptions = queryAll(listbox, '[role="option"]');
  /** @param {OptionElement} option */
  const takesArguments = (option) => option.dataset.needs === 'true';

  new Autocomplete(form, listbox, {
    match() {
      const typed = COMMAND.exec(field.value)?.[0].toLowerCase();
      if (!typed) return null;
      const options = allOptions.filter((option) => option.dataset.command.startsWith(typed));
      for (const option of allOptions) option.hidden = !options.includes(option);
      return { options, preferred: options.find((option) => option.dataset.command === typed) };
    },
    isComplete: (option) => !takesArguments(option) && field.value.toLowerCase() === option.dataset.command,
    complete(option) {
      field.value = option.dataset.command + (takesArguments(option) ? ' ' : '');
    },
  });
}
