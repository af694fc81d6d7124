// What the composer offers while a slash command, a mention or an emoji is typed.
import { byId, closestTo, hasModifier, isComposing, query, queryAll } from '../core/dom.js';
import { foldText, matchDistance } from '../core/fuzzy-match.js';
import { insertEmoji, loadEmoji, rememberEmoji, skinTone } from '../emoji/emoji.js';

// A list above the composer with completions for the word at the caret: opens while the word is typed, narrows, and
// completes it.

const CARET_KEYS = ['ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp', 'PageDown'];

/**
 * @typedef {object} AutocompleteSource
 * @property {() => { options: OptionElement[], preferred?: Element | null } | null} match the options for the word at
 *   the caret and the one to select first; null if there is no such word
 * @property {(option: OptionElement) => boolean} isComplete the word is the option already, so Enter means what it
 *   always does
 * @property {(option: OptionElement) => void} complete
 */

class Autocomplete {
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

/**
 * @param {HTMLElement} listbox
 * @param {string} key
 * @param {string} name what the word becomes
 */
function createOption(listbox, key, name) {
  const option = Object.assign(document.createElement('div'), {
    className: 'menu-item',
    id: `${listbox.id}-${key}`, // a thread beside the room has a list of its own
    role: 'option',
    ariaSelected: 'false',
  });
  option.dataset.name = name;
  return option;
}

// Completes slash commands. The server has rendered the list.

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
  const takesArguments = (option) => option.dataset.needs !== undefined;
  for (const [index, option] of allOptions.entries())
    Object.assign(option, { id: `${listbox.id}-${index}`, ariaSelected: 'false' });

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

// Completes mentions while a word that starts with @ is typed. Members come from the member list, those online first;
// the server is asked for others: users outside the room, and members of a room that is too large for the list.

// The same rule as the server's (chat/messages/markup.rs); tests/cases/mentions.json holds both to it. A mention may
// directly follow a letter only in scripts without spaces.
const UNSPACED_SCRIPTS = ['Hani', 'Hira', 'Kana', 'Bopo', 'Hang', 'Thai', 'Laoo', 'Tibt', 'Mymr', 'Khmr'];
const UNSPACED = UNSPACED_SCRIPTS.map((script) => `\\p{scx=${script}}`).join('');
export const MENTION = new RegExp(
  `(?<=^|[${UNSPACED}]|[^\\p{L}\\p{M}\\p{N}._@＠﹫-])[@＠﹫]([\\p{L}\\p{M}\\p{N}._-]*)$`,
  'u',
);
const MAX_SHOWN = 8;
const MAX_DISTANCE = 2; // with letters left out, too many names would match
const SEARCH_DELAY = 200;

/** @param {MemberElement} member */
const userNameOf = (member) => member.dataset.handle;

/**
 * @param {HTMLElement} listbox
 * @param {MemberElement} member
 */
function createMemberOption(listbox, member) {
  const option = createOption(listbox, member.dataset.user, userNameOf(member));
  const displayName = Object.assign(document.createElement('bdi'), { textContent: member.dataset.name });
  const userName = Object.assign(document.createElement('small'), { textContent: `@${userNameOf(member)}` });
  option.append(query(member, '.avatar').cloneNode(true), displayName, userName);
  if (member.dataset.outside !== undefined) userName.append(` · ${listbox.dataset.outside}`);
  return option;
}

/**
 * What mentions many members at once.
 * @param {HTMLElement} listbox
 * @param {string} typed
 */
function wideOptions(listbox, typed) {
  const { room, here } = listbox.dataset;
  return Object.entries({ room, here }).flatMap(([name, text]) => {
    if (!text || !name.startsWith(typed.toLowerCase())) return [];
    const option = createOption(listbox, name, name);
    option.append(`@${name}`, Object.assign(document.createElement('small'), { textContent: text }));
    return [option];
  });
}

/** Who has written lately, the last one first. */
function recentAuthors() {
  const authors = queryAll(document, '#messages .message').map(({ dataset: { author } }) => author);
  return Array.from(new Set(authors.reverse()));
}

/**
 * The users that match best, without the user: members before others, those who wrote lately first.
 * @param {MemberElement[]} members
 * @param {string} typed
 * @param {string} me
 */
function matchingMembers(members, typed, me) {
  const term = foldText(typed);
  const recent = recentAuthors();
  /** @param {MemberElement} member */
  const rank = ({ dataset: { user, outside } }) => {
    const at = recent.indexOf(user);
    return outside === undefined ? (at < 0 ? recent.length : at) : Infinity;
  };
  return members
    .filter((member) => member.dataset.user !== me)
    .map((member) => {
      const names = [userNameOf(member), member.dataset.name];
      return {
        member,
        rank: rank(member),
        distance: Math.min(...names.map((name) => matchDistance(term, foldText(name)))),
      };
    })
    .filter(({ distance }) => distance <= MAX_DISTANCE)
    .sort((a, b) => a.distance - b.distance || (a.rank === b.rank ? 0 : a.rank - b.rank))
    .slice(0, MAX_SHOWN)
    .map(({ member }) => member);
}

/**
 * The members in the list, and those that were found besides.
 * @param {MemberElement[]} found
 */
function knownMembers(found) {
  /** @type {MemberElement[]} */
  const listed = queryAll(document, '#people .member');
  const users = new Set(listed.map((member) => member.dataset.user));
  /** @param {MemberElement} member */
  const isNew = ({ dataset: { user } }) => !users.has(user) && Boolean(users.add(user));
  return listed.concat(found.filter(isNew));
}

/**
 * @param {BodyForm} form
 * @param {HTMLElement} listbox
 * @param {string} me
 * @param {(text: string) => Promise<MemberElement[]>} search asks for members who may not be in the list
 */
export function startMentionAutocomplete(form, listbox, me, search) {
  const field = form.elements.body;
  let typed = ''; // after the @
  let sought = '';
  /** @type {MemberElement[]} */
  let found = [];
  let timer = 0;

  function searchSoon() {
    if (typed === sought) return;
    sought = typed;
    clearTimeout(timer);
    if (typed) timer = setTimeout(showFound, SEARCH_DELAY);
  }

  async function showFound() {
    const text = sought;
    const members = await search(text).catch(() => []); // without an answer, those in the list are offered
    if (text !== sought || members.length === 0) return;
    found = members;
    autocomplete.refresh();
  }

  const autocomplete = new Autocomplete(form, listbox, {
    match() {
      const { value, selectionStart: caret, selectionEnd } = field;
      const match = caret === selectionEnd ? MENTION.exec(value.slice(0, caret)) : null;
      typed = match?.[1] ?? '';
      searchSoon();
      if (!match) return null;
      const users = matchingMembers(knownMembers(found), typed, me).map((member) =>
        createMemberOption(listbox, member),
      );
      listbox.replaceChildren(...users, ...wideOptions(listbox, typed));
      return { options: queryAll(listbox, ':scope > *'), preferred: listbox.firstElementChild };
    },
    isComplete: (option) => option === listbox.lastElementChild && option.dataset.name === typed,
    complete(option) {
      const caret = field.selectionStart;
      const space = /^\s/.test(field.value.slice(caret)) ? '' : ' ';
      field.setRangeText(`@${option.dataset.name}${space}`, caret - typed.length - 1, caret, 'end');
    },
  });
}

// Completes emoji by their codes and names while a word after a colon is typed, from two letters on.

// Where a code may stand: the same rule as the server's (text/emoji.rs).
const EMOJI_NAME = new RegExp(`(?<=^|[${UNSPACED}]|[^\\p{L}\\p{M}\\p{N}:/]):([\\p{L}\\p{M}\\p{N}_+-]{2,})$`, 'u');

/**
 * @param {BodyForm} form
 * @param {HTMLElement} listbox
 */
export function startEmojiAutocomplete(form, listbox) {
  const field = form.elements.body;
  /** @type {import('../emoji/picker.js').EmojiCatalogue | undefined} */
  let catalogue;
  let typed = ''; // after the colon

  function load() {
    loadEmoji().then(
      (loaded) => {
        catalogue = loaded;
        autocomplete.refresh();
      },
      () => {}, // asked for again with the next letter
    );
  }

  /**
   * @param {import('../emoji/picker.js').EmojiCatalogue} catalogue
   * @param {import('../emoji/picker.js').Emoji} item
   * @param {number} index
   */
  function createEmojiOption(catalogue, item, index) {
    const [code] = item.codes;
    const emoji = catalogue.withTone(item, skinTone());
    const option = createOption(listbox, String(index), emoji);
    option.append(
      catalogue.draw(item, emoji),
      Object.assign(document.createElement('b'), { textContent: `:${code}:` }),
      Object.assign(document.createElement('small'), { textContent: item.name }),
    );
    return option;
  }

  const autocomplete = new Autocomplete(form, listbox, {
    match() {
      const { value, selectionStart: caret, selectionEnd } = field;
      typed = (caret === selectionEnd && EMOJI_NAME.exec(value.slice(0, caret))?.[1]) || '';
      if (!typed) return null;
      if (!catalogue) {
        load();
        return null;
      }
      const items = catalogue.search(typed, () => autocomplete.refresh()).slice(0, MAX_SHOWN);
      const create = createEmojiOption.bind(null, catalogue);
      listbox.replaceChildren(...items.map(create));
      return { options: queryAll(listbox, ':scope > *'), preferred: listbox.firstElementChild };
    },
    isComplete: () => false,
    complete({ dataset: { name } }) {
      rememberEmoji(name);
      insertEmoji(field, name, field.selectionStart - typed.length - 1);
    },
  });
}

const WIDE_MENTION = new RegExp(
  `${MENTION.source.slice(0, MENTION.source.indexOf('(['))}(room|here)(?![\\p{L}\\p{M}\\p{N}_-])`,
  'giu',
);

/**
 * How many users a text mentions at once, as far as the page knows. The server decides.
 * @param {string} text
 */
export function countWideMention(text) {
  const names = Array.from(text.matchAll(WIDE_MENTION), ([, name]) => name.toLowerCase());
  if (names.length === 0) return 0;
  return Number(byId(names.includes('room') ? 'member-count' : 'online-count').textContent) - 1;
}
