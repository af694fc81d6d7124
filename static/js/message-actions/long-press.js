// A finger that rests on something for a while. Where it scrolls, zooms, adjusts a selection or presses what has a press of its own, nothing comes of it.
const LONG = 500; // ms, as phones have it
const SLACK = 10; // px that a resting finger wanders
const OWN = 'a, button, input, textarea, select, form';

/** `press(target)` is called while the finger is still down. */
export function watchLongPress(place, press, signal) {
  let held = null; // { target, x, y, clock, isOver } while a finger is down

  function drop() {
    clearTimeout(held?.clock);
    held = null;
  }

  function fire() {
    if (held.isOver) return;
    held.isOver = true;
    clearTimeout(held.clock);
    press(held.target);
  }

  function start(event) {
    drop(); // a second finger zooms
    const { target, clientX: x, clientY: y } = event;
    if (event.pointerType !== 'touch' || !event.isPrimary || target.closest(OWN) || !getSelection().isCollapsed) return;
    held = { target, x, y, clock: setTimeout(fire, LONG), isOver: false };
  }

  const on = (element, type, hear) => element.addEventListener(type, hear, { signal, passive: false });
  on(place, 'pointerdown', start);
  on(place, 'scroll', drop);
  on(document, 'pointermove', ({ clientX, clientY }) => {
    if (held && Math.hypot(clientX - held.x, clientY - held.y) > SLACK) drop();
  });
  on(document, 'pointerup', () => {
    if (!held?.isOver) drop();
  });
  on(document, 'pointercancel', drop);
  // Lifting the finger presses nothing of what has come up under it.
  on(document, 'touchend', (event) => {
    if (held?.isOver) event.preventDefault();
    drop();
  });
  // The browser's own long press: its menu would stand on top, and it would select the word underneath. It may come first, by the time that its user has set.
  on(document, 'contextmenu', (event) => {
    if (!held) return;
    event.preventDefault();
    fire();
  });
  on(document, 'selectstart', (event) => {
    if (held) event.preventDefault();
  });
}
