// What became of a room while it was on screen: said above the composer, also on the page that comes next.
const KEY = 'patio:notice';
const area = () => document.getElementById('notice');

function show(text, announcer) {
  area().querySelector('p').textContent = text;
  area().hidden = false;
  announcer.say(text);
}

/** `reason` is the server's; who left by themselves knows. */
export function tellClosed(reason, name, announcer) {
  const text = { removed: area().dataset.removed, deleted: area().dataset.deleted }[reason];
  if (text)
    show(
      text.replace('{name}', () => name),
      announcer,
    );
}

/** Takes what is shown along to the page that comes next. Where the browser keeps nothing it is not said. */
export function carryNotice() {
  if (area().hidden) return;
  try {
    sessionStorage.setItem(KEY, area().querySelector('p').textContent);
  } catch {}
}

export function showCarried(announcer) {
  try {
    const text = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    if (text) show(text, announcer);
  } catch {}
}
