// The panel to choose an emoji from, placed beside the button that opened it.
import { byId, query } from '../core/dom.js';

const GAP = 4; // px

/**
 * @typedef {object} EmojiPickerOptions
 * @property {(messageId: string, emoji: string) => Promise<void>} onChoose
 * @property {(error: unknown) => string} describeError
 * @property {AbortSignal} signal
 */

/** @param {EmojiPickerOptions} options */
export function createEmojiPicker({ onChoose, describeError, signal }) {
  const panel = byId('palette');
  /** @type {HTMLInputElement} */
  const field = query(panel, 'input');
  const error = query(panel, '[role="alert"]');
  let messageId = '';

  panel.addEventListener(
    'submit',
    async (event) => {
      event.preventDefault();
      const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
      const emoji = button?.value || field.value;
      error.textContent = '';
      try {
        await onChoose(messageId, emoji);
        panel.hidePopover(); // the focus returns to where it was
      } catch (reason) {
        error.textContent = describeError(reason);
      }
    },
    { signal },
  );
  signal.addEventListener('abort', () => panel.hidePopover());

  return {
    /**
     * @param {HTMLElement} anchor
     * @param {string} id of the message
     */
    open(anchor, id) {
      messageId = id;
      field.value = '';
      error.textContent = '';
      panel.showPopover();
      const { top, bottom, right } = anchor.getBoundingClientRect();
      const { width, height } = panel.getBoundingClientRect();
      const fitsBelow = bottom + GAP + height <= innerHeight;
      panel.style.insetBlock = `${Math.max(GAP, fitsBelow ? bottom + GAP : top - GAP - height)}px auto`;
      panel.style.insetInline = 'auto';
      panel.style.left = `${Math.max(GAP, right - width)}px`;
      query(panel, 'button').focus();
    },
  };
}
