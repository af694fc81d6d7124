// "Show password". The button is hidden without scripts.
import { byId, queryAll } from '../core/dom.js';

export function startPasswordReveal() {
  for (const button of queryAll(document, '[data-reveal]')) {
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
