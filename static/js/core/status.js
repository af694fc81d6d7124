// The sentence that says what became of an action. Its element is on the page from the start and stays, because screen
// readers don't reliably read a live region that comes with its text.
const REPEAT_DELAY = 100; // the same text again is only spoken if the region was empty in between
let timer = 0;

/**
 * @param {string} text '' for none
 * @param {boolean} [isError]
 */
export function showStatus(text, isError = false) {
  const region = document.getElementById('status');
  if (!region) return;
  clearTimeout(timer);
  region.textContent = '';
  region.classList.toggle('status--error', isError);
  if (text) timer = setTimeout(() => (region.textContent = text), REPEAT_DELAY);
}
