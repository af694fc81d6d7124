// Where text that is not sent yet is kept. All of it bears one prefix, so that it can go when its writer goes.
const PREFIX = 'patio:';

/** `storage` is 'sessionStorage' for what belongs to a tab, 'localStorage' for what all tabs share. Either may be full or forbidden: that costs only the keeping. */
export function keep(storage, key, text) {
  try {
    if (text) globalThis[storage].setItem(PREFIX + key, text);
    else globalThis[storage].removeItem(PREFIX + key);
  } catch {}
}

export function kept(storage, key) {
  try { return globalThis[storage].getItem(PREFIX + key); } catch { return null; }
}

/** What follows the given beginning in the keys that are there. */
export function keysAfter(storage, beginning) {
  const whole = PREFIX + beginning;
  try {
    return Object.keys(globalThis[storage]).filter((key) => key.startsWith(whole)).map((key) => key.slice(whole.length));
  } catch { return []; }
}

export function forgetUnsent() {
  for (const storage of ['sessionStorage', 'localStorage']) for (const key of keysAfter(storage, '')) keep(storage, key, '');
}
