// How well a name matches a search term: case and accents don't count, and letters may be left out.
const WORD_BREAK = /[^\p{L}\p{N}]+/u;

// Letters that Unicode doesn't decompose, and how other keyboards write them.
/** @type {Record<string, string>} */
const BASE_LETTERS = {
  ø: 'o',
  ɔ: 'o',
  ɵ: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  ɖ: 'd',
  ɗ: 'd',
  ħ: 'h',
  æ: 'ae',
  œ: 'oe',
  þ: 'th',
  ə: 'e',
  ɛ: 'e',
  ǝ: 'e',
  ɇ: 'e',
  ŋ: 'n',
  ɲ: 'n',
  ƞ: 'n',
  ŧ: 't',
  ƭ: 't',
  ʈ: 't',
  ⱦ: 't',
  ɓ: 'b',
  ƀ: 'b',
  ɨ: 'i',
  ɩ: 'i',
  ƙ: 'k',
  ʉ: 'u',
  ɣ: 'g',
  ɠ: 'g',
  ǥ: 'g',
  ƴ: 'y',
  ɏ: 'y',
  ʋ: 'v',
  ƒ: 'f',
  ƶ: 'z',
  ȼ: 'c',
  ɉ: 'j',
  ɍ: 'r',
  ⱥ: 'a',
  ƥ: 'p',
  ґ: 'г',
  ғ: 'г',
  қ: 'к',
  ң: 'н',
  ұ: 'у',
  ү: 'у',
  ө: 'о',
  ҳ: 'х',
  ҷ: 'ч',
  ß: 'ss',
  ı: 'i',
};
const HAS_BASE_LETTER = new RegExp(`[${Object.keys(BASE_LETTERS).join('')}]`, 'g');

/**
 * The form in which names are compared. The server folds them alike (text/normalize.rs); tests/cases/folding.json holds
 * both to it.
 * @param {string} text
 */
export const foldText = (text) =>
  text
    .normalize('NFKD')
    .replace(/\p{M}|\p{Default_Ignorable_Code_Point}/gu, '')
    .toLowerCase()
    .replace(HAS_BASE_LETTER, (letter) => BASE_LETTERS[letter])
    .normalize('NFC');

/**
 * The distance of a name from a search term, both folded: 0 the name starts with it, 1 a word does, 2 it is contained,
 * 3 all letters occur in this order, Infinity no match.
 * @param {string} term
 * @param {string} name
 */
export function matchDistance(term, name) {
  if (name.startsWith(term)) return 0;
  if (name.split(WORD_BREAK).some((word) => word.startsWith(term))) return 1;
  if (name.includes(term)) return 2;
  let index = -1;
  for (const letter of term) {
    index = name.indexOf(letter, index + 1);
    if (index < 0) return Infinity;
  }
  return 3;
}
