// What a page load would do to a form and its surroundings, where the page stays: the fields show what the server
// returned, the first error is in view, the focus is somewhere.
import { queryAll } from '../core/dom.js';

/** @typedef {Map<HTMLInputElement | HTMLTextAreaElement, string>} SentValues */

/**
 * @param {HTMLFormElement} form
 * @returns {SentValues}
 */
export function sentValues(form) {
  /** @type {(HTMLInputElement | HTMLTextAreaElement)[]} */
  const fields = queryAll(form, 'input, textarea');
  return new Map(fields.map((field) => [field, sentValue(field)]));
}

/** @param {HTMLInputElement | HTMLTextAreaElement} field */
function isChoice({ type }) {
  return type === 'radio' || type === 'checkbox';
}

/**
 * Of a choice, what is chosen among all of its name.
 * @param {HTMLInputElement | HTMLTextAreaElement} field
 */
function sentValue(field) {
  const { form, name, value } = field;
  return form && isChoice(field) ? new FormData(form).getAll(name).join() : value;
}

/**
 * Empties passwords and files, and takes over how the server wrote the rest. A field that was changed since stays.
 * @param {SentValues} sent
 */
export function showReturnedValues(sent) {
  const unchanged = [...sent].filter(([field, value]) => field.isConnected && sentValue(field) === value);
  for (const [field, value] of unchanged) {
    if (field instanceof HTMLInputElement && isChoice(field)) field.checked = field.defaultChecked;
    else if (value !== field.defaultValue) field.value = field.defaultValue;
  }
}

/** @param {Element | null} form */
export function showFirstError(form) {
  const error = form?.querySelector('[aria-invalid=true], .field__note--error');
  (error?.closest('.field') ?? error)?.scrollIntoView({ block: 'nearest' });
}

/**
 * Returns the function that gives the focus back if a swap has taken it: to the heading of the part where it was.
 * @param {HTMLElement} region what is swapped
 */
export function keepFocus(region) {
  const focused = document.activeElement;
  if (!region.contains(focused)) return () => {};
  const heading = /** @type {HTMLElement | null} */ (focused?.closest('section')?.querySelector('h2') ?? null);
  return () => {
    if (focused?.isConnected && document.activeElement === focused) return;
    const place = heading?.isConnected ? heading : region;
    place.tabIndex = -1;
    place.focus({ preventScroll: true });
  };
}

/**
 * A result that is only shown once, as a link or a secret: in view, and read by screen readers.
 * @param {HTMLElement} region
 */
export function showResult(region) {
  /** @type {HTMLElement | null} */
  const result = region.querySelector('[data-result]');
  result?.focus({ preventScroll: true });
  result?.scrollIntoView({ block: 'nearest' });
}

/**
 * The answer to a form shows the whole list, but the user has searched it.
 * @param {HTMLElement} region
 */
export function askAgain(region) {
  /** @type {HTMLInputElement | null} */
  const field = region.querySelector('[hx-get] [type=search]');
  if (field && field.value !== field.defaultValue) field.form?.requestSubmit();
}
