// What a block of code and a table get in the browser: a head with the language and a button to copy, the fold of a
// long one, colours, and a name where the keyboard scrolls. Loaded with the first of them. It imports nothing, so that
// no code of the first page moves into a file of its own.

const MAX_LINES = 20;
const COPIED_FOR = 2_000;
// Bundled alone: with the other scripts, helpers that its library needs would become a file that the first page loads.
const HIGHLIGHTER = new URL('./highlighter.js', import.meta.url).href;
const MAX_COLOURED = 8_000; // characters; the cost of some grammars is not linear

/**
 * @typedef {object} BlockContext
 * @property {HTMLTemplateElement} template
 * @property {(text: string) => void} announce
 * @property {(forms: PluralForms, n: number) => string} pluralize
 */

/**
 * @param {HTMLButtonElement} button
 * @param {string} code
 * @param {BlockContext} context
 */
async function copy(button, code, { template, announce }) {
  const { copied = '', failed = '' } = template.dataset;
  const label = button.dataset.label ?? button.textContent ?? '';
  button.dataset.label = label;
  const isCopied = await navigator.clipboard.writeText(code).then(
    () => true,
    () => false,
  );
  const answer = isCopied ? copied : failed;
  button.textContent = answer;
  button.classList.toggle('code-block__tool--done', isCopied);
  announce(answer);
  setTimeout(() => {
    button.textContent = label;
    button.classList.remove('code-block__tool--done');
  }, COPIED_FOR);
}

/**
 * @param {HTMLElement} block
 * @param {number} lines
 * @param {BlockContext} context
 */
function fold(block, lines, { template, pluralize }) {
  const { moreOne: one = '', moreOther: other = '', fewer = '' } = template.dataset;
  const row = /** @type {HTMLElement} */ (block.querySelector('.code-block__more'));
  const button = /** @type {HTMLButtonElement} */ (row.firstElementChild);
  const more = pluralize({ one, other }, lines - MAX_LINES);
  /** @param {boolean} isFolded */
  const show = (isFolded) => {
    block.classList.toggle('code-block--folded', isFolded);
    button.ariaExpanded = String(!isFolded);
    button.textContent = isFolded ? more : fewer;
  };
  row.hidden = false;
  button.addEventListener('click', () => show(button.ariaExpanded === 'true'));
  show(true);
}

/**
 * @param {HTMLPreElement} pre
 * @param {BlockContext} context
 */
function addHead(pre, context) {
  const { template } = context;
  const block = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  const language = pre.dataset.lang ?? template.dataset.text ?? '';
  const code = pre.textContent ?? '';
  const button = /** @type {HTMLButtonElement} */ (block.querySelector('.code-block__tool'));
  /** @type {HTMLElement} */ (block.querySelector('.code-block__language')).textContent = language;
  pre.role = 'group';
  pre.ariaLabel = (template.dataset.code ?? '').replace('{name}', language);
  pre.tabIndex = -1;
  pre.replaceWith(block);
  block.firstElementChild?.after(pre);
  button.addEventListener('click', () => copy(button, code, context));
  const lines = code.split('\n').length;
  if (lines > MAX_LINES) fold(block, lines, context);
}

/** @param {HTMLPreElement} pre */
async function colour(pre) {
  const code = pre.textContent ?? '';
  if (code.length > MAX_COLOURED) return;
  /** @type {typeof import('./highlighter.js')} */
  const { highlight } = await import(HIGHLIGHTER);
  const nodes = highlight(pre.dataset.lang ?? '', code);
  if (nodes) pre.firstElementChild?.replaceChildren(nodes);
}

/** @param {HTMLElement} table */
function nameTable(table) {
  const heads = Array.from(table.querySelectorAll('th'), (head) => head.textContent);
  table.role = 'region';
  table.ariaLabel = heads.join(', ');
  table.tabIndex = -1;
}

/**
 * @param {HTMLElement} article
 * @param {BlockContext} context
 */
export function enhanceBlocks(article, context) {
  /** @type {NodeListOf<HTMLPreElement>} */
  const blocks = article.querySelectorAll('.message__body pre:not(.code-block > pre)');
  for (const pre of blocks) {
    addHead(pre, context);
    if (pre.dataset.lang) colour(pre);
  }
  /** @type {NodeListOf<HTMLElement>} */
  const tables = article.querySelectorAll('.message__body .table');
  for (const table of tables) nameTable(table);
}
