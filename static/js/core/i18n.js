// The reader's language: its locale for Intl, and sentences with a number in them. The sentences themselves come from the page.
const language = document.documentElement.lang;

// The browser knows the region (24 hours in en-GB, 12 in en-US); the page decides the language.
export const locale = navigator.languages.find((tag) => tag.split('-')[0] === language) ?? language;

const plural = new Intl.PluralRules(locale);
const number = new Intl.NumberFormat(locale);

export const fill = (sentence, n) => sentence.replace('{n}', number.format(n));
export const count = ({ one, other }, n) => fill(plural.select(n) === 'one' ? one : other, n);
