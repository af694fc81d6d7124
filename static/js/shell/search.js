// Ctrl+Shift+F (⇧⌘F on a Mac) leads to the search. That its results follow what is typed is written in the page.
const IS_MAC = /^(?:Mac|iP)/.test(navigator.platform);
/** @param {KeyboardEvent} event */
const isShortcut = ({ key, ctrlKey, metaKey, shiftKey, altKey }) =>
  key.toLowerCase() === 'f' && shiftKey && !altKey && ctrlKey !== IS_MAC && metaKey === IS_MAC;

export function startSearch() {
  const link = document.getElementById('to-search');
  if (!link) return;
  link.setAttribute('aria-keyshortcuts', IS_MAC ? 'Shift+Meta+F' : 'Control+Shift+F');

  addEventListener('keydown', (event) => {
    if (!isShortcut(event)) return;
    event.preventDefault();
    /** @type {HTMLInputElement | null} */
    const field = document.querySelector('#search [name=q]');
    if (field) {
      field.focus();
      field.select();
    } else link.click();
  });
}
