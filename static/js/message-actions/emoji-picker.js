// The little panel to choose an emoji from, beside the button that opened it.
const GAP = 4; // px

export function createPalette({ choose, tell, signal }) {
  const panel = document.getElementById('palette');
  const field = panel.querySelector('input');
  const note = panel.querySelector('[role="alert"]');
  let message = null; // its id

  panel.addEventListener(
    'submit',
    async (event) => {
      event.preventDefault();
      const emoji = event.submitter?.value || field.value;
      note.textContent = '';
      try {
        await choose(message, emoji);
        panel.hidePopover(); // the focus goes back to where it came from
      } catch (error) {
        note.textContent = tell.words(error);
      }
    },
    { signal },
  );
  signal.addEventListener('abort', () => panel.hidePopover());

  return {
    open(button, id) {
      message = id;
      field.value = '';
      note.textContent = '';
      panel.showPopover();
      const { top, bottom, right } = button.getBoundingClientRect();
      const { width, height } = panel.getBoundingClientRect();
      const below = bottom + GAP + height <= innerHeight;
      panel.style.insetBlock = `${Math.max(GAP, below ? bottom + GAP : top - GAP - height)}px auto`;
      panel.style.insetInline = 'auto';
      panel.style.left = `${Math.max(GAP, right - width)}px`;
      panel.querySelector('button').focus();
    },
  };
}
