// "Show password". The button is hidden without scripts.
import { byId, queryAll } from '../core/dom.js';

/** @param {ParentNode} content */
export function startPasswordReveal(content) {
  for (const button of queryAll(content, '[data-reveal]')) {
    /** @type {HTMLInputElement} */
    const input = byId(button.dataset.reveal ?? '');
    button.hidden = false;
    button.addEventListener('click', () => {
      const isShown = input.type === 'text';
      input.type = isShown ? 'password' : 'text';
      button.ariaPressed = String(!isShown);
    });
  }
}
