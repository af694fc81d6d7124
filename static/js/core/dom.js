// Lookups for elements that the page is known to have, so that callers need no check for null.
// Where an element may be missing, use `document.getElementById` or `querySelector`.

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export const byId = (id) => /** @type {T} */ (document.getElementById(id));

/**
 * A part of the room that an element is in, by its id. Where a thread is beside a room, the ids in it have a prefix.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {HTMLElement} element
 * @param {string} id
 * @returns {T}
 */
export const partOf = (element, id) => byId(idPrefixOf(element) + id);

const REFERENCES = ['for', 'form', 'aria-labelledby', 'aria-describedby', 'aria-controls', 'popovertarget'];

/**
 * Ids are unique in the document, so a part that is in it for the second time gets others.
 * @param {ParentNode} part
 * @param {string} prefix
 */
export function prefixIds(part, prefix) {
  for (const element of queryAll(part, '*')) {
    // Replies in a thread keep theirs: they are in no other room.
    if (element.closest('.chunk .message')) continue;
    if (element.id) element.id = prefix + element.id;
    for (const name of REFERENCES) {
      const ids = element.getAttribute(name);
      if (ids)
        element.setAttribute(
          name,
          ids.replace(/\S+/g, (id) => prefix + id),
        );
    }
    if (element instanceof HTMLTemplateElement) prefixIds(element.content, prefix);
  }
}

/** @param {HTMLElement} element */
export const idPrefixOf = (element) =>
  /** @type {HTMLElement | null} */ (element.closest('[data-ids]'))?.dataset.ids ?? '';

/**
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} parent
 * @param {string} selector
 * @returns {T}
 */
export const query = (parent, selector) => /** @type {T} */ (parent.querySelector(selector));

/**
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} parent
 * @param {string} selector
 * @returns {T[]}
 */
export const queryAll = (parent, selector) => /** @type {T[]} */ (Array.from(parent.querySelectorAll(selector)));

/** @returns {AppElement} */
export const appElement = () => byId('app');

/**
 * What stands beside the sidebar: a room or another page.
 * @returns {RoomElement | HTMLElement & { dataset: { room?: undefined } }}
 */
export const mainElement = () => query(document, '.main');

/**
 * The element that an event came from, or the closest one around it that matches.
 * @template {Element} [T=HTMLElement]
 * @param {Event} event
 * @param {string} selector
 * @returns {T | null}
 */
export const closestTo = ({ target }, selector) => /** @type {Element} */ (target).closest(selector);

/**
 * The first element of a template, copied.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {HTMLTemplateElement} template
 * @returns {T}
 */
export const cloneTemplate = ({ content }) => /** @type {T} */ (content.firstElementChild?.cloneNode(true));

/** @param {MouseEvent | KeyboardEvent} event */
export const hasModifier = ({ ctrlKey, altKey, metaKey, shiftKey }) => ctrlKey || altKey || metaKey || shiftKey;

/**
 * A key that belongs to an input method. Safari ends a composition before it sends the Enter that ended it: 229.
 * @param {KeyboardEvent} event
 */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

/**
 * Puts a row where it belongs among rows that are sorted by `data-sort`; of equal ones, the one with the smaller id is
 * first.
 * @param {HTMLElement} list
 * @param {HTMLElement} row
 * @param {(row: HTMLElement) => string | undefined} idOf
 * @param {number} [first] rows before this index keep their place
 */
export function insertSorted(list, row, idOf, first = 0) {
  const others = /** @type {HTMLElement[]} */ (Array.from(list.children)).slice(first).filter((other) => other !== row);
  const { sort: key = '' } = row.dataset;
  const next = others.find(({ dataset: { sort = '' } }, index) => {
    return sort > key || (sort === key && Number(idOf(others[index])) > Number(idOf(row)));
  });
  const place = next ?? null;
  if (row.parentElement !== list || row.nextElementSibling !== place) list.insertBefore(row, place);
}
