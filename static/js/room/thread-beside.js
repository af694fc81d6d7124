// A thread beside its room, on wide screens. Its page is fetched and becomes an aside with a room of its own. Loaded when
// the first thread is opened; everywhere else the link leads to the page.
import { closestTo, prefixIds, query } from '../core/dom.js';
import { errorMessage, parseHtml } from '../core/http.js';

const TIMEOUT = 10_000;
const ID_PREFIX = 'thread-';

/**
 * The same element with another tag.
 * @param {Element} element
 * @param {string} tag
 */
function renamed(element, tag) {
  const other = document.createElement(tag);
  for (const { name, value } of element.attributes) other.setAttribute(name, value);
  other.append(...element.childNodes);
  return other;
}

/**
 * @param {string} address
 * @param {AbortSignal} signal
 */
async function fetchThread(address, signal) {
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]);
  const response = await fetch(address, { headers: { accept: 'text/html' }, signal: timeout });
  const main = response.ok ? parseHtml(await response.text()).querySelector('.main--thread') : null;
  if (!main) throw new Error(`${response.status} for a thread`);
  main.querySelector('#banner')?.remove();
  prefixIds(main, ID_PREFIX);
  const aside = renamed(main, 'aside');
  aside.classList.add('main--beside');
  aside.dataset.ids = ID_PREFIX;
  aside.setAttribute('aria-labelledby', `${ID_PREFIX}room-h`);
  const heading = query(aside, 'h1');
  heading.replaceWith(renamed(heading, 'h2'));
  query(aside, '.thread-close').hidden = false;
  return /** @type {RoomElement} */ (aside);
}

/**
 * @typedef {object} ThreadBesideOptions
 * @property {(element: RoomElement, post: import('../navigation/page-navigation.js').PageNavigation['post']) =>
 *   import('./room.js').Room} openRoom
 * @property {() => void} onClose
 */

export class ThreadBeside {
  /** @type {import('./room.js').Room | null} */
  room = null;
  #options;
  #address;
  /** @type {RoomElement | null} */
  #element = null;
  #closing = new AbortController();

  /**
   * @param {string} address of the thread's page
   * @param {ThreadBesideOptions} options
   */
  constructor(address, options) {
    this.#address = address;
    this.#options = options;
  }

  /** The id of the head, and its room. */
  get head() {
    const { thread = '', parent = '' } = this.#element?.dataset ?? {};
    return { id: `m${thread}`, room: Number(parent) };
  }

  /** Shows the thread after the room. Rejects if it can't be loaded. */
  async open() {
    await this.#load();
    query(/** @type {RoomElement} */ (this.#element), 'h2').focus();
  }

  async #load() {
    const element = await fetchThread(this.#address, this.#closing.signal);
    this.room?.close();
    if (this.#element) this.#element.replaceWith(element);
    else query(document, '.main').after(element);
    this.#element = element;
    element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !event.defaultPrevented && !element.querySelector(':popover-open')) this.close();
    });
    element.addEventListener('click', (event) => {
      if (!closestTo(event, '.thread-close')) return;
      event.preventDefault();
      this.close();
    });
    this.#mark(true);
    this.room = this.#options.openRoom(element, (action, fields, callbacks) => this.#post(action, fields, callbacks));
    this.room.start();
  }

  /**
   * The room has a newer rendering of a message: of the head, perhaps. A thread without replies receives no frames.
   * @param {MessageFrame} frame
   */
  updateHead(frame) {
    this.room?.showHead(frame);
    this.#mark(true);
  }

  /**
   * The first reply, and what looks like a slash command, are posted as a form.
   * @param {string} action
   * @param {FormData} fields
   * @param {{ onAccepted: () => void, onRefused: (reason: string) => void }} callbacks
   */
  async #post(action, fields, { onAccepted, onRefused }) {
    try {
      // The type of URLSearchParams doesn't know that a form without files will do.
      const body = new URLSearchParams(/** @type {Record<string, string>} */ (/** @type {unknown} */ (fields)));
      const response = await fetch(action, { method: 'POST', body, signal: AbortSignal.timeout(TIMEOUT) });
      if (!response.ok) {
        onRefused(errorMessage(parseHtml(await response.text())));
        return;
      }
      onAccepted();
      await this.#load();
      this.room?.composer.field.focus();
    } catch {
      onRefused('');
    }
  }

  /** @param {boolean} isOpen */
  #mark(isOpen) {
    const line = document.getElementById(this.head.id)?.querySelector('a.thread-line');
    if (isOpen) line?.setAttribute('aria-current', 'true');
    else line?.removeAttribute('aria-current');
  }

  /** The focus goes back to the line that led here. */
  close() {
    this.#closing.abort();
    const hadFocus = this.#element?.contains(document.activeElement);
    this.#mark(false);
    this.room?.close();
    this.room = null;
    const { id } = this.head;
    this.#element?.remove();
    this.#element = null;
    this.#options.onClose();
    const message = document.getElementById(id);
    const target = /** @type {HTMLElement | null | undefined} */ (message?.querySelector('a.thread-line') ?? message);
    if (hadFocus) target?.focus();
  }
}
