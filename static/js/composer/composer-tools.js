// What helps with writing: the bar of marks and its keys, the preview, and how much room is left. What a press asks for
// is loaded then.
import { closestTo, isComposing, partOf, query } from '../core/dom.js';
import { parseHtml } from '../core/http.js';
import { pluralize } from '../core/i18n.js';
import { textExcess } from '../forms/fields.js';

const SHOWN = 'patio-formatting'; // a setting of the device, not of the user
const COUNT_FROM = 1_000;
const BOLD_FROM = 250;

/** @type {Record<string, string>} */
const KEYS = { b: 'bold', i: 'italic', e: 'code' };

/** @param {KeyboardEvent} event */
function formatOf(event) {
  const { ctrlKey, metaKey, altKey, shiftKey, key } = event;
  if (ctrlKey === metaKey || altKey || isComposing(event)) return '';
  if (shiftKey) return key.toLowerCase() === 'u' ? 'link' : '';
  return KEYS[key] ?? '';
}

/** Device settings can be forbidden or full. */
function isBarWanted() {
  try {
    return localStorage.getItem(SHOWN) === 'true';
  } catch {
    return false;
  }
}

/** @param {boolean} isWanted */
function keepBar(isWanted) {
  try {
    localStorage.setItem(SHOWN, String(isWanted));
  } catch {}
}

/**
 * Marks by key, in the composer and in the form that edits a message.
 * @param {HTMLElement} main
 * @param {AbortSignal} signal
 */
export function startFormatKeys(main, signal) {
  main.addEventListener(
    'keydown',
    async (event) => {
      const format = formatOf(event);
      /** @type {HTMLTextAreaElement | null} */
      const field = format ? closestTo(event, 'textarea[name="body"]') : null;
      if (!field) return;
      event.preventDefault();
      const { applyFormat } = await import('./formatting.js');
      applyFormat(field, format);
    },
    { signal },
  );
}

/**
 * @param {BodyForm} form
 * @param {string} text
 */
async function showPreview(form, text) {
  const region = /** @type {HTMLElement | null} */ (partOf(form, 'preview'));
  if (!region || !text.trim()) return;
  const body = new URLSearchParams({ body: text });
  const answer = await fetch('/preview', { method: 'POST', body }).catch(() => null);
  if (!answer?.ok) return;
  const html = await answer.text();
  const content = Object.assign(document.createElement('div'), { className: 'message__body', dir: 'auto' });
  content.append(parseHtml(html));
  region.replaceChildren(content);
  region.hidden = false;
  region.focus();
  form.elements.body.addEventListener('input', () => (region.hidden = true), { once: true });
}

/** @param {BodyForm} form */
function startBar(form) {
  const toggle = /** @type {HTMLElement | null} */ (form.querySelector('[data-formatting]'));
  const bar = /** @type {HTMLElement | null} */ (form.querySelector('.composer__format'));
  if (!toggle || !bar) return;
  const field = form.elements.body;
  let isStarted = false;

  /** @param {boolean} isShown */
  async function show(isShown) {
    toggle?.setAttribute('aria-expanded', String(isShown));
    if (bar) bar.hidden = !isShown;
    if (!isShown || isStarted || !bar) return;
    isStarted = true;
    const { startFormattingBar } = await import('./formatting.js');
    startFormattingBar(bar, field, (text) => showPreview(form, text));
  }

  // The keyboard of a phone stays, as the focus does.
  for (const button of [toggle, query(form, '.composer__more')])
    button.addEventListener('pointerdown', (event) => event.preventDefault());
  toggle.addEventListener('click', () => {
    const isShown = Boolean(bar.hidden);
    keepBar(isShown);
    show(isShown);
  });
  bar.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') field.focus();
  });
  if (isBarWanted()) show(true);
}

/**
 * Shows how many characters are left when they are few. Over the limit the button to send is off: it keeps the focus
 * and names its reason, which the note below the field says.
 * @param {BodyForm} form
 */
function startCounter(form) {
  const field = form.elements.body;
  const send = query(form, '[type="submit"].send-button');
  const count = query(form, '.composer__count');
  const limit = Number(field.dataset.longest);
  const { one = '', other = '' } = count.dataset;

  function update() {
    const excess = textExcess(field);
    const left = excess > 0 ? -excess : limit - field.value.length;
    const isOver = left < 0;
    count.textContent = left > COUNT_FROM ? '' : pluralize({ one, other }, left);
    count.classList.toggle('composer__count--low', left <= BOLD_FROM);
    count.classList.toggle('composer__count--over', isOver);
    form.classList.toggle('composer--over', isOver);
    if (isOver) send.setAttribute('aria-describedby', 'composer-error');
    else send.removeAttribute('aria-describedby');
    send.ariaDisabled = isOver || form.matches('.composer--sending') ? 'true' : null;
  }

  field.addEventListener('input', update);
  form.addEventListener('submit', () => setTimeout(update));
  update();
}

/** @param {BodyForm} form */
export function startComposerTools(form) {
  startBar(form);
  startCounter(form);
  form.addEventListener('submit', () => {
    const region = partOf(form, 'preview');
    region?.replaceChildren();
    if (region) region.hidden = true;
  });
}
