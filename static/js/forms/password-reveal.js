// "Show password": the button appears with the script that makes it work.
export function startReveal() {
  for (const button of document.querySelectorAll('[data-reveal]')) {
    const input = document.getElementById(button.dataset.reveal);
    button.hidden = false;
    button.addEventListener('click', () => {
      const shown = input.type === 'text';
      input.type = shown ? 'password' : 'text';
      button.ariaPressed = String(!shown);
    });
  }
}
