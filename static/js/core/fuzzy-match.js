// How well a name fits what somebody types: case and accents do not count, and letters may be left out.
const NO_WORD = /[^\p{L}\p{N}]+/u;

// Letters that Unicode does not take apart, as other keyboards write them.
const STROKED = {
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
const STROKES = new RegExp(`[${Object.keys(STROKED).join('')}]`, 'g');

/** The form in which names are compared, as the server's (text/normalize.rs; tests/cases/folding.json holds both). */
export const plain = (text) =>
  text
    .normalize('NFKD')
    .replace(/\p{M}|\p{Default_Ignorable_Code_Point}/gu, '')
    .toLowerCase()
    .replace(STROKES, (letter) => STROKED[letter])
    .normalize('NFC');

/** From 0, the name begins so, to 3, it has all the letters in this order; Infinity is no match. Both in plain form. */
export function distance(sought, name) {
  if (name.startsWith(sought)) return 0;
  if (name.split(NO_WORD).some((word) => word.startsWith(sought))) return 1;
  if (name.includes(sought)) return 2;
  let at = -1;
  for (const letter of sought) {
    at = name.indexOf(letter, at + 1);
    if (at < 0) return Infinity;
  }
  return 3;
}
