// How well a name fits what somebody types: case and accents do not count, and letters may be left out.
const NO_WORD = /[^\p{L}\p{N}]+/u;

// Letters that Unicode does not take apart, as other keyboards write them.
const STROKED = { ø: 'o', ł: 'l', đ: 'd', ð: 'd', ħ: 'h', æ: 'ae', œ: 'oe', þ: 'th', ß: 'ss', ı: 'i' };

/** The form in which names are compared, as the server's (text/normalize.rs; tests/cases/folding.json holds both). */
export const plain = (text) =>
  text.normalize('NFKD').replace(/\p{M}|\p{Default_Ignorable_Code_Point}/gu, '').toLowerCase().replace(/[øłđðħæœþßı]/g, (letter) => STROKED[letter]).normalize('NFC');

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
