// The quick switcher: Ctrl+K (⌘K on a Mac) or the button in the sidebar opens a list of rooms and users, which narrows
// as the user types. Enter on what is none of them searches the messages.
import { byId, closestTo, hasModifier, isComposing, query, queryAll } from '../core/dom.js';
import { foldText, matchDistance } from '../core/fuzzy-match.js';
import { parseHtml } from '../core/http.js';
import { pluralize } from '../core/i18n.js';
import { IS_MAC } from './keys.js';

const TIMEOUT = 10_000;
const MAX_SHOWN = 50; // a letter or two narrow the list further

// On a Mac, Control+K deletes to the end of the line.
/** @param {KeyboardEvent} event */
const isShortcut = (event) =>
  event.key.toLowerCase() === 'k' &&
  event.ctrlKey !== IS_MAC &&
  event.metaKey === IS_MAC &&
  !event.shiftKey &&
  !event.altKey &&
  !event.isComposing;

/**
 * Turns the link to the search, which works without scripts, into a button.
 * @param {HTMLElement} link
 * @param {() => void} onClick
 */
function replaceLink(link, onClick) {
  const button = Object.assign(document.createElement('button'), {
    type: 'button',
    id: link.id,
    className: link.className,
  });
  button.append(...link.childNodes);
  button.setAttribute('aria-haspopup', 'dialog');
  button.setAttribute('aria-keyshortcuts', IS_MAC ? 'Meta+K' : 'Control+K');
  const shortcut = query(button, 'kbd');
  shortcut.textContent = IS_MAC ? '⌘K' : 'Ctrl K';
  shortcut.hidden = false;
  button.addEventListener('click', onClick);
  link.replaceWith(button);
}

/**
 * Copies the unread badge from the sidebar, which is always up to date.
 * @param {OptionElement} option
 */
function markUnread(option) {
  option.querySelector('.badge')?.remove();
  const badge = query(document, `.sidebar [data-room="${Number(option.dataset.room)}"] .badge:not([hidden])`);
  if (badge) option.append(badge.cloneNode(true));
  option.classList.toggle('menu-item--unread', Boolean(badge));
}

/** @param {OptionElement} option */
const isUnread = (option) => option.classList.contains('menu-item--unread');

async function fetchOptions() {
  const response = await fetch('/switcher', {
    headers: { accept: 'text/html' },
    signal: AbortSignal.timeout(TIMEOUT),
  });
  if (!response.ok || response.redirected) throw new Error(`${response.status} for the list`);
  /** @type {OptionElement[]} */
  const options = queryAll(parseHtml(await response.text()), '[role="option"]');
  for (const option of options) {
    option.dataset.name = foldText(query(option, ':scope > bdi').textContent);
    option.dataset.also = foldText(option.dataset.also);
  }
  return options;
}

class QuickSwitcher {
  #goTo;
  #dialog;
  /** @type {HTMLInputElement} */
  #field = byId('switcher-field');
  #list = byId('switcher-list');
  #status;
  /**
   * All options in the server's order, once loaded.
   * @type {OptionElement[] | null}
   */
  #options = null;
  /** @type {OptionElement[]} */
  #shown = [];
  /** @type {OptionElement | null} */
  #selected = null;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {(address: string, room: number) => void} goTo
   */
  constructor(dialog, goTo) {
    this.#dialog = dialog;
    this.#goTo = goTo;
    this.#status = query(dialog, '.switcher__count');
    this.#listen();
    replaceLink(byId('goto'), () => this.#toggle());
  }

  #listen() {
    this.#field.addEventListener('input', () => this.#filter());
    this.#field.addEventListener('keydown', (event) => this.#onKey(event));
    this.#list.addEventListener('mousedown', (event) => event.preventDefault()); // the focus stays in the field
    this.#dialog.addEventListener('click', (event) => {
      /** @type {OptionElement | null} */
      const option = closestTo(event, '[role="option"]');
      // Besides the options, the backdrop and the close button close it.
      if (option) this.#choose(option);
      else if (event.target === this.#dialog || closestTo(event, 'button')) this.#dialog.close();
    });
    addEventListener('keydown', (event) => {
      if (!isShortcut(event)) return;
      event.preventDefault();
      this.#toggle();
    });
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (isComposing(event) || hasModifier(event)) return;
    const index = this.#selected ? this.#shown.indexOf(this.#selected) : -1;
    const count = this.#shown.length;
    if (event.key === 'ArrowUp') this.#select(this.#shown[(index - 1 + count) % count]);
    else if (event.key === 'ArrowDown') this.#select(this.#shown[(index + 1) % count]);
    else if (event.key === 'Home') this.#select(this.#shown[0]);
    else if (event.key === 'End') this.#select(this.#shown[count - 1]);
    else if (event.key !== 'Enter') return;
    else if (this.#selected) this.#choose(this.#selected);
    else this.#search(this.#field.value.trim());
    event.preventDefault();
  }

  /** @param {OptionElement | undefined} option */
  #select(option = undefined) {
    this.#selected?.setAttribute('aria-selected', 'false');
    this.#selected = option ?? null;
    option?.setAttribute('aria-selected', 'true');
    option?.scrollIntoView({ block: 'nearest' });
    if (option) this.#field.setAttribute('aria-activedescendant', option.id);
    else this.#field.removeAttribute('aria-activedescendant');
  }

  #filter() {
    if (!this.#options) return;
    const term = foldText(this.#field.value.trim());
    const matches = this.#options
      .map((option) => {
        const { name, also } = option.dataset;
        return { option, distance: Math.min(matchDistance(term, name), matchDistance(term, also)) };
      })
      .filter(({ distance }) => distance < Infinity)
      .sort((a, b) => a.distance - b.distance || Number(isUnread(b.option)) - Number(isUnread(a.option)));
    this.#shown = matches.slice(0, MAX_SHOWN).map(({ option }) => option);
    this.#list.replaceChildren(...this.#shown);
    this.#list.hidden = this.#shown.length === 0;
    this.#field.ariaExpanded = String(this.#shown.length > 0);
    const { dataset } = this.#status;
    this.#status.textContent = this.#shown.length > 0 ? pluralize(dataset, matches.length) : (dataset.none ?? '');
    this.#select(this.#shown[0]);
  }

  /** Updates the options without changing which one is selected. */
  #refresh() {
    const path = this.#selected?.dataset.path;
    this.#options?.forEach(markUnread);
    this.#filter();
    this.#select(this.#shown.find((option) => option.dataset.path === path) ?? this.#shown[0]);
  }

  async #load() {
    try {
      this.#options = await fetchOptions();
      this.#refresh();
    } catch {
      // The options loaded before are still good.
      if (!this.#options) this.#status.textContent = this.#status.dataset.away ?? '';
    }
  }

  #toggle() {
    if (this.#dialog.open) {
      this.#dialog.close();
      return;
    }
    // Closing them moves the focus back, so it has to happen before the dialog opens.
    for (const popover of queryAll(document, ':popover-open')) popover.hidePopover();
    this.#field.value = '';
    this.#selected = null;
    this.#refresh();
    this.#dialog.showModal();
    this.#load();
  }

  /** @param {string} text */
  #search(text) {
    if (!text || !this.#options) return;
    this.#dialog.close();
    this.#goTo(new URL(`/search?q=${encodeURIComponent(text)}`, location.href).href, 0);
  }

  /** @param {OptionElement} option */
  #choose(option) {
    this.#dialog.close();
    this.#goTo(new URL(option.dataset.path, location.href).href, Number(option.dataset.room));
  }
}

/** @param {(address: string, room: number) => void} goTo */
export function startQuickSwitcher(goTo) {
  const dialog = /** @type {HTMLDialogElement | null} */ (document.getElementById('switcher'));
  if (dialog) new QuickSwitcher(dialog, goTo);
}
