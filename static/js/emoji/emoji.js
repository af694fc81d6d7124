// Emoji in the page: what the user chose last on this device, and the picker, which is loaded when it is first needed.
import { query, queryAll } from '../core/dom.js';
import { foldText } from '../core/fuzzy-match.js';
import { parseHtml } from '../core/http.js';
import { loadRecord, saveRecord } from '../outbox/storage.js';

const MAX_RECENT = 18; // two rows of the picker
/** Before anything was chosen. */
const COMMON = ['👍', '❤️', '😂', '🎉', '👀', '🙏'];

/** @returns {EmojiRecord} */
const chosen = () => loadRecord('emoji', '') ?? { recent: [], tone: 0 };

/** At least six, newest first. */
export const recentEmoji = () => [...new Set([...chosen().recent, ...COMMON])].slice(0, MAX_RECENT);

/** @param {string} emoji an emoji, or `:name:` of a custom one */
export function rememberEmoji(emoji) {
  const record = chosen();
  saveRecord('emoji', '', { ...record, recent: [...new Set([emoji, ...record.recent])].slice(0, MAX_RECENT) });
}

/** 0 for none, 1 to 5 from light to dark. */
export const skinTone = () => chosen().tone;

/** @param {number} tone */
export const chooseSkinTone = (tone) => saveRecord('emoji', '', { ...chosen(), tone });

const TIMEOUT = 15_000;

/** @typedef {import('./picker.js').EmojiCatalogue} EmojiCatalogue */

/** @type {Promise<{ catalogue: EmojiCatalogue, picker: import('./picker.js').EmojiPicker }> | null} */
let loading = null;

async function fetchPanel() {
  const response = await fetch('/emoji/picker', {
    headers: { accept: 'text/html' },
    signal: AbortSignal.timeout(TIMEOUT),
  });
  const panel = response.ok && parseHtml(await response.text()).querySelector('#emoji-picker');
  if (!panel) throw new Error(`${response.status} for the emoji picker`);
  return /** @type {HTMLElement} */ (panel);
}

async function load() {
  const [{ EmojiCatalogue, EmojiPicker }, panel] = await Promise.all([import('./picker.js'), fetchPanel()]);
  const catalogue = new EmojiCatalogue(document.documentElement.lang, foldText);
  await catalogue.load();
  catalogue.setCustom(customIn(panel));
  document.body.append(panel);
  const picker = new EmojiPicker(panel, catalogue, { recentEmoji, rememberEmoji, skinTone, chooseSkinTone });
  return { catalogue, picker };
}

/**
 * The custom emoji, as the server lists them in the panel.
 * @param {HTMLElement} panel
 */
const customIn = (panel) =>
  queryAll(panel, '.emoji-picker__custom li').map(({ dataset: { name = '', address = '' } }) => ({ name, address }));

/** A custom emoji was added or removed. */
export async function updateCustomEmoji() {
  const hasCustom = chosen().recent.some((emoji) => emoji.startsWith(':'));
  if (!loading && !hasCustom) return;
  try {
    const custom = customIn(await fetchPanel());
    const names = custom.map(({ name }) => `:${name}:`);
    const recent = chosen().recent.filter((emoji) => !emoji.startsWith(':') || names.includes(emoji));
    saveRecord('emoji', '', { ...chosen(), recent });
    (await loading)?.catalogue.setCustom(custom);
  } catch {} // the list is as old as the page
}

/**
 * An emoji as it is shown. The name of a custom one leads to its image.
 * @param {string} emoji
 */
export function drawEmoji(emoji) {
  const name = /^:(.+):$/.exec(emoji)?.[1];
  if (name) return Object.assign(new Image(), { className: 'emoji', alt: '', src: `/emoji/${name}` });
  return Object.assign(document.createElement('span'), { className: 'emoji', textContent: emoji });
}

/** What is not there is asked for again the next time. */
function loadOnce() {
  loading ??= load().catch((error) => {
    loading = null;
    throw new Error('', { cause: error }); // pages say it in their own words
  });
  return loading;
}

/** All emoji with their names. */
export const loadEmoji = async () => (await loadOnce()).catalogue;

/**
 * Opens the picker beside a button. The focus returns to where it was when the picker closes.
 * @param {HTMLElement} anchor
 * @param {(emoji: string) => void} onChoose gets the emoji, or `:name:` of a custom one
 */
export async function openEmojiPicker(anchor, onChoose) {
  const { picker } = await loadOnce();
  if (anchor.isConnected) picker.open(anchor, onChoose);
}

export const closeEmojiPicker = () => document.getElementById('emoji-picker')?.hidePopover();

/**
 * The button that adds an emoji where the caret is.
 * @param {BodyForm} form
 * @param {() => void} onFailure the picker did not load
 */
export function startEmojiButton(form, onFailure) {
  const field = form.elements.body;
  /** @type {HTMLElement} */
  const button = query(form, '[data-act="emoji"]');
  button.addEventListener('click', () => {
    // On a phone the button is in a sheet, which closes.
    const [anchor] = queryAll(form, '.composer__more, [data-act="emoji"]').filter((it) => it.checkVisibility());
    openEmojiPicker(anchor, (emoji) => {
      field.focus();
      insertEmoji(field, emoji, field.selectionStart);
      field.dispatchEvent(new Event('input', { bubbles: true }));
    }).catch(onFailure);
  });
}

/**
 * Writes an emoji between `start` and the caret, and a space where a word would follow.
 * @param {HTMLTextAreaElement} field
 * @param {string} emoji
 * @param {number} start
 */
export function insertEmoji(field, emoji, start) {
  const end = field.selectionEnd;
  const space = /^\s/.test(field.value.slice(end)) ? '' : ' ';
  field.setRangeText(emoji + space, start, end, 'end');
}
