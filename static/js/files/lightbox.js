// The pictures of a message, one at a time on a dark stage over the page. Loaded with the first picture that is opened.
// What it shows is on the page already; the address and the way back belong to navigation/page-links.js. It imports
// nothing, so that no code of the first page moves into a file of its own.

const MAX_ZOOM = 8;
const ZOOM_STEP = 1.5;
const PAN = 80; // px for each key
const SWIPE = 50; // px

/**
 * What the server writes on the link around a picture.
 * @typedef {object} PictureData
 * @property {string} src that is shown
 * @property {string} original
 * @property {string} name
 * @property {string} size in words
 * @property {string} alt
 * @property {string} width in pixels; empty if unknown
 * @property {string} height
 */

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {ParentNode} parent
 * @param {string} selector
 */
const query = (parent, selector) => /** @type {T} */ (parent.querySelector(selector));

/** @param {HTMLElement} link */
const dataOf = ({ dataset }) => /** @type {PictureData} */ (/** @type {unknown} */ (dataset));

/**
 * @typedef {object} LightboxOptions
 * @property {(picture: string) => void} onStep another picture is shown, whose address ends like this
 * @property {() => void} onClose the user closes it
 */

export class Lightbox {
  #options;
  #dialog;
  #image;
  #view;
  #texts;
  /** @type {HTMLAnchorElement[]} */
  #links = [];
  #at = 0;
  #zoom = 1;

  /** @param {LightboxOptions} options */
  constructor(options) {
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById('lightbox'));
    this.#options = options;
    this.#dialog = /** @type {HTMLDialogElement} */ (query(template.content, 'dialog').cloneNode(true));
    this.#texts = this.#dialog.dataset;
    this.#view = query(this.#dialog, '.lightbox__view');
    this.#image = /** @type {HTMLImageElement} */ (query(this.#view, 'img'));
    document.body.append(this.#dialog);
    this.#listenToKeys();
    this.#listenToSwipes();
    this.#dialog.addEventListener('click', (event) => this.#press(event));
    this.#dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.#options.onClose();
    });
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** @param {HTMLAnchorElement} link around the picture */
  open(link) {
    const article = /** @type {HTMLElement} */ (link.closest('.message'));
    this.#links = Array.from(article.querySelectorAll('a.shot'));
    this.#fillHeader(article);
    this.#fillStrip();
    this.#show(this.#links.indexOf(link));
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#view.focus();
  }

  /** The focus goes to the picture that was shown last. */
  close() {
    if (!this.#dialog.open) return;
    this.#dialog.close();
    this.#image.removeAttribute('src');
    const link = this.#links[this.#at];
    const visible = link.checkVisibility() ? link : this.#links.filter((other) => other.checkVisibility()).at(-1);
    visible?.focus();
  }

  /** @param {HTMLElement} article */
  #fillHeader(article) {
    const by = query(this.#dialog, '.lightbox__by');
    const avatar = article.querySelector('.avatar')?.cloneNode(true);
    const time = /** @type {HTMLTimeElement | null} */ (article.querySelector('.message__time'));
    by.querySelector('.avatar')?.remove();
    if (avatar) by.prepend(avatar);
    query(by, 'bdi').textContent = article.querySelector('.message__author')?.textContent ?? '';
    query(by, 'small').textContent = time?.title || time?.textContent || '';
  }

  #fillStrip() {
    const strip = query(this.#dialog, '.lightbox__strip');
    const items = this.#links.map((link, n) => {
      const item = document.createElement('a');
      const image = Object.assign(new Image(64, 48), { alt: '', loading: 'lazy', src: dataOf(link).src });
      item.href = link.href;
      item.dataset.at = String(n);
      item.ariaLabel = this.#text('picture', n + 1);
      item.append(image);
      return item;
    });
    strip.replaceChildren(...items);
    strip.hidden = items.length < 2;
  }

  /**
   * @param {string} key
   * @param {number} n
   */
  #text(key, n) {
    const text = this.#texts[key] ?? '';
    return text.replace('{n}', String(n)).replace('{all}', String(this.#links.length));
  }

  /** @param {number} at */
  #show(at) {
    const { src, original, alt, width, height, name, size } = dataOf(this.#links[at]);
    this.#at = at;
    this.#setZoom(1);
    this.#image.width = Number(width);
    this.#image.height = Number(height);
    for (const side of ['width', 'height'])
      if (!Number(this.#image.getAttribute(side))) this.#image.removeAttribute(side);
    this.#image.alt = alt || name;
    this.#image.src = src;
    const download = /** @type {HTMLAnchorElement} */ (query(this.#dialog, '[data-do="download"]'));
    download.href = original;
    download.download = name;
    download.ariaLabel = (this.#texts.download ?? '').replace('{name}', () => size);
    /** @type {HTMLAnchorElement} */ (query(this.#dialog, '[data-do="original"]')).href = original;
    query(this.#dialog, '.lightbox__words p').textContent = alt;
    query(this.#dialog, '.lightbox__words small').textContent =
      this.#links.length > 1 ? this.#text('count', at + 1) : '';
    this.#dialog.ariaLabel = `${this.#text('count', at + 1)}: ${alt || name}`;
    query(this.#dialog, '[data-do="back"]').hidden = at === 0;
    query(this.#dialog, '[data-do="next"]').hidden = at === this.#links.length - 1;
    this.#markInStrip();
  }

  #markInStrip() {
    for (const [n, item] of Array.from(query(this.#dialog, '.lightbox__strip').children).entries()) {
      if (n === this.#at) {
        item.setAttribute('aria-current', 'true');
        item.scrollIntoView({ block: 'nearest', inline: 'nearest' });
      } else item.removeAttribute('aria-current');
    }
  }

  /** @param {number} at */
  #step(at) {
    if (at < 0 || at >= this.#links.length || at === this.#at) return;
    const hadFocus = this.#dialog.contains(document.activeElement) && document.activeElement?.matches('[data-do]');
    this.#show(at);
    this.#options.onStep(this.#links[at].dataset.picture ?? '');
    if (hadFocus && !(/** @type {HTMLElement} */ (document.activeElement).checkVisibility())) this.#view.focus();
  }

  /**
   * The picture fits at 1. A larger one is the original, in a view that scrolls.
   * @param {number} zoom
   */
  #setZoom(zoom) {
    this.#zoom = Math.min(Math.max(zoom, 1), MAX_ZOOM);
    const isLarge = this.#zoom > 1;
    if (isLarge && !this.#dialog.classList.contains('lightbox--large')) {
      const { width } = this.#image.getBoundingClientRect();
      this.#image.dataset.fit = String(width);
      this.#image.src = dataOf(this.#links[this.#at]).original;
    }
    this.#dialog.classList.toggle('lightbox--large', isLarge);
    this.#image.style.inlineSize = isLarge ? `${Number(this.#image.dataset.fit) * this.#zoom}px` : '';
    if (!isLarge) return;
    this.#view.scrollTo(
      (this.#view.scrollWidth - this.#view.clientWidth) / 2,
      (this.#view.scrollHeight - this.#view.clientHeight) / 2,
    );
  }

  /** @param {MouseEvent} event */
  #press(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const control = /** @type {HTMLElement | null} */ (target.closest('[data-do], [data-at]'));
    const { at, do: action } = control?.dataset ?? {};
    const isPlain = !(event.ctrlKey || event.metaKey || event.shiftKey);
    if (at !== undefined && isPlain) {
      event.preventDefault();
      this.#step(Number(at));
    } else if (action) this.#act(action);
    else if (target === this.#view)
      this.#options.onClose(); // beside the picture
    else if (target === this.#image) this.#setZoom(this.#zoom > 1 ? 1 : 2);
  }

  /** @param {string} action */
  #act(action) {
    if (action === 'back') this.#step(this.#at - 1);
    else if (action === 'next') this.#step(this.#at + 1);
    else if (action === 'larger') this.#setZoom(this.#zoom * ZOOM_STEP);
    else if (action === 'smaller') this.#setZoom(this.#zoom / ZOOM_STEP);
    else if (action === 'close') this.#options.onClose();
  }

  #listenToKeys() {
    /** @type {Record<string, () => void>} */
    const keys = {
      '+': () => this.#setZoom(this.#zoom * ZOOM_STEP),
      '=': () => this.#setZoom(this.#zoom * ZOOM_STEP),
      '-': () => this.#setZoom(this.#zoom / ZOOM_STEP),
      0: () => this.#setZoom(1),
      Home: () => this.#step(0),
      End: () => this.#step(this.#links.length - 1),
      ArrowLeft: () => this.#move(-1, 0),
      ArrowRight: () => this.#move(1, 0),
      ArrowUp: () => this.#move(0, -1),
      ArrowDown: () => this.#move(0, 1),
    };
    this.#dialog.addEventListener('keydown', (event) => {
      const { key, ctrlKey, metaKey, altKey } = event;
      event.stopPropagation(); // the page below has keys of its own
      if (ctrlKey || metaKey || altKey || !(key in keys)) return;
      event.preventDefault();
      keys[key]();
    });
  }

  /**
   * To another picture, or within a large one.
   * @param {number} x
   * @param {number} y
   */
  #move(x, y) {
    if (this.#zoom > 1) this.#view.scrollBy(x * PAN, y * PAN);
    else if (x) this.#step(this.#at + x);
  }

  #listenToSwipes() {
    /** @type {{ x: number, y: number } | null} */
    let start = null;
    this.#view.addEventListener('pointerdown', ({ pointerType, isPrimary, clientX: x, clientY: y }) => {
      const isZoomed = this.#zoom > 1 || (window.visualViewport?.scale ?? 1) > 1;
      start = pointerType === 'touch' && isPrimary && !isZoomed ? { x, y } : null;
    });
    this.#view.addEventListener('pointercancel', () => {
      start = null;
    });
    this.#view.addEventListener('pointerup', ({ clientX, clientY }) => {
      if (!start) return;
      const [x, y] = [clientX - start.x, clientY - start.y];
      start = null;
      if (Math.abs(x) > SWIPE && Math.abs(x) > 2 * Math.abs(y)) this.#step(this.#at - Math.sign(x));
      else if (y > 2 * SWIPE && y > 2 * Math.abs(x)) this.#options.onClose();
    });
  }
}
