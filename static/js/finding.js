// How well a name fits what somebody types: case and accents do not count, and letters may be left out.
const NO_WORD = /[^\p{L}\p{N}]+/u;

/** The form in which names are compared. */
export const plain = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

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
