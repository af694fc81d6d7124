// "Show password". The button is hidden without scripts.
import { byId, closestTo, queryAll } from '../core/dom.js';

/** @param {ParentNode} content */
export function showRevealButtons(content) {
  for (const button of queryAll(content, '[data-reveal]')) button.hidden = false;
}

export function startPasswordReveal() {
  document.addEventListener('click', (event) => {
    const button = closestTo(event, '[data-reveal]');
    if (!button) return;
    /** @type {HTMLInputElement} */
    const input = byId(button.dataset.reveal ?? '');
    const isShown = input.type === 'text';
    input.type = isShown ? 'password' : 'text';
    button.ariaPressed = String(!isShown);
  });
}
