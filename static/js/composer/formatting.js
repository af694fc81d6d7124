// Marks in the text of a field: by key, and by a bar of buttons that is one stop for Tab. Loaded when the bar or one of
// the keys is first used. It imports nothing, so that no code of the first page moves into a file of its own.

/** @type {Record<string, string>} */
const MARKS = { bold: '**', italic: '_', strike: '~~', code: '`' };

/**
 * Replaces a part of the text as if it was typed, so that it can be undone, and selects a part of the result.
 * @param {HTMLTextAreaElement} field
 * @param {[number, number]} part
 * @param {string} text
 * @param {[number, number]} selection
 */
function replace(field, [start, end], text, selection) {
  field.focus();
  field.setSelectionRange(start, end);
  const isTyped = text ? document.execCommand('insertText', false, text) : document.execCommand('delete');
  if (!isTyped && field.value.slice(start, start + text.length) !== text) {
    field.setRangeText(text);
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }
  field.setSelectionRange(...selection);
}

/**
 * Puts marks around the selection without the spaces at its ends, or takes them away.
 * @param {HTMLTextAreaElement} field
 * @param {string} mark
 */
function toggleMark(field, mark) {
  const { value } = field;
  let { selectionStart: start, selectionEnd: end } = field;
  const selected = value.slice(start, end);
  start += selected.length - selected.trimStart().length;
  end = Math.max(start, end - (selected.length - selected.trimEnd().length));
  const text = value.slice(start, end);
  const size = mark.length;
  if (value.slice(start - size, start) === mark && value.slice(end, end + size) === mark) {
    replace(field, [start - size, end + size], text, [start - size, end - size]);
  } else if (text.length > 2 * size && text.startsWith(mark) && text.endsWith(mark)) {
    const inner = text.slice(size, -size);
    replace(field, [start, end], inner, [start, start + inner.length]);
  } else {
    replace(field, [start, end], mark + text + mark, [start + size, end + size]);
  }
}

/**
 * A selected address becomes the target, any other text the text of the link.
 * @param {HTMLTextAreaElement} field
 */
function addLink(field) {
  const { value, selectionStart: start, selectionEnd: end } = field;
  const text = value.slice(start, end);
  if (/^https?:\/\/\S+$/.test(text)) replace(field, [start, end], `[](${text})`, [start + 1, start + 1]);
  else replace(field, [start, end], `[${text}](https://)`, [start + text.length + 3, start + text.length + 11]);
}

/** @type {Record<string, { has: RegExp, mark: (n: number) => string }>} */
const PREFIXES = {
  list: { has: /^- /, mark: () => '- ' },
  numbers: { has: /^\d+\. /, mark: (n) => `${n + 1}. ` },
  quote: { has: /^> ?/, mark: () => '> ' },
};

/**
 * @param {HTMLTextAreaElement} field
 * @returns {[number, number]} the lines of the selection
 */
function linesOf({ value, selectionStart, selectionEnd }) {
  const end = value.indexOf('\n', selectionEnd);
  return [value.lastIndexOf('\n', selectionStart - 1) + 1, end < 0 ? value.length : end];
}

/**
 * Begins each selected line with a mark, or takes the marks away.
 * @param {HTMLTextAreaElement} field
 * @param {{ has: RegExp, mark: (n: number) => string }} prefix
 */
function togglePrefix(field, { has, mark }) {
  const part = linesOf(field);
  const lines = field.value.slice(...part).split('\n');
  const isMarked = lines.every((line) => has.test(line));
  const changed = lines.map((line, n) => (isMarked ? line.replace(has, '') : mark(n) + line)).join('\n');
  const end = part[0] + changed.length;
  replace(field, part, changed, [lines.length > 1 ? part[0] : end, end]);
}

/** @param {HTMLTextAreaElement} field */
function addCodeBlock(field) {
  const part = linesOf(field);
  const text = field.value.slice(...part);
  const start = part[0] + 4;
  replace(field, part, `\`\`\`\n${text}\n\`\`\``, [start, start + text.length]);
}

/**
 * @param {HTMLTextAreaElement} field
 * @param {string} format
 */
export function applyFormat(field, format) {
  if (MARKS[format]) toggleMark(field, MARKS[format]);
  else if (PREFIXES[format]) togglePrefix(field, PREFIXES[format]);
  else if (format === 'link') addLink(field);
  else if (format === 'block') addCodeBlock(field);
}

/** @param {KeyboardEvent} event */
function moveFocus(event) {
  const bar = /** @type {HTMLElement} */ (event.currentTarget);
  /** @type {HTMLButtonElement[]} */
  const buttons = Array.from(bar.querySelectorAll('button'));
  const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (event.target));
  const forward = getComputedStyle(bar).direction === 'rtl' ? 'ArrowLeft' : 'ArrowRight';
  const back = forward === 'ArrowRight' ? 'ArrowLeft' : 'ArrowRight';
  /** @type {Record<string, number>} */
  const targets = { [forward]: at + 1, [back]: at - 1, Home: 0, End: buttons.length - 1 };
  if (!(event.key in targets)) return;
  event.preventDefault();
  const next = buttons.at(targets[event.key] % buttons.length);
  for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
  next?.focus();
}

/**
 * @param {HTMLElement} bar
 * @param {HTMLTextAreaElement} field
 * @param {(text: string) => void} showPreview
 */
export function startFormattingBar(bar, field, showPreview) {
  bar.addEventListener('keydown', moveFocus);
  // The focus stays in the field, and with it the keyboard of a phone.
  bar.addEventListener('pointerdown', (event) => event.preventDefault());
  bar.addEventListener('click', ({ target }) => {
    const button = /** @type {Element} */ (target).closest('button');
    const format = button?.dataset.format;
    if (format === 'preview') showPreview(field.value);
    else if (format) applyFormat(field, format);
  });
}
