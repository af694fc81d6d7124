// Completes mentions with the members of the room while a word that starts with @ is typed. They come from the member
// list, those online first. In a room that is too large for the list, the server is asked for the others.
import { query, queryAll } from '../core/dom.js';
import { foldText, matchDistance } from '../core/fuzzy-match.js';
import { Autocomplete } from './autocomplete.js';

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
function userNameOf(member) {
  // Not `pathname`: a row that is not on the page has no address to resolve it with.
  const path = query(member, 'a').getAttribute('href') ?? '';
  return decodeURIComponent(path.slice('/direct/'.length));
}

/**
 * @param {MemberElement} member
 * @param {number} index
 */
function createOption(member, index) {
  const option = Object.assign(document.createElement('div'), {
    className: 'menu-item',
    id: `mention${index}`,
    role: 'option',
    ariaSelected: 'false',
  });
  const displayName = Object.assign(document.createElement('bdi'), { textContent: member.dataset.name });
  const userName = Object.assign(document.createElement('small'), { textContent: `@${userNameOf(member)}` });
  option.dataset.name = userNameOf(member);
  option.append(query(member, '.avatar').cloneNode(true), displayName, userName);
  return option;
}

/**
 * The members that match best, without the user.
 * @param {MemberElement[]} members
 * @param {string} typed
 * @param {string} me
 */
function matchingMembers(members, typed, me) {
  const term = foldText(typed);
  return members
    .filter((member) => member.dataset.user !== me)
    .map((member) => {
      const names = [userNameOf(member), member.dataset.name];
      return { member, distance: Math.min(...names.map((name) => matchDistance(term, foldText(name)))) };
    })
    .filter(({ distance }) => distance <= MAX_DISTANCE)
    .sort((a, b) => a.distance - b.distance)
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
  return listed.concat(found.filter((member) => !users.has(member.dataset.user)));
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
      listbox.replaceChildren(...matchingMembers(knownMembers(found), typed, me).map(createOption));
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
