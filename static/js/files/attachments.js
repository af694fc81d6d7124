// The files that go with a text, as far as the first page needs them: a button, a key, a drop, a paste or what an earlier
// page has left opens the tray, which is loaded then. It must not know how files get to the server.
import { closestTo, partOf, query, queryAll } from '../core/dom.js';
import { errorMessage, parseHtml } from '../core/http.js';
import { locale, pluralize } from '../core/i18n.js';
import { liveTabIds, newNonce, tabId } from '../outbox/draft.js';
import { loadRecord, recordIds, removeRecord, saveRecord } from '../outbox/storage.js';

/**
 * Files of the computer, and not a picture of a page.
 * @param {DataTransfer | null} data
 */
const holdsFiles = (data) => Boolean(data?.types.includes('Files') && !data.types.includes('text/html'));

/**
 * Folders are left out: browsers hand them over as files that cannot be read.
 * @param {DataTransfer} data
 */
const filesIn = ({ items }) =>
  Array.from(items)
    .filter((item) => item.kind === 'file' && !item.webkitGetAsEntry()?.isDirectory)
    .flatMap((item) => item.getAsFile() ?? []);

/**
 * @typedef {object} AttachmentOptions
 * @property {HTMLElement} element that takes a drop: the room, or the thread beside it
 * @property {BodyForm} form
 * @property {string | number} target the room, or the path that its first message is posted to
 * @property {(text: string) => void} announce
 * @property {() => void} onFailure the tray did not load
 * @property {() => void} onResume a text waits for its files since before this room was on screen
 * @property {AbortSignal} signal
 */

export class Attachments {
  #options;
  /** @type {HTMLInputElement} */
  #input;
  /** @type {Promise<import('./tray.js').Tray> | null} */
  #loading = null;
  /** @type {import('./tray.js').Tray | null} */
  #tray = null;

  /** @param {AttachmentOptions} options */
  constructor(options) {
    const { form, target } = options;
    this.#options = options;
    this.#input = query(form, '[name="files"]');
    if (!this.#input) return; // an archived room
    this.#input.removeAttribute('name'); // files are on the server before the form is sent
    this.#listenToComposer();
    this.#listenToDrops();
    if (recordIds('tray', `${encodeURIComponent(target)}:`).length) this.#open().catch(() => {});
  }

  /** False while that is not known yet. */
  get isEmpty() {
    return this.#tray ? this.#tray.isEmpty : !this.#loading;
  }

  /**
   * The files, as soon as all of them have arrived. Null if one of them cannot, or the user stops waiting: the tray says
   * it.
   * @returns {Promise<SentFile[] | null>}
   */
  async collect() {
    return (await this.#loading)?.collect() ?? [];
  }

  /** The files belong to a message now. */
  clear() {
    this.#tray?.clear();
  }

  #listenToComposer() {
    const { form, signal } = this.#options;
    const field = form.elements.body;
    form.addEventListener('click', (event) => {
      const button = /** @type {HTMLElement | null} */ (closestTo(event, '[data-attach]'));
      if (button) this.#choose(button.dataset.attach === 'camera');
    });
    this.#input.addEventListener('change', () => {
      this.#add(Array.from(this.#input.files ?? []));
      this.#input.value = '';
    });
    field.addEventListener('paste', (event) => {
      const data = /** @type {DataTransfer} */ (event.clipboardData);
      // Office programs add a picture of the text.
      const isText = ['text/plain', 'text/html'].every((type) => data.types.includes(type));
      if (!data.files.length || isText) return;
      event.preventDefault();
      this.#add(Array.from(data.files), true);
    });
    field.addEventListener(
      'keydown',
      (event) => {
        const { ctrlKey, metaKey, shiftKey, altKey, key } = event;
        if (ctrlKey === metaKey || shiftKey || altKey || key.toLowerCase() !== 'u') return;
        event.preventDefault();
        this.#choose(false);
      },
      { signal },
    );
  }

  /** One wash over the room. A drop beside it does nothing, where the browser would leave the page for the file. */
  #listenToDrops() {
    const { element, form, signal } = this.#options;
    const wash = partOf(form, 'drop');
    const show = (/** @type {DragEvent} */ event) => {
      if (!holdsFiles(event.dataTransfer) || form.hidden) return;
      event.preventDefault();
      event.stopPropagation();
      wash.hidden = false;
    };
    element.addEventListener('dragenter', show);
    element.addEventListener('dragover', show);
    element.addEventListener('dragleave', ({ relatedTarget }) => {
      if (!element.contains(/** @type {Node | null} */ (relatedTarget))) wash.hidden = true;
    });
    element.addEventListener('drop', (event) => {
      if (wash.hidden || !event.dataTransfer) return;
      event.preventDefault();
      wash.hidden = true;
      this.#add(filesIn(event.dataTransfer));
      form.elements.body.focus();
    });
    const refuse = (/** @type {DragEvent} */ event) => {
      if (!holdsFiles(event.dataTransfer)) return;
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'none';
    };
    document.addEventListener('dragover', refuse, { signal });
  }

  /** @param {boolean} isCamera */
  #choose(isCamera) {
    this.#input.accept = isCamera ? 'image/*' : '';
    if (isCamera) this.#input.setAttribute('capture', 'environment');
    else this.#input.removeAttribute('capture');
    for (const sheet of queryAll(this.#options.form, '.composer__tools:popover-open')) sheet.hidePopover();
    this.#input.click();
  }

  /**
   * @param {File[]} files
   * @param {boolean} [isPasted]
   */
  async #add(files, isPasted = false) {
    try {
      await (await this.#open()).add(files, isPasted);
    } catch {
      this.#options.onFailure();
    }
  }

  /** What is not there is asked for again the next time. */
  #open() {
    this.#loading ??= this.#load().catch((error) => {
      this.#loading = null;
      throw error;
    });
    return this.#loading;
  }

  /** The tray imports nothing of the first page, so that no code of it moves into a file of its own. */
  async #load() {
    const { form, target, announce, signal, onResume } = this.#options;
    const { Tray } = await import('./tray.js');
    const storage = { loadRecord, recordIds, removeRecord, saveRecord, liveTabIds, tabId, newKey: newNonce };
    const reasonIn = (/** @type {string} */ html) => errorMessage(parseHtml(html));
    const tools = { announce, locale, pluralize, reasonIn, storage, signal };
    const tray = new Tray(form, encodeURIComponent(target), tools);
    await tray.restore();
    this.#tray = tray;
    if (tray.resumesSending) onResume();
    return tray;
  }
}
