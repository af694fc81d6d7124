// Long presses on a touch screen. A touch that scrolls, zooms, adjusts a selection or hits a control is none.
const DURATION = 500; // ms, as phones have it
const TOLERANCE = 10; // px of movement
const CONTROLS = 'a, button, input, textarea, select, form';

/**
 * Calls back while the finger is still down.
 * @param {HTMLElement} area
 * @param {(target: Element) => void} onLongPress
 * @param {AbortSignal} signal
 */
export function watchLongPress(area, onLongPress, signal) {
  /**
   * While a finger is down.
   * @type {{ target: Element, x: number, y: number, timer: number, hasFired: boolean } | null}
   */
  let press = null;

  function cancel() {
    clearTimeout(press?.timer);
    press = null;
  }

  function fire() {
    if (!press || press.hasFired) return;
    press.hasFired = true;
    clearTimeout(press.timer);
    onLongPress(press.target);
  }

  /** @param {PointerEvent} event */
  function start(event) {
    cancel(); // a second finger zooms
    const { clientX: x, clientY: y } = event;
    const target = /** @type {Element} */ (event.target);
    if (event.pointerType !== 'touch' || !event.isPrimary) return;
    if (target.closest(CONTROLS) || !getSelection()?.isCollapsed) return;
    press = { target, x, y, timer: setTimeout(fire, DURATION), hasFired: false };
  }

  const options = { signal, passive: false };
  area.addEventListener('pointerdown', start, options);
  area.addEventListener('scroll', cancel, options);
  document.addEventListener(
    'pointermove',
    ({ clientX, clientY }) => {
      if (press && Math.hypot(clientX - press.x, clientY - press.y) > TOLERANCE) cancel();
    },
    options,
  );
  document.addEventListener(
    'pointerup',
    () => {
      if (!press?.hasFired) cancel();
    },
    options,
  );
  document.addEventListener('pointercancel', cancel, options);
  suppressDefaults(options, {
    isPressed: () => press !== null,
    hasFired: () => press?.hasFired === true,
    fire,
    cancel,
  });
}

/**
 * @param {AddEventListenerOptions} options
 * @param {{ isPressed: () => boolean, hasFired: () => boolean, fire: () => void, cancel: () => void }} press
 */
function suppressDefaults(options, press) {
  // Lifting the finger must not click what has appeared under it.
  document.addEventListener(
    'touchend',
    (event) => {
      if (press.hasFired()) event.preventDefault();
      press.cancel();
    },
    options,
  );
  // The browser's own long press would open its menu on top and select the word underneath. It may come first, because
  // users can set its duration.
  document.addEventListener(
    'contextmenu',
    (event) => {
      if (!press.isPressed()) return;
      event.preventDefault();
      press.fire();
    },
    options,
  );
  document.addEventListener(
    'selectstart',
    (event) => {
      if (press.isPressed()) event.preventDefault();
    },
    options,
  );
}
