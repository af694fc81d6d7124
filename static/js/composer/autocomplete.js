// A list above the composer with completions for the word at the caret: opens while the word is typed, narrows, and
// completes it.
import { closestTo, hasModifier, isComposing } from '../core/dom.js';

const CARET_KEYS = ['ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp', 'PageDown'];

/**
 * @typedef {object} AutocompleteSource
 * @property {() => { options: OptionElement[], preferred?: Element | null } | null} match the options for the word at
 *   the caret and the one to select first; null if there is no such word
 * @property {(option: OptionElement) => boolean} isComplete the word is the option already, so Enter means what it
 *   always does
 * @property {(option: OptionElement) => void} complete
 */

export class Autocomplete {
  #field;
  #listbox;
  #source;
  /** @type {OptionElement[]} */
  #options = [];
  /** @type {OptionElement | null} */
  #selected = null;
  #isDismissed = false; // with Escape, until another word starts

  /**
   * @param {BodyForm} form
   * @param {HTMLElement} listbox
   * @param {AutocompleteSource} source
   */
  constructor(form, listbox, source) {
    const field = form.elements.body;
    this.#field = field;
    this.#listbox = listbox;
    this.#source = source;
    listbox.tabIndex = 0; // a scrollable area must be reachable with the keyboard
    field.addEventListener('input', () => this.#update());
    field.addEventListener('blur', () => this.#close());
    // Capturing on the form comes before the handlers of the field, which send the message or leave the field.
    form.addEventListener(
      'keydown',
      (event) => {
        if (event.target === field) this.#onKey(event);
      },
      { capture: true },
    );
    form.addEventListener('submit', () => this.#close());
    listbox.addEventListener('mousedown', (event) => event.preventDefault()); // the focus stays in the field
    listbox.addEventListener('click', (event) => {
      /** @type {OptionElement | null} */
      const option = closestTo(event, '[role="option"]');
      if (option) this.#complete(option);
    });
  }

  /** There are other options for the same word. What the user has selected stays selected. */
  refresh() {
    if (document.activeElement !== this.#field) return;
    const name = this.#listbox.hidden ? undefined : this.#selected?.dataset.name;
    this.#update();
    const same = this.#options.find((option) => option.dataset.name === name);
    if (name && same) this.#select(same);
  }

  /** @param {OptionElement} option */
  #select(option) {
    this.#selected?.setAttribute('aria-selected', 'false');
    this.#selected = option;
    option.setAttribute('aria-selected', 'true');
    option.scrollIntoView({ block: 'nearest' });
    this.#field.setAttribute('aria-activedescendant', option.id);
  }

  // ARIA allows neither role=combobox nor aria-expanded on a textarea; aria-activedescendant has to do.
  #close() {
    if (this.#listbox.hidden) return;
    this.#listbox.hidden = true;
    for (const name of ['aria-controls', 'aria-autocomplete', 'aria-activedescendant'])
      this.#field.removeAttribute(name);
  }

  #update() {
    const match = this.#source.match();
    if (!match) this.#isDismissed = false;
    this.#options = match?.options ?? [];
    if (this.#isDismissed || this.#options.length === 0) {
      this.#close();
      return;
    }
    this.#listbox.hidden = false;
    this.#field.setAttribute('aria-controls', this.#listbox.id);
    this.#field.setAttribute('aria-autocomplete', 'list');
    const selected = this.#options.find((option) => option === this.#selected);
    this.#select(/** @type {OptionElement} */ (match?.preferred ?? selected ?? this.#options[0]));
  }

  /** @param {OptionElement} option */
  #complete(option) {
    this.#source.complete(option);
    this.#field.dispatchEvent(new Event('input', { bubbles: true }));
    this.#close();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key === 'Tab' && event.shiftKey) this.#close(); // the list is no tab stop on the way back
    if (this.#listbox.hidden || isComposing(event) || hasModifier(event)) return;
    if (CARET_KEYS.includes(event.key)) {
      this.#close(); // the caret moves to another word
      return;
    }
    if (!this.#selected || !this.#handleKey(event.key, this.#selected)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * False if the key keeps its meaning.
   * @param {string} key
   * @param {OptionElement} selected
   */
  #handleKey(key, selected) {
    const index = this.#options.indexOf(selected);
    const count = this.#options.length;
    if (key === 'ArrowUp') this.#select(this.#options[(index - 1 + count) % count]);
    else if (key === 'ArrowDown') this.#select(this.#options[(index + 1) % count]);
    else if (key === 'Escape') {
      this.#isDismissed = true;
      this.#close();
    } else if (key === 'Enter' && this.#source.isComplete(selected)) {
      this.#close();
      return false;
    } else if (key === 'Tab' || key === 'Enter') this.#complete(selected);
    else return false;
    return true;
  }
}
