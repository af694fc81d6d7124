// The emoji picker and what it searches. Loaded when it is first opened; it imports nothing, so that it stays one file
// of its own: what it shares with the page is passed in.

/**
 * @typedef {object} Emoji
 * @property {number} group
 * @property {string} emoji the characters, or `:name:` of a custom one
 * @property {string} name
 * @property {string[]} codes without colons
 * @property {boolean} hasTones
 * @property {string} [image] the address of a custom one
 * @property {string[]} words all that it is found by, folded; the first ones are of its name
 * @property {number} nameWords how many of them are of its name
 *
 * @typedef {object} Preferences
 * @property {() => string[]} recentEmoji
 * @property {(emoji: string) => void} rememberEmoji
 * @property {() => number} skinTone
 * @property {(tone: number) => void} chooseSkinTone
 */

const LANGUAGES = ['en', 'es'];
const MAX_FOUND = 90;
const CUSTOM = 10; // the group after those of Unicode
const TONES = /[\u{1f3fb}-\u{1f3ff}]/gu;

/**
 * The characters without what does not tell emoji apart: skin tones, and the mark for colours.
 * @param {string} emoji
 */
const plain = (emoji) => emoji.replace(TONES, '').replaceAll('\ufe0f', '');

/**
 * Adds a skin tone to all people and hands, except to the hands that two people hold each other by.
 * @param {string} emoji
 * @param {number} tone
 */
function withTone(emoji, tone) {
  const modifier = String.fromCodePoint(0x1f3fa + tone);
  const base = /(?<!\u200d)(\p{Emoji_Modifier_Base})\ufe0f?|(\p{Emoji_Modifier_Base})(?!\u200d)\ufe0f?/gu;
  return emoji.replace(base, (_, first, later) => (first ?? later) + modifier);
}

/** All emoji of a language, in the order of Unicode. Names of the other languages find them, too. */
export class EmojiCatalogue {
  /** @type {Emoji[]} */
  items = [];
  /** @type {Map<string, Emoji>} */
  #byEmoji = new Map();
  /**
   * Those of the other languages, asked for with the first search.
   * @type {Promise<Emoji[][]> | null}
   */
  #others = null;
  #language;
  #fold;

  /**
   * @param {string} language
   * @param {(text: string) => string} fold
   */
  constructor(language, fold) {
    this.#language = language;
    this.#fold = fold;
  }

  async load() {
    this.items = await this.#fetch(this.#language);
    for (const item of this.items) this.#byEmoji.set(plain(item.emoji), item);
  }

  /**
   * Replaces the custom emoji.
   * @param {{ name: string, address: string }[]} custom
   */
  setCustom(custom) {
    this.items = this.items.filter(({ group }) => group !== CUSTOM);
    for (const [key, { group }] of this.#byEmoji) if (group === CUSTOM) this.#byEmoji.delete(key);
    for (const { name, address } of custom) {
      const words = [...this.#wordsOf(name), name];
      const item = { group: CUSTOM, emoji: `:${name}:`, name, codes: [name], hasTones: false, image: address, words };
      this.items.push({ ...item, nameWords: words.length });
      this.#byEmoji.set(item.emoji, this.items[this.items.length - 1]);
    }
  }

  /** @param {string} language */
  async #fetch(language) {
    const response = await fetch(new URL(`../emoji/${language}.txt`, import.meta.url));
    if (!response.ok) throw new Error(`${response.status} for the emoji`);
    const lines = (await response.text()).trimEnd().split('\n');
    return lines.map((line) => this.#parse(line));
  }

  /**
   * `script/emoji.mjs` describes the line.
   * @param {string} line
   * @returns {Emoji}
   */
  #parse(line) {
    const [group, emoji, name, tags, codes, tones] = line.split('|');
    const nameWords = this.#wordsOf(name);
    const words = [...nameWords, ...this.#wordsOf(`${tags} ${codes}`), ...codes.split(',')];
    return {
      group: Number(group),
      emoji,
      name,
      codes: codes.split(','),
      hasTones: tones === '1',
      words,
      nameWords: nameWords.length,
    };
  }

  /** @param {string} text */
  #wordsOf(text) {
    return this.#fold(text).split(/[^\p{L}\p{N}+-]+/u);
  }

  /**
   * @param {Emoji} item
   * @param {string} emoji with its tone
   */
  draw({ image }, emoji) {
    if (image) return Object.assign(document.createElement('img'), { className: 'emoji', alt: '', src: image });
    return Object.assign(document.createElement('span'), { className: 'emoji', textContent: emoji });
  }

  /**
   * The characters in a skin tone, if it takes one.
   * @param {Emoji} item
   * @param {number} tone
   */
  withTone({ emoji, hasTones }, tone) {
    return hasTones && tone > 0 ? withTone(emoji, tone) : emoji;
  }

  /**
   * An emoji with or without a skin tone.
   * @param {string} emoji
   */
  find(emoji) {
    return this.#byEmoji.get(plain(emoji));
  }

  /**
   * What begins with these words, best first, at most `MAX_FOUND`. Without the other languages until they have arrived.
   * @param {string} text
   * @param {() => void} onMore called once they have
   */
  search(text, onMore) {
    const found = this.#matches(this.items, text);
    if (!this.#others) {
      const others = LANGUAGES.filter((language) => language !== this.#language);
      this.#others = Promise.all(others.map((language) => this.#fetch(language)));
      this.#others.then((lists) => {
        this.#loaded = lists.flat();
        onMore();
      });
      this.#others.catch(() => {
        this.#others = null;
      });
    }
    const known = new Set(found);
    for (const { emoji } of this.#matches(this.#loaded, text)) {
      const item = this.find(emoji);
      if (item && !known.has(item)) found.push(item);
    }
    return found.slice(0, MAX_FOUND);
  }

  /** @type {Emoji[]} */
  #loaded = [];

  /**
   * @param {Emoji[]} items
   * @param {string} text
   */
  #matches(items, text) {
    const code = this.#fold(text.trim()).replace(/^:|:$/g, '');
    const terms = this.#wordsOf(code).filter(Boolean);
    if (terms.length === 0) return [];
    /** @type {Emoji[][]} */
    const ranks = [[], [], [], []];
    for (const item of items) {
      if (item.codes.includes(code)) ranks[0].push(item);
      else if (terms.every((term) => item.words.some((word) => word.startsWith(term)))) {
        const index = item.words.findIndex((word) => word.startsWith(terms[0]));
        ranks[index === 0 ? 1 : index < item.nameWords ? 2 : 3].push(item);
      } else if (item.codes.some((one) => one.startsWith(code))) ranks[3].push(item);
    }
    ranks[1].sort((a, b) => a.name.length - b.name.length); // the plainest first
    return ranks.flat();
  }
}

const GAP = 4; // px
const AHEAD = '160px'; // how far beyond the edge cells are there already

/**
 * @typedef {object} Section
 * @property {HTMLElement} element
 * @property {HTMLElement} grid
 * @property {Emoji[]} items
 * @property {HTMLElement | null} tab
 */

export class EmojiPicker {
  #panel;
  #catalogue;
  #preferences;
  /** @type {HTMLInputElement} */
  #field;
  #list;
  #tones;
  /** @type {Section[]} those of all emoji */
  #groups = [];
  /** @type {Section[]} what is on screen: all groups, or what was found */
  #sections = [];
  /** @type {WeakMap<Element, { item: Emoji, emoji: string }>} */
  #cells = new WeakMap();
  #observer;
  #onChoose = (/** @type {string} */ _emoji) => {};

  /**
   * @param {HTMLElement} panel as the server renders it
   * @param {EmojiCatalogue} catalogue
   * @param {Preferences} preferences
   */
  constructor(panel, catalogue, preferences) {
    this.#panel = panel;
    this.#catalogue = catalogue;
    this.#preferences = preferences;
    this.#field = this.#part('input');
    this.#list = this.#part('.emoji-picker__list');
    this.#tones = this.#part('.emoji-picker__tones');
    this.#observer = new IntersectionObserver((entries) => this.#onScroll(entries), {
      root: this.#list,
      rootMargin: AHEAD,
    });
    this.#listen();
  }

  /**
   * @template {HTMLElement} [T=HTMLElement]
   * @param {string} selector
   * @returns {T}
   */
  #part(selector) {
    return /** @type {T} */ (this.#panel.querySelector(selector));
  }

  #listen() {
    this.#field.addEventListener('input', () => this.#search());
    this.#panel.addEventListener('keydown', (event) => this.#onKey(event));
    this.#panel.addEventListener('click', (event) => this.#onClick(/** @type {Element} */ (event.target)));
    this.#list.addEventListener('scroll', () => this.#markTab(), { passive: true });
    for (const type of ['focusin', 'pointerover'])
      this.#list.addEventListener(type, ({ target }) => {
        const cell = this.#cells.get(/** @type {Element} */ (target).closest('button') ?? this.#panel);
        if (cell) this.#showName(cell.item, cell.emoji);
      });
  }

  /**
   * @param {HTMLElement} anchor
   * @param {(emoji: string) => void} onChoose
   */
  open(anchor, onChoose) {
    this.#onChoose = onChoose;
    this.#field.value = '';
    this.#panel.showPopover();
    this.#tones.hidden = true;
    this.#showTone();
    this.#showGroups();
    this.#place(anchor);
    this.#list.scrollTop = 0;
    // On touch the keyboard would cover half of the sheet.
    if (matchMedia('(pointer: coarse)').matches) this.#focus(0, 0);
    else this.#field.focus();
  }

  /** @param {HTMLElement} anchor */
  #place(anchor) {
    const { style } = this.#panel;
    if (matchMedia('(pointer: coarse)').matches) {
      style.cssText = '';
      return;
    }
    const { top, bottom, left, right } = anchor.getBoundingClientRect();
    const { width, height } = this.#panel.getBoundingClientRect();
    const fitsBelow = bottom + GAP + height <= innerHeight;
    const above = Math.min(top - GAP - height, innerHeight - height - GAP);
    style.insetBlock = `${Math.max(GAP, fitsBelow ? bottom + GAP : above)}px auto`;
    style.insetInline = 'auto';
    const fitsBeside = left + width + GAP <= innerWidth;
    style.left = `${Math.max(GAP, fitsBeside ? left : right - width)}px`;
  }

  #showGroups() {
    const tabs = /** @type {HTMLElement[]} */ ([...this.#panel.querySelectorAll('[role="tab"]')]);
    this.#groups = tabs.map((tab) => {
      const items = this.#catalogue.items.filter(({ group }) => String(group) === tab.dataset.groups);
      return this.#createSection(tab.ariaLabel ?? '', items, tab);
    });
    const recents = this.#groups[0];
    recents.items = this.#preferences.recentEmoji().flatMap((emoji) => this.#catalogue.find(emoji) ?? []);
    this.#show(this.#groups.filter(({ items }) => items.length > 0));
    for (const { tab, items } of this.#groups) if (tab) tab.hidden = items.length === 0;
    this.#fill(recents);
    this.#select(recents.tab);
  }

  /**
   * @param {string} title
   * @param {Emoji[]} items
   * @param {HTMLElement | null} tab
   * @returns {Section}
   */
  #createSection(title, items, tab) {
    const element = document.createElement('section');
    const heading = Object.assign(document.createElement('h3'), { textContent: title });
    const grid = Object.assign(document.createElement('div'), { className: 'emoji-picker__grid' });
    if (tab) {
      element.id = tab.getAttribute('aria-controls') ?? '';
      element.role = 'tabpanel';
    }
    element.ariaLabel = title;
    element.append(heading, grid);
    return { element, grid, items, tab };
  }

  /** @param {Section[]} sections */
  #show(sections) {
    this.#observer.disconnect();
    for (const { grid } of this.#sections) grid.replaceChildren();
    this.#sections = sections;
    this.#list.replaceChildren(...sections.map(({ element }) => element));
    const columns = this.#columns();
    for (const { grid, items, element } of sections) {
      grid.style.setProperty('--rows', String(Math.ceil(items.length / columns)));
      this.#observer.observe(element);
    }
  }

  #columns() {
    const grid = this.#sections[0]?.grid;
    return grid ? getComputedStyle(grid).gridTemplateColumns.split(' ').length : 1;
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #onScroll(entries) {
    for (const { target, isIntersecting } of entries) {
      const section = this.#sections.find(({ element }) => element === target);
      if (!section) continue;
      if (isIntersecting) this.#fill(section);
      else if (!section.grid.contains(document.activeElement)) section.grid.replaceChildren();
    }
  }

  /** @param {Section} section */
  #fill({ grid, items, tab }) {
    if (grid.childElementCount > 0) return;
    const tone = this.#preferences.skinTone();
    const isRecent = tab === this.#groups[0].tab;
    const recent = isRecent ? this.#preferences.recentEmoji().filter((emoji) => this.#catalogue.find(emoji)) : [];
    grid.replaceChildren(
      ...items.map((item, index) => {
        const emoji = recent[index] ?? this.#catalogue.withTone(item, tone);
        const button = Object.assign(document.createElement('button'), {
          type: 'button',
          ariaLabel: item.name,
          tabIndex: -1,
        });
        button.append(this.#catalogue.draw(item, emoji));
        this.#cells.set(button, { item, emoji });
        return button;
      }),
    );
    if (!this.#list.querySelector('button[tabindex="0"]')) grid.querySelector('button')?.setAttribute('tabindex', '0');
  }

  #search() {
    const text = this.#field.value.trim();
    const status = this.#part('[role="status"]');
    const none = this.#part('.emoji-picker__none');
    const items = text ? this.#catalogue.search(text, () => this.#search()) : [];
    none.hidden = !text || items.length > 0;
    status.textContent = '';
    if (!text) this.#showGroups();
    else {
      const { one = '', other = '', none: missing = '' } = status.dataset;
      const sentence = items.length === 0 ? missing : items.length === 1 ? one : other;
      status.textContent = sentence.replace('{n}', String(items.length)).replace('{term}', () => text);
      if (items.length === 0) this.#part('.emoji-picker__none p').textContent = status.textContent;
      const section = this.#createSection(status.textContent, items, null);
      this.#show(items.length > 0 ? [section] : []);
      if (items.length > 0) {
        this.#fill(section);
        this.#showName(items[0], items[0].emoji);
        section.grid.firstElementChild?.classList.add('emoji-picker__first');
      }
      this.#select(null);
    }
    this.#list.scrollTop = 0;
  }

  /**
   * @param {Emoji} item
   * @param {string} emoji
   */
  #showName(item, emoji) {
    this.#part('.emoji-picker__shown').replaceChildren(this.#catalogue.draw(item, emoji));
    this.#part('.emoji-picker__name b').textContent = item.name;
    this.#part('.emoji-picker__name small').textContent = item.codes[0] ? `:${item.codes[0]}:` : '';
  }

  #showTone() {
    const tone = this.#preferences.skinTone();
    const choices = [...this.#tones.querySelectorAll('button')];
    for (const [index, choice] of choices.entries()) {
      choice.ariaChecked = String(index === tone);
      choice.tabIndex = index === tone ? 0 : -1;
    }
    const button = this.#part('.emoji-picker__tone');
    button.ariaExpanded = String(!this.#tones.hidden);
    button.ariaLabel = (button.dataset.label ?? '').replace('{tone}', () => choices[tone].ariaLabel ?? '');
    button.replaceChildren(.../** @type {Element} */ (choices[tone].cloneNode(true)).childNodes);
  }

  /** @param {HTMLElement | null} tab */
  #select(tab) {
    for (const { tab: other } of this.#groups) {
      if (!other) continue;
      other.ariaSelected = String(other === tab);
      other.tabIndex = other === (tab ?? this.#groups[0].tab) ? 0 : -1;
    }
  }

  /** The tab of what is at the upper edge. */
  #markTab() {
    if (this.#sections[0]?.tab == null) return;
    const edge = this.#list.getBoundingClientRect().top + 1;
    const section = this.#sections.find(({ element }) => element.getBoundingClientRect().bottom > edge);
    if (section) this.#select(section.tab);
  }

  /** @param {Element} target */
  #onClick(target) {
    const button = /** @type {HTMLElement | null} */ (target.closest('button'));
    if (!button) return;
    const cell = this.#cells.get(button);
    if (cell) this.#choose(cell.emoji);
    else if (button.role === 'tab') this.#openGroup(button);
    else if (button.role === 'radio') this.#chooseTone(button);
    else {
      this.#tones.hidden = !this.#tones.hidden;
      this.#showTone();
      if (!this.#tones.hidden) this.#part('[aria-checked="true"]').focus();
    }
  }

  /** @param {HTMLElement} choice */
  #chooseTone(choice) {
    this.#preferences.chooseSkinTone([...this.#tones.children].indexOf(choice));
    this.#tones.hidden = true;
    this.#showTone();
    for (const { grid } of this.#sections) grid.replaceChildren();
    this.#show(this.#sections);
    this.#part('.emoji-picker__tone').focus();
  }

  /** @param {string} emoji */
  #choose(emoji) {
    this.#preferences.rememberEmoji(emoji);
    this.#panel.hidePopover(); // the focus returns to where it was
    this.#onChoose(emoji);
  }

  /** @param {HTMLElement} tab */
  #openGroup(tab) {
    if (this.#field.value) {
      this.#field.value = '';
      this.#search();
    }
    const section = this.#sections.find((one) => one.tab === tab);
    if (!section) return;
    this.#fill(section);
    section.element.scrollIntoView({ block: 'start' });
    this.#select(tab);
    tab.focus();
  }

  /**
   * Moves the focus to a cell of a section; both are clamped to what is there.
   * @param {number} at
   * @param {number} index
   */
  #focus(at, index) {
    const section = this.#sections[at];
    if (!section) return;
    this.#fill(section);
    const cell = /** @type {HTMLElement} */ (section.grid.children[Math.min(index, section.items.length - 1)]);
    for (const other of this.#list.querySelectorAll('button[tabindex="0"]')) other.setAttribute('tabindex', '-1');
    cell.tabIndex = 0;
    cell.focus();
    if (index === 0) section.element.scrollIntoView({ block: 'nearest' });
    else cell.scrollIntoView({ block: 'nearest' });
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    let isHandled = false;
    if (target === this.#field) isHandled = this.#onFieldKey(event.key);
    else if (target.role === 'tab' || target.role === 'radio') isHandled = this.#onRowKey(event.key, target);
    else if (this.#cells.has(target)) isHandled = this.#onCellKey(event.key, target);
    if (isHandled) event.preventDefault();
  }

  /** @param {string} key */
  #onFieldKey(key) {
    if (key === 'ArrowDown') this.#focus(0, 0);
    else if (key === 'Enter') {
      const first = this.#sections[0]?.grid.firstElementChild;
      const cell = first && this.#cells.get(first);
      if (cell && this.#field.value.trim()) this.#choose(cell.emoji);
    } else return false;
    return true;
  }

  /**
   * Tabs and tones: arrows choose the next one.
   * @param {string} key
   * @param {HTMLElement} target
   */
  #onRowKey(key, target) {
    const row = /** @type {HTMLElement[]} */ ([...(target.parentElement?.children ?? [])]).filter((one) => !one.hidden);
    const index = row.indexOf(target);
    const step = this.#step(key);
    if (key === 'Escape' && target.role === 'radio') {
      this.#tones.hidden = true;
      this.#showTone();
      this.#part('.emoji-picker__tone').focus();
    } else if (key === 'ArrowDown' && target.role === 'tab') {
      this.#focus(
        Math.max(
          0,
          this.#sections.findIndex(({ tab }) => tab === target),
        ),
        0,
      );
    } else if (key === 'Home' || key === 'End' || step) {
      const next = key === 'Home' ? 0 : key === 'End' ? row.length - 1 : (index + step + row.length) % row.length;
      if (target.role === 'tab') this.#openGroup(row[next]);
      else row[next].focus();
    } else return false;
    return true;
  }

  /**
   * 1 for the arrow in the direction of reading, -1 for the other one.
   * @param {string} key
   */
  #step(key) {
    const forward = getComputedStyle(this.#panel).direction === 'rtl' ? 'ArrowLeft' : 'ArrowRight';
    return key === forward ? 1 : key === 'ArrowLeft' || key === 'ArrowRight' ? -1 : 0;
  }

  /**
   * @param {string} key
   * @param {HTMLElement} target
   */
  #onCellKey(key, target) {
    const at = this.#sections.findIndex(({ grid }) => grid === target.parentElement);
    const { grid, items } = this.#sections[at];
    const index = [...grid.children].indexOf(target);
    const last = this.#sections.length - 1;
    if (key === 'Home') this.#focus(at, 0);
    else if (key === 'End') this.#focus(at, items.length - 1);
    else if (key === 'PageDown') this.#focus(Math.min(at + 1, last), 0);
    else if (key === 'PageUp') this.#focus(Math.max(at - 1, 0), 0);
    else if (key.startsWith('Arrow')) this.#moveFocus(key, at, index);
    else if (key === 'Backspace' || (key.length === 1 && key !== ' ')) {
      this.#field.focus(); // which then takes the key
      return false;
    } else return false;
    return true;
  }

  /**
   * @param {string} key
   * @param {number} at
   * @param {number} index
   */
  #moveFocus(key, at, index) {
    const columns = this.#columns();
    const { items } = this.#sections[at];
    const next = index + (this.#step(key) || (key === 'ArrowDown' ? columns : -columns));
    const column = index % columns;
    if (next >= 0 && next < items.length) this.#focus(at, next);
    else if (next < 0 && at === 0) this.#field.focus();
    else if (next < 0) {
      const count = this.#sections[at - 1].items.length;
      const lastRow = Math.floor((count - 1) / columns) * columns;
      this.#focus(at - 1, key === 'ArrowUp' ? lastRow + column : count - 1);
    } else if (key === 'ArrowDown' && Math.floor(index / columns) < Math.floor((items.length - 1) / columns)) {
      this.#focus(at, items.length - 1);
    } else if (at < this.#sections.length - 1) this.#focus(at + 1, key === 'ArrowDown' ? column : 0);
  }
}
