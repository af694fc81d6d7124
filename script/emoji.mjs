// Makes the emoji data of the picker and of `:name:` from the package emojibase-data (names and tags of CLDR): one file
// for each language, one line for each emoji:
//
//   group|emoji|name|tag,tag|code,code|has skin tones (1 or nothing)
//
// The codes are GitHub's, then those of iamcal (Slack) that GitHub has not given to another emoji. build.rs makes the
// table of the server from the same file.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const DATA = 'node_modules/emojibase-data';
const OUT = 'node_modules/.cache/emoji';
const LANGUAGES = ['en', 'es'];
// Systems of the last years draw these; newer ones would be boxes.
const NEWEST = 15;
const COMPONENTS = 2; // the group of single skin tones and hair

/** @param {string} path */
const read = (path) => JSON.parse(readFileSync(`${DATA}/${path}`, 'utf8'));
/** @param {string[] | string | undefined} codes */
const listed = (codes) => [codes ?? []].flat();

// The fully qualified spelling: the package adds a variation selector to emoji that need none.
/** @param {string} emoji */
const qualified = (emoji) => emoji.replace(/(\p{Emoji_Presentation})\ufe0f/gu, '$1');

/**
 * The emoji of a language in the order of Unicode.
 * @param {string} language
 */
const emojiOf = (language) =>
  read(`${language}/data.json`)
    .filter(({ group, version }) => group !== undefined && group !== COMPONENTS && version <= NEWEST)
    .sort((a, b) => a.order - b.order);

const github = read('en/shortcodes/github.json');
const iamcal = read('en/shortcodes/iamcal.json');

/** @type {Map<string, string>} from code to hexcode: who comes first has it */
const owners = new Map();
for (const source of [github, iamcal])
  for (const { hexcode } of emojiOf('en'))
    for (const code of listed(source[hexcode])) if (!owners.has(code)) owners.set(code, hexcode);

/** @param {string} hexcode */
const codesOf = (hexcode) =>
  [...new Set([...listed(github[hexcode]), ...listed(iamcal[hexcode])])].filter((code) => owners.get(code) === hexcode);

mkdirSync(OUT, { recursive: true });
for (const language of LANGUAGES) {
  const lines = emojiOf(language).map(({ group, emoji, label, tags = [], hexcode, skins }) => {
    const words = label.toLowerCase().split(/[^\p{L}\p{N}]+/u);
    const others = tags.filter((/** @type {string} */ tag) => !words.includes(tag.toLowerCase()));
    const fields = [group, qualified(emoji), label, others.join(), codesOf(hexcode).join(), skins ? 1 : ''];
    if (fields.some((field) => /[|\n]/.test(String(field)))) throw new Error(`a separator in ${fields}`);
    return fields.join('|');
  });
  writeFileSync(`${OUT}/${language}.txt`, `${lines.join('\n')}\n`);
}
