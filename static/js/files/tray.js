// The tray of a composer: a parcel for each file, with its picture, its name, how far it is, and words for those who do
// not see it. Loaded with the first file. It imports nothing of the first page, so that no code of it moves into a file
// of its own.
import { asShown, drawPicture } from './pictures.js';
import { UploadQueue } from './uploads.js';

const SHORT_NAME = 16; // characters
const NAME_END = 4; // of a longer name, before its ending, which always show
const MAX_ENDING = 6;
const UNITS = ['B', 'KB', 'MB', 'GB', 'TB']; // as the server says it
const STEP = 1_024;

/** @typedef {import('./uploads.js').FileUpload} FileUpload */

/**
 * @typedef {object} TrayTools
 * @property {(text: string) => void} announce
 * @property {string} locale
 * @property {(forms: PluralForms, n: number) => string} pluralize
 * @property {(html: string) => string} reasonIn the page of a refusal
 * @property {import('./uploads.js').Storage} storage
 * @property {AbortSignal} signal
 */

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {ParentNode} parent
 * @param {string} selector
 */
const query = (parent, selector) => /** @type {T} */ (parent.querySelector(selector));

/**
 * The end says what a file is, so it stays when the middle of the name is cut.
 * @param {string} name
 */
function splitName(name) {
  const characters = Array.from(name);
  if (characters.length <= SHORT_NAME) return [name, ''];
  const ending = Array.from(/\.[^.]+$/.exec(name)?.[0] ?? '').length;
  const end = NAME_END + (ending <= MAX_ENDING ? ending : 0);
  return [characters.slice(0, -end).join(''), characters.slice(-end).join('')];
}

/** @param {string} name */
const kindOf = (name) => (/\.([^.]{1,4})$/.exec(name)?.[1] ?? '').toUpperCase();

export class Tray {
  /** A text was waiting for these files when its room left the screen. */
  resumesSending;
  #form;
  #tools;
  #queue;
  #field;
  #template;
  #element;
  #list;
  #sending;
  #error;
  #description;
  /** @type {Map<FileUpload, HTMLElement>} */
  #rows = new Map();

  /**
   * @param {BodyForm} form
   * @param {string} target
   * @param {TrayTools} tools
   */
  constructor(form, target, tools) {
    const { storage, reasonIn, signal } = tools;
    this.#form = form;
    this.#tools = tools;
    this.#field = form.elements.body;
    this.#template = /** @type {HTMLTemplateElement} */ (document.getElementById('tray')).content;
    this.#element = this.#copy('.tray');
    this.#list = query(this.#element, '.tray__list');
    this.#sending = query(this.#element, '.tray__sending');
    this.#error = query(this.#element, '.tray__error');
    this.#queue = UploadQueue.of(target, storage, reasonIn);
    this.#description = new Description(query(this.#element, '.describe'), this.#queue, this.#field);
    this.resumesSending = this.#queue.stopWaiting !== null;
    this.#queue.stopWaiting?.();
    this.#queue.onChange = (item) => this.#onChange(item);
    signal.addEventListener('abort', () => this.#leave());
    query(this.#sending, 'button').addEventListener('click', () => this.#queue.stopWaiting?.());
    query(form, '.composer__reply').after(this.#element);
  }

  get isEmpty() {
    return this.#queue.items.length === 0;
  }

  get #texts() {
    return query(this.#template, '.tray').dataset;
  }

  /**
   * @param {string} selector
   * @returns {HTMLElement}
   */
  #copy(selector) {
    return /** @type {HTMLElement} */ (query(this.#template, selector).cloneNode(true));
  }

  /** The uploads go on without it. */
  #leave() {
    this.#queue.onChange = () => {};
  }

  async restore() {
    await this.#queue.restore();
    for (const item of this.#queue.items) this.#show(item);
    this.#update();
  }

  /**
   * @param {File[]} files
   * @param {boolean} isPasted
   */
  async add(files, isPasted) {
    const refusals = [];
    let added = 0;
    for (const chosen of files) {
      const file = await asShown(chosen);
      const refusal = this.#refusal(file);
      if (refusal) {
        refusals.push(refusal);
        continue;
      }
      added += 1;
      const item = this.#queue.add(file);
      this.#show(item);
      if (isPasted && isPicture(item)) this.#description.open(item, this.#canvasOf(item));
    }
    this.#error.textContent = refusals.join(' ');
    this.#update();
    if (added) this.#announce(this.#count('started', added));
  }

  /**
   * What is known before anything is sent.
   * @param {File} file
   */
  #refusal({ name, size }) {
    const { maxFiles, maxUpload } = this.#form.dataset;
    const isTooLarge = size > Number(maxUpload);
    if (!isTooLarge && this.#queue.items.length < Number(maxFiles)) return '';
    const limit = isTooLarge ? this.#size(Number(maxUpload)) : (maxFiles ?? '');
    return this.#text(isTooLarge ? 'tooLarge' : 'tooMany', name).replace('{limit}', limit);
  }

  /**
   * Waits for what is on its way.
   * @returns {Promise<SentFile[] | null>} null if something failed, or the user stopped it
   */
  async collect() {
    this.#error.textContent = '';
    this.#setWaiting(true);
    const result = await this.#queue.wait();
    this.#setWaiting(false);
    if (result === 'failed') this.#showFailure();
    if (result !== 'done') return null;
    return this.#queue.items.map(({ url, name, size }) => ({ id: url.replace(/^.*\//, ''), name, size }));
  }

  /** @param {boolean} isWaiting */
  #setWaiting(isWaiting) {
    const isLong = isWaiting && this.#queue.isBusy;
    this.#sending.hidden = !isLong;
    this.#field.readOnly = isLong;
    this.#form.classList.toggle('composer--sending', isLong);
    query(this.#form, '.send-button').ariaDisabled = isLong ? 'true' : null;
    this.#updateSending();
    if (isLong) this.#announce(this.#texts.sending ?? '');
  }

  #updateSending() {
    const { items } = this.#queue;
    const [sent, size] = [items.reduce((sum, it) => sum + it.sent, 0), items.reduce((sum, it) => sum + it.size, 0)];
    query(this.#sending, 'span').textContent = `${this.#texts.sending} ${this.#percent(size ? sent / size : 1)}`;
  }

  #showFailure() {
    const { failed } = this.#queue;
    const key = failed?.isFinal ? 'notAccepted' : 'notSent';
    this.#error.textContent = failed ? this.#text(key, failed.name) : (this.#texts.noConnection ?? '');
  }

  /** They belong to a message now. */
  clear() {
    this.#queue.clear();
    this.#description.close();
    for (const row of this.#rows.values()) row.remove();
    this.#rows.clear();
    this.#update();
  }

  #update() {
    this.#element.hidden = this.isEmpty && this.#error.textContent === '';
  }

  /** @param {FileUpload} item */
  #show(item) {
    if (this.#rows.has(item)) return;
    const row = this.#copy('.parcel');
    const [start, end] = splitName(item.name);
    const [head, tail] = query(row, '.file-name').children;
    head.textContent = start;
    tail.textContent = end;
    query(row, '.parcel__kind').textContent = kindOf(item.name);
    query(row, 'progress').ariaLabel = this.#text('progress', item.name);
    query(row, '.parcel__remove').addEventListener('click', () => this.#remove(item));
    query(row, '.parcel__again').addEventListener('click', () => this.#again(item));
    const alt = query(row, '.parcel__alt');
    alt.hidden = !isPicture(item);
    alt.addEventListener('click', () => this.#description.open(item, this.#canvasOf(item), alt));
    this.#rows.set(item, row);
    this.#list.append(row);
    this.#updateRow(item, row);
    this.#draw(item);
  }

  /** @param {FileUpload} item */
  #canvasOf(item) {
    return /** @type {HTMLCanvasElement} */ (query(/** @type {HTMLElement} */ (this.#rows.get(item)), 'canvas'));
  }

  /** @param {FileUpload} item */
  async #draw(item) {
    const canvas = this.#canvasOf(item);
    if (!item.file || !isPicture(item) || !(await drawPicture(item.file, canvas))) return;
    canvas.hidden = false;
    this.#description.drawn(item, canvas);
  }

  /** @param {FileUpload} item */
  #onChange(item) {
    const row = this.#rows.get(item);
    if (!row) return;
    const { state: before } = row.dataset;
    this.#updateRow(item, row);
    if (!this.#sending.hidden) this.#updateSending();
    if (item.state === 'failed' && before !== 'failed') this.#announce(`${item.name}: ${this.#reason(item)}`);
    else if (item.state === 'done' && before !== 'done' && !this.#queue.isBusy && !this.#queue.failed)
      this.#announce(this.#count('ready', this.#queue.items.length));
    else if (item.state === 'uploading' && item.sent * 2 >= item.size && row.dataset.half === undefined) {
      row.dataset.half = '';
      if (this.#queue.secondsLeft(item)) this.#announce(this.#text('half', item.name));
    }
  }

  /**
   * @param {FileUpload} item
   * @param {HTMLElement} row
   */
  #updateRow(item, row) {
    const { state, name, size, sent, alt, file, isFinal } = item;
    const bar = /** @type {HTMLProgressElement} */ (query(row, 'progress'));
    const again = query(row, '.parcel__again');
    const isRunning = state === 'queued' || state === 'uploading';
    row.dataset.state = state;
    bar.hidden = !isRunning;
    bar.value = size ? sent / size : 0;
    query(row, '.parcel__state').textContent = this.#stateText(item);
    const remove = query(row, '.parcel__remove');
    remove.ariaLabel = this.#text(isRunning ? 'cancel' : 'remove', name);
    again.hidden = (state !== 'failed' || isFinal) && state !== 'lost';
    again.textContent = (file ? this.#texts.again : this.#texts.choose) ?? '';
    const [before, after, action] = query(row, '.parcel__alt').children;
    before.textContent = alt ? '' : '+ ';
    after.textContent = alt ? ' ✓' : '';
    action.textContent = `: ${this.#text(alt ? 'altChange' : 'altAdd', name)}`;
  }

  /** @param {FileUpload} item */
  #stateText(item) {
    const { state, size, sent } = item;
    if (state === 'failed' || state === 'lost') return this.#reason(item);
    if (state === 'done') return `${this.#size(size)} · ${this.#texts.done}`;
    const left = this.#queue.secondsLeft(item);
    const parts = [this.#percent(size ? sent / size : 0), this.#size(size), left === null ? '' : this.#timeLeft(left)];
    return parts.filter(Boolean).join(' · ');
  }

  /** @param {FileUpload} item */
  #reason({ state, reason, status }) {
    if (state === 'lost') return this.#texts.lost ?? '';
    return reason || ((status ? this.#texts.failed : this.#texts.noConnection) ?? '');
  }

  /** @param {FileUpload} item */
  #again(item) {
    this.#error.textContent = '';
    if (item.file) this.#queue.retry(item);
    else query(this.#form, '[data-attach]').click();
  }

  /**
   * The focus goes to the next file, or back to the text.
   * @param {FileUpload} item
   */
  #remove(item) {
    const row = this.#rows.get(item);
    const neighbour = row?.nextElementSibling ?? row?.previousElementSibling;
    this.#queue.remove(item);
    this.#rows.delete(item);
    this.#description.close(item);
    row?.remove();
    this.#error.textContent = '';
    this.#update();
    this.#announce(this.#text('removed', item.name));
    (neighbour ? query(neighbour, '.parcel__remove') : this.#field).focus();
  }

  /** @param {string} text */
  #announce(text) {
    if (!this.#tools.signal.aborted) this.#tools.announce(text);
  }

  /**
   * @param {string} key
   * @param {string} name
   */
  #text(key, name) {
    return (this.#texts[key] ?? '').replace('{name}', () => name);
  }

  /**
   * @param {string} key
   * @param {number} n
   */
  #count(key, n) {
    const { [`${key}One`]: one = '', [`${key}Other`]: other = '' } = this.#texts;
    return this.#tools.pluralize({ one, other }, n);
  }

  /** @param {number} share */
  #percent(share) {
    return new Intl.NumberFormat(this.#tools.locale, { style: 'percent' }).format(share);
  }

  /** @param {number} bytes */
  #size(bytes) {
    let value = bytes;
    let unit = 0;
    for (; value >= STEP && unit < UNITS.length - 1; unit++) value /= STEP;
    const short = value < 10 ? Math.floor(value * 10) / 10 : Math.floor(value);
    return `${new Intl.NumberFormat(this.#tools.locale).format(short)} ${UNITS[unit]}`;
  }

  /** @param {number} seconds */
  #timeLeft(seconds) {
    const [value, unit] = seconds < 60 ? [seconds, 'second'] : [Math.ceil(seconds / 60), 'minute'];
    const time = new Intl.NumberFormat(this.#tools.locale, { style: 'unit', unit, unitDisplay: 'short' }).format(value);
    return this.#text('left', time);
  }
}

/** @param {FileUpload} item */
const isPicture = ({ type }) => type.startsWith('image/');

// What a picture shows, in words: a field beside it, open for one picture at a time.

class Description {
  #element;
  #queue;
  #composerField;
  /** @type {HTMLTextAreaElement} */
  #field;
  #canvas;
  /** @type {FileUpload | null} */
  #item = null;
  /** @type {HTMLElement | undefined} */
  #opener;

  /**
   * @param {HTMLElement} element
   * @param {UploadQueue} queue
   * @param {HTMLTextAreaElement} composerField
   */
  constructor(element, queue, composerField) {
    this.#element = element;
    this.#queue = queue;
    this.#composerField = composerField;
    this.#field = query(element, 'textarea');
    this.#canvas = /** @type {HTMLCanvasElement} */ (query(element, 'canvas'));
    this.#field.addEventListener('input', () => this.#item && queue.describe(this.#item, this.#field.value.trim()));
    this.#field.addEventListener('change', () => queue.storeDescriptions());
    this.#field.addEventListener('keydown', (event) => {
      if (event.isComposing || (event.key !== 'Escape' && (event.key !== 'Enter' || event.shiftKey))) return;
      event.preventDefault();
      event.stopPropagation();
      this.#finish();
    });
    query(element, 'button').addEventListener('click', () => this.#finish());
  }

  /**
   * @param {FileUpload} item
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLElement} [opener] the button that was pressed; without one the focus stays
   */
  open(item, canvas, opener) {
    this.#item = item;
    this.#opener = opener;
    this.#field.value = item.alt;
    this.#element.hidden = false;
    this.#canvas.hidden = true;
    if (!canvas.hidden) this.drawn(item, canvas);
    if (opener) this.#field.focus();
  }

  /**
   * @param {FileUpload} item
   * @param {HTMLCanvasElement} canvas its picture
   */
  drawn(item, canvas) {
    if (item !== this.#item) return;
    this.#canvas.getContext('2d')?.drawImage(canvas, 0, 0, this.#canvas.width, this.#canvas.height);
    this.#canvas.hidden = false;
  }

  #finish() {
    const opener = this.#opener ?? this.#composerField;
    this.#queue.storeDescriptions();
    this.close();
    opener.focus();
  }

  /** @param {FileUpload} [item] if it is this one's */
  close(item) {
    if (item && item !== this.#item) return;
    this.#item = null;
    this.#element.hidden = true;
  }
}
