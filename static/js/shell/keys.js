// Keys that work everywhere in the shell: F6 from landmark to landmark, those that lead to the search, and the one that
// shows all of them.
import { query, queryAll } from '../core/dom.js';
import { fetchPage, parseHtml } from '../core/http.js';

// F6 moves the focus from landmark to landmark of the page, Shift+F6 back.

/** Each landmark and what in it gets the focus; without that, the landmark itself or its first control. */
const LANDMARKS = [
  { selector: '.sidebar', target: '.room[aria-current]' },
  { selector: '.page-header', target: 'h1, h2' },
  { selector: '.log, .page', target: '' },
  { selector: '.composer', target: 'textarea' },
];

/**
 * @param {Node} one
 * @param {Node} other
 */
const isBefore = (one, other) => Boolean(one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);

export function startLandmarkKeys() {
  addEventListener('keydown', (event) => {
    if (event.key !== 'F6' || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const visible = LANDMARKS.flatMap(({ selector, target }) =>
      queryAll(document, selector).map((element) => ({ element, target })),
    )
      .filter(({ element }) => element.checkVisibility())
      // A thread comes after the room that it is beside.
      .sort((one, other) => (isBefore(one.element, other.element) ? -1 : 1));
    const current = visible.findIndex(({ element }) => element.contains(document.activeElement));
    const next = current < 0 ? 0 : (current + (event.shiftKey ? -1 : 1) + visible.length) % visible.length;
    const { element, target } = visible[next];
    const control = element.tabIndex < 0 ? queryAll(element, 'a, button').find((it) => it.checkVisibility()) : element;
    ((target && query(element, target)) || control)?.focus();
  });
}

// Ctrl+Shift+F (⇧⌘F on a Mac) leads to the search. That its results follow what is typed is written in the page.

/** There, ⌘ is the key for shortcuts: Control moves and deletes in text. */
export const IS_MAC = /^(?:Mac|iP)/.test(navigator.platform);

/** @param {KeyboardEvent} event */
const isShortcut = ({ key, ctrlKey, metaKey, shiftKey, altKey }) =>
  key.toLowerCase() === 'f' && shiftKey && !altKey && ctrlKey !== IS_MAC && metaKey === IS_MAC;

/** @param {(address: string, room: number) => void} goTo */
export function startSearch(goTo) {
  addEventListener('keydown', (event) => {
    if (!isShortcut(event)) return;
    event.preventDefault();
    /** @type {HTMLInputElement | null} */
    const field = document.querySelector('#search [name=q]');
    if (field) {
      field.focus();
      field.select();
    } else goTo(new URL('/search', location.href).href, 0);
  });
}

// "?" shows the list of keys over the page, and hides it.

const TYPING = 'input, textarea, select, [contenteditable]';

/** Whether single letters are shortcuts: speech input and trembling hands press them by accident (WCAG 2.1.4). */
export const hasLetterKeys = () => document.documentElement.dataset.letterKeys !== 'off';

/**
 * On a Mac, ⌘ is the key for shortcuts.
 * @param {ParentNode} list
 */
export function nameKeys(list) {
  if (!IS_MAC) return;
  for (const key of queryAll(list, 'kbd')) if (key.textContent === 'Ctrl') key.textContent = '⌘';
}

export function startKeysSheet() {
  /** @type {HTMLDialogElement | null} */
  let sheet = null;

  async function open() {
    const answer = await fetchPage('/keys', { signal: AbortSignal.timeout(10_000) });
    if (!answer?.ok) return;
    const page = parseHtml(await answer.text());
    /** @type {HTMLElement | null} */
    const list = page.querySelector('#keys');
    const title = page.querySelector('#page-h')?.textContent ?? '';
    if (!list || sheet) return;
    nameKeys(list);
    sheet = Object.assign(document.createElement('dialog'), { className: 'keys-sheet', ariaLabel: title });
    const heading = Object.assign(document.createElement('h2'), { textContent: title });
    const button = query(page, '.page-header a.icon-btn').firstElementChild;
    const close = Object.assign(document.createElement('button'), { className: 'icon-btn', type: 'button' });
    close.ariaLabel = query(document, '.sidebar__close').ariaLabel;
    close.append(button ?? '');
    close.addEventListener('click', () => sheet?.close());
    const header = Object.assign(document.createElement('header'), { className: 'keys-sheet__header' });
    header.append(heading, close);
    // A list that scrolls must be reachable with the keyboard.
    sheet.append(header, Object.assign(list, { tabIndex: 0 }));
    sheet.setAttribute('closedby', 'any');
    sheet.addEventListener('close', () => {
      sheet?.remove();
      sheet = null;
    });
    document.body.append(sheet);
    sheet.showModal();
  }

  addEventListener('keydown', (event) => {
    const { key, ctrlKey, metaKey, altKey, target } = event;
    if (key !== '?' || ctrlKey || metaKey || altKey || !hasLetterKeys()) return;
    if (/** @type {Element} */ (target).closest(TYPING)) return;
    event.preventDefault();
    if (sheet) sheet.close();
    else open();
  });
}
