// The people of the room, while a word that begins with @ is typed. They come from the people panel, those who are there first.

import { distance, plain } from '../core/fuzzy-match.js';
import { startChoices } from './autocomplete.js';

// As the server reads it (chat/messages/markup.rs; tests/cases/mentions.json holds both): behind letters only where a script has no spaces.
const UNSPACED =
  '\\p{scx=Hani}\\p{scx=Hira}\\p{scx=Kana}\\p{scx=Bopo}\\p{scx=Hang}\\p{scx=Thai}\\p{scx=Laoo}\\p{scx=Tibt}\\p{scx=Mymr}\\p{scx=Khmr}';
export const WORD = new RegExp(
  `(?<=^|[${UNSPACED}]|[^\\p{L}\\p{M}\\p{N}._@＠﹫-])[@＠﹫]([\\p{L}\\p{M}\\p{N}._-]*)$`,
  'u',
);
const MOST = 8; // shown at a time
const FUZZY = 3; // letters left out: too many names would fit

const handleOf = (member) => decodeURIComponent(member.querySelector('a').pathname.slice('/direct/'.length));

/** `me` is one's own id: nobody calls themselves. */
export function startMentionMenu(form, menu, me) {
  const field = form.elements.body;
  let word = ''; // behind the @

  function option(member, index) {
    const made = Object.assign(document.createElement('div'), {
      className: 'opt',
      id: `mention${index}`,
      role: 'option',
      ariaSelected: 'false',
    });
    const name = Object.assign(document.createElement('bdi'), { textContent: member.dataset.name });
    const handle = Object.assign(document.createElement('small'), { textContent: `@${handleOf(member)}` });
    made.dataset.name = handleOf(member);
    made.append(member.querySelector('.av').cloneNode(true), name, handle);
    return made;
  }

  startChoices(form, menu, {
    find() {
      const { value, selectionStart: caret, selectionEnd } = field;
      const typed = caret === selectionEnd && WORD.exec(value.slice(0, caret));
      if (!typed) return null;
      [, word] = typed;
      const sought = plain(word);
      const others = Array.from(document.querySelectorAll('.member')).filter((member) => member.dataset.user !== me);
      const far = (member) =>
        Math.min(distance(sought, plain(handleOf(member))), distance(sought, plain(member.dataset.name)));
      const fitting = others
        .map((member) => ({ member, far: far(member) }))
        .filter((one) => one.far < FUZZY)
        .sort((a, b) => a.far - b.far);
      menu.replaceChildren(...fitting.slice(0, MOST).map(({ member }, index) => option(member, index)));
      return { shown: Array.from(menu.children), first: menu.firstElementChild };
    },
    isDone: (one) => one === menu.lastElementChild && one.dataset.name === word,
    complete(one) {
      const caret = field.selectionStart;
      const space = /^\s/.test(field.value.slice(caret)) ? '' : ' ';
      field.setRangeText(`@${one.dataset.name}${space}`, caret - word.length - 1, caret, 'end');
    },
  });
}
