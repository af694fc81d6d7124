// Choosing several users in one field: those chosen stand in it, those who fit are a list below it. Without this script
// the field takes names with commas between them. Loaded on the page that has such a field.
import { closestTo, query, queryAll } from '../core/dom.js';
import { fetchPage, parseHtml } from '../core/http.js';

const SEARCH_DELAY = 200; // ms

class Chooser {
  #form;
  /** @type {HTMLInputElement} */
  #input;
  #note;
  /** @type {HTMLElement} */
  #box;
  #value = Object.assign(document.createElement('input'), { type: 'hidden', name: 'names' });
  #list = Object.assign(document.createElement('ul'), { className: 'chooser__list', id: 'chooser-list' });
  /**
   * Handles and display names.
   * @type {Map<string, string>}
   */
  #chosen = new Map();
  #request = new AbortController();
  #timer = 0;

  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.#form = form;
    this.#input = query(form, 'input[name="names"]');
    this.#note = query(form, '.field__note');
    this.#box = /** @type {HTMLElement} */ (this.#input.parentElement);
    this.#build();
    this.#listen();
    this.#showChosen();
    this.#search();
  }

  #build() {
    const input = this.#input;
    for (const name of input.value.split(/[\s,]+/).filter(Boolean)) this.#chosen.set(name, name);
    input.removeAttribute('name');
    input.value = '';
    input.role = 'combobox';
    input.ariaExpanded = 'true';
    input.ariaAutoComplete = 'list';
    input.setAttribute('aria-controls', this.#list.id);
    this.#list.role = 'listbox';
    this.#list.ariaLabel = query(this.#form, 'label').textContent;
    this.#list.ariaMultiSelectable = 'true';
    this.#note.role = 'status';
    this.#box.classList.add('chooser');
    this.#box.closest('.field')?.append(this.#list);
    this.#form.append(this.#value);
  }

  #listen() {
    this.#input.addEventListener('keydown', (event) => this.#onKey(event));
    this.#input.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#search(), SEARCH_DELAY);
    });
    this.#list.addEventListener('mousedown', (event) => event.preventDefault()); // the focus stays in the field
    this.#list.addEventListener('click', (event) => {
      const option = closestTo(event, '.member');
      if (option) this.#toggle(option);
    });
    this.#box.addEventListener('click', (event) => {
      const chip = closestTo(event, '.chip');
      if (!chip) return;
      this.#chosen.delete(chip.dataset.handle ?? '');
      this.#showChosen();
      this.#input.focus();
    });
  }

  get #options() {
    return queryAll(this.#list, '.member');
  }

  #showChosen() {
    const { most = '', count = '', remove = '' } = this.#form.dataset;
    this.#value.value = Array.from(this.#chosen.keys()).join(',');
    this.#note.textContent = count.replace('{n}', String(this.#chosen.size)).replace('{most}', most);
    for (const chip of queryAll(this.#box, '.chip')) chip.remove();
    for (const [handle, called] of this.#chosen) {
      const chip = Object.assign(document.createElement('button'), { type: 'button', className: 'chip' });
      chip.dataset.handle = handle;
      chip.ariaLabel = remove.replace('{name}', called);
      chip.append(Object.assign(document.createElement('bdi'), { textContent: called }), ' ×');
      this.#input.before(chip);
    }
    for (const option of this.#options) option.ariaSelected = String(this.#chosen.has(option.dataset.handle ?? ''));
    this.#input.required = this.#chosen.size === 0;
  }

  /** @param {HTMLElement | undefined} option */
  #setActive(option) {
    this.#list.querySelector('.is-active')?.classList.remove('is-active');
    option?.classList.add('is-active');
    option?.scrollIntoView({ block: 'nearest' });
    if (option) this.#input.setAttribute('aria-activedescendant', option.id);
    else this.#input.removeAttribute('aria-activedescendant');
  }

  /** @param {HTMLElement} option */
  #toggle({ dataset: { handle = '', name = '' } }) {
    const { most = '', full = '' } = this.#form.dataset;
    if (!this.#chosen.delete(handle)) {
      if (this.#chosen.size >= Number(most)) {
        this.#note.textContent = full.replace('{most}', most);
        return;
      }
      this.#chosen.set(handle, name);
    }
    this.#input.value = '';
    this.#showChosen();
    this.#search();
  }

  async #search() {
    this.#request.abort();
    this.#request = new AbortController();
    const { signal } = this.#request;
    const address = `/people?q=${encodeURIComponent(this.#input.value.trim())}`;
    const answer = await fetchPage(address, { headers: { 'patio-part': 'rows' }, signal });
    if (!answer?.ok || signal.aborted || !this.#form.isConnected) return;
    const rows = queryAll(parseHtml(await answer.text()), '.member');
    for (const row of rows) {
      row.id = `choose-${row.dataset.user}`;
      row.role = 'option';
      for (const link of queryAll(row, 'a')) link.replaceWith(...link.childNodes);
    }
    this.#list.replaceChildren(...rows);
    this.#showChosen();
    this.#setActive(this.#input.value ? rows[0] : undefined);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const options = this.#options;
    const active = options.find((option) => option.classList.contains('is-active'));
    const at = active ? options.indexOf(active) : -1;
    if (event.key === 'ArrowDown') this.#setActive(options[(at + 1) % options.length]);
    else if (event.key === 'ArrowUp') this.#setActive(options.at(Math.max(at, 0) - 1));
    else if (event.key === 'Enter' && active) this.#toggle(active);
    else if (event.key === 'Backspace' && !this.#input.value && this.#chosen.size > 0) {
      this.#chosen.delete(Array.from(this.#chosen.keys()).at(-1) ?? '');
      this.#showChosen();
    } else return;
    event.preventDefault();
  }
}

/** @param {HTMLFormElement} form */
export const startChooser = (form) => new Chooser(form);
