// F6 moves the focus from landmark to landmark of the page, Shift+F6 back.
import { query, queryAll } from '../core/dom.js';

/** Each landmark and what in it gets the focus; without that, the landmark itself or its first control. */
const LANDMARKS = [
  { selector: '.sidebar', target: '.room[aria-current]' },
  { selector: '.page-header', target: 'h1' },
  { selector: '#log, .page', target: '' },
  { selector: '#composer', target: 'textarea' },
];

export function startLandmarkKeys() {
  addEventListener('keydown', (event) => {
    if (event.key !== 'F6' || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const visible = LANDMARKS.flatMap(({ selector, target }) =>
      queryAll(document, selector).map((element) => ({ element, target })),
    ).filter(({ element }) => element.checkVisibility());
    const current = visible.findIndex(({ element }) => element.contains(document.activeElement));
    const next = current < 0 ? 0 : (current + (event.shiftKey ? -1 : 1) + visible.length) % visible.length;
    const { element, target } = visible[next];
    const control = element.tabIndex < 0 ? queryAll(element, 'a, button').find((it) => it.checkVisibility()) : element;
    ((target && query(element, target)) || control)?.focus();
  });
}
