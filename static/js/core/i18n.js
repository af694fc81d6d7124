// The user's language: the locale for Intl, and sentences with a number in them. The sentences come from the page.
const language = document.documentElement.lang;

// The browser knows the region (24 hours in en-GB, 12 in en-US); the page decides the language.
export const locale = navigator.languages.find((tag) => tag.split('-')[0] === language) ?? language;

const pluralRules = new Intl.PluralRules(locale);
const numberFormat = new Intl.NumberFormat(locale);

/**
 * @param {string | undefined} sentence
 * @param {number} n
 */
export const withNumber = (sentence = '', n) => sentence.replace('{n}', numberFormat.format(n));

/**
 * @param {PluralForms} forms
 * @param {number} n
 */
export const pluralize = ({ one, other }, n) => withNumber(pluralRules.select(n) === 'one' ? one : other, n);
